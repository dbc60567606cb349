package gateways

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/content"
	"blackout/harness/fault"
)

func TestNewRefuses(t *testing.T) {
	full := open(t, nil).gw.cfg
	for name, change := range map[string]func(*Config){
		"no name":      func(c *Config) { c.Service = "" },
		"no judge":     func(c *Config) { c.Judge = nil },
		"no carrier":   func(c *Config) { c.Carry = nil },
		"no regions":   func(c *Config) { c.Regions = nil },
		"another kind": func(c *Config) { c.Kind = fault.KindHTTP },
		"no files":     func(c *Config) { c.Kind = fault.KindStorage },
		"no content id": func(c *Config) {
			c.Kind, c.Files = fault.KindStorage, []content.File{{ID: "bafk", Name: "broken.svg"}}
		},
		"wrong dialect":  func(c *Config) { c.Dialect = "infra" },
		"no key":         func(c *Config) { c.Key = "" },
		"key with slash": func(c *Config) { c.Key = "a/b" },
	} {
		cfg := full
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

func TestPutRefuses(t *testing.T) {
	w := open(t, nil)
	http := func(fault.Request) (fault.HTTPReply, bool) { return fault.HTTPReply{}, true }
	rpc := func(fault.Request, fault.RPCCall) (fault.RPCError, bool) { return fault.RPCError{}, true }
	grip := &fault.Grip{ID: "x", Service: "infura"}
	for name, rule := range map[string]fault.ReplyRule{
		"no grip":         {Layer: fault.LayerHTTP, HTTP: http},
		"no id":           {Grip: &fault.Grip{Service: "infura"}, Layer: fault.LayerHTTP, HTTP: http},
		"another service": {Grip: &fault.Grip{ID: "x", Service: "alchemy"}, Layer: fault.LayerHTTP, HTTP: http},
		"neither":         {Grip: grip, Layer: fault.LayerHTTP},
		"both":            {Grip: grip, Layer: fault.LayerHTTP, HTTP: http, RPC: rpc},
		"wrong layer":     {Grip: grip, Layer: fault.LayerRPC, HTTP: http},
	} {
		if err := w.gw.Put(rule); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

// The names of methods in a record are the app's own words: they are bounded, and cannot forge a list.
func TestMethods(t *testing.T) {
	many := strings.Repeat(`{"method":"a"},`, 30)
	for body, want := range map[string]string{
		`{"method":"eth_call"}`:                              "eth_call",
		`[{"method":"a"},{"method":"b"}]`:                    "a,b",
		`[` + strings.TrimSuffix(many, ",") + `]`:            strings.Repeat("a,", 20) + "…",
		`{"method":"a,b\n\u0000"}`:                           "a?b??",
		`{"method":"` + strings.Repeat("x", 100) + `"}`:      strings.Repeat("x", 64) + "…",
		`{"method":7}`:                                       "",
		`{"method":"a"} trailing`:                            "",
		` {"\u006dethod":"a","method":"b","method":null} `:   "b",
		`[1,null,{"id":1,"nested":{"method":"x"}},[{}],"{"]`: ",,,,",
	} {
		if diff := cmp.Diff(want, parse([]byte(body)).methods()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

package spec

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func replace(text, with string) string { return strings.Replace(text, "%", with, 1) }

const baseWorld = `schema: blackout/world/1
name: default
clouds: {aws: {regions: [us-east-1, us-west-2]}}
chains: {ethereum: {id: 1, block_time: 2s}}
services:
  infura: {kind: rpc, hosts: {ethereum: mainnet.infura.io}, placement: {aws/us-east-1: 70%, aws/us-west-2: 30%}, latency: 40ms, capacity: {headroom: 100%}}
  other: {kind: rpc, hosts: {ethereum: other.example.org}, placement: {aws/us-west-2: 100%}}
`

func library1(name string) (File, error) {
	if name != "default" {
		return File{}, errors.New("the library has no such world")
	}
	return File{Name: "default.yaml", Data: []byte(baseWorld)}, nil
}

// TestExtends holds the precedence set, overlay, file, default and that maps merge, lists replace and null deletes.
func TestExtends(t *testing.T) {
	user := File{Name: "user.yaml", Data: []byte(`schema: blackout/world/1
name: mine
extends: default
clouds: {aws: {regions: [us-east-1, us-west-2, eu-west-1]}}
services:
  infura:
    latency: 80ms
    capacity: {headroom: null, rate: 5/s}
    placement: {aws/us-west-2: null, aws/eu-west-1: 30%}
  other: null
  mine: {kind: http, host: api.mine.example.org, placement: {aws/eu-west-1: 100%}}
`)}
	overlay := File{Name: "overlay.yaml", Data: []byte("schema: blackout/world/1\nservices: {infura: {latency: 90ms, dialect: infura}}\n")}
	w, err := ParseWorld(user, Options{Base: library1, Overlays: []File{overlay}, Set: []string{"services.infura.latency=95ms", "services.infura.capacity.rate=7/s"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Service{
		Kind: "rpc", Dialect: "infura", Hosts: map[string]string{"ethereum": "mainnet.infura.io"}, Latency: 95 * time.Millisecond, KnownFrom: "assumed", TTL: 5 * time.Second,
		Placement: map[string]float64{"aws/us-east-1": 0.7, "aws/eu-west-1": 0.3}, Capacity: &Capacity{Rate: 7},
	}, w.Services["infura"]); diff != "" {
		t.Error(diff)
	}
	if _, ok := w.Services["other"]; ok || w.Name != "mine" || len(w.Services) != 2 || len(w.Clouds["aws"].Regions) != 3 {
		t.Errorf("%+v", w)
	}
	for path, want := range map[string]Pos{
		"services.infura.hosts.ethereum":          {"default.yaml", 6, 41},
		"services.infura.placement.aws/eu-west-1": {"user.yaml", 9, 53},
		"services.infura.dialect":                 {"overlay.yaml", 2, 45},
		"services.infura.latency":                 {"--set", 1, 25},
		"services.mine.kind":                      {"user.yaml", 11, 16},
	} {
		if got := w.Source.At(path); got != want {
			t.Errorf("%s stands at %v, want %v", path, got, want)
		}
	}
}

func TestProblemsOfOverlays(t *testing.T) {
	scenario := "schema: blackout/scenario/1\nname: x\nphases: [{name: p, for: 10s, faults: [{fault: unreachable, target: {service: a}, share: {from: 40%, to: 0%}}]}]\n"
	for name, c := range map[string]struct {
		kind, text string
		options    Options
		want       string
	}{
		"no library":         {KindWorld, "schema: blackout/world/1\nextends: default\n", Options{}, `user.yaml:2:10: cannot extend "default": there is no library of worlds here`},
		"unknown base":       {KindWorld, "schema: blackout/world/1\nextends: defalt\n", Options{Base: library1}, `user.yaml:2:10: cannot extend "defalt": the library has no such world`},
		"circle":             {KindWorld, "schema: blackout/world/1\nextends: default\n", Options{Base: func(string) (File, error) { return file("schema: blackout/world/1\nextends: default\n"), nil }}, "worlds extend each other in a circle"},
		"problem in base":    {KindWorld, "schema: blackout/world/1\nextends: default\n", Options{Base: func(string) (File, error) { return file("schema: blackout/world/1\nname: x\nclods: {}\n"), nil }}, `test.yaml:3:1: unknown key "clods"`},
		"sum after merging":  {KindWorld, "schema: blackout/world/1\nextends: default\nservices: {infura: {placement: {aws/us-west-2: 20%}}}\n", Options{Base: library1}, "user.yaml:3:32: with what it extends, the placement of infura sums to 90%, not to 100%"},
		"overlay of a kind":  {KindScenario, scenario, Options{Overlays: []File{{"over.yaml", []byte("schema: blackout/app/1\n")}}}, "over.yaml:1:9: this is an app file"},
		"overlay's key":      {KindScenario, scenario, Options{Overlays: []File{{"over.yaml", []byte("schema: blackout/scenario/1\nafterr: 10s\n")}}}, `over.yaml:2:1: unknown key "afterr"`},
		"overlay's base":     {KindWorld, baseWorld, Options{Overlays: []File{{"over.yaml", []byte("schema: blackout/world/1\nextends: other\n")}}}, `over.yaml:2:10: this overlay extends "other"`},
		"set: unknown key":   {KindScenario, scenario, Options{Set: []string{"after=1s", "phases[0].fro=10s"}}, "--set:2:11: unknown path: there is no \"fro\" here\n  phases[0].fro=10s\n            ^\nhint: did you mean \"for\"?"},
		"set: unknown name":  {KindWorld, baseWorld, Options{Set: []string{"services.infra.latency=1s"}}, "--set:1:10: unknown path: there is no \"infra\" here\n  services.infra.latency=1s\n           ^\nhint: did you mean \"infura\"?"},
		"set: another file":  {KindApp, smallApp, Options{Set: []string{"phases[0].for=30s"}}, "--set:1:1: unknown path: there is no \"phases\" here\n  phases[0].for=30s\n  ^\nhint: did you mean \"scenario.phases[0].for\"?"},
		"set: index":         {KindScenario, scenario, Options{Set: []string{"phases[1].for=10s"}}, "--set:1:7: unknown path: there is no [1] here"},
		"set: bad value":     {KindScenario, scenario, Options{Set: []string{"phases[0].for=10"}}, "--set:1:15: bad duration \"10\"\n  phases[0].for=10\n                ^\nhint: did you mean \"10s\"?"},
		"set: below scalar":  {KindScenario, scenario, Options{Set: []string{"after.x=10s"}}, "--set:1:1: \"after\" must be text, not a map"},
		"set: through text":  {KindScenario, scenario, Options{Set: []string{"name.x=10s"}}, "--set:1:6: unknown path: \"x\" would be a key, but here is text"},
		"set: no value":      {KindScenario, scenario, Options{Set: []string{"after="}}, "--set:1:7: the value is missing"},
		"set: no assignment": {KindScenario, scenario, Options{Set: []string{"after"}}, "--set:1:1: --set takes path=value"},
		"set: bad path":      {KindScenario, scenario, Options{Set: []string{"phases[x]=1"}}, `--set:1:1: bad path "phases[x]"`},
		"set: bad YAML":      {KindScenario, scenario, Options{Set: []string{"tags=[a"}}, "--set:1:6: not valid YAML"},
		"set: share's key":   {KindScenario, scenario, Options{Set: []string{"phases[0].faults[0].share.form=10%"}}, "--set:1:27: unknown key \"form\""},
	} {
		t.Run(name, func(t *testing.T) {
			err := parseKind(c.kind, File{Name: "user.yaml", Data: []byte(c.text)}, c.options)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestSet(t *testing.T) {
	a, err := ParseApp(file(smallApp), Options{Set: []string{
		"journeys.view.rate=5/s", "sessions.count=3", "steady_state={ok: 90%}", "instances.aws/us-east-1=2", "start.env.EXTRA=\"1\"", "journeys.view.checks.balance.max_stale=7 blocks",
		"accounts.fund=1 ether", "accounts.fund=null",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Journeys["view"].Rate != 5 || a.Sessions.Count != 3 || a.Steady.OK != 0.9 || a.Instances["aws/us-east-1"] != 2 || a.Start.Env["EXTRA"] != "1" ||
		a.Start.Env["PORT"] != "${instance.port}" || a.Journeys["view"].Checks.MaxStale != 7 || a.Accounts.Fund != "100 ether" {
		t.Errorf("%+v", a)
	}
}

// TestProblemsAreTheUsers holds that what a file breaks in the library's file below it is shown in that file, and once.
func TestProblemsAreTheUsers(t *testing.T) {
	for name, c := range map[string]struct {
		text, overlay string
		set           []string
		want          string
	}{
		"placement": {
			text: "schema: blackout/world/1\nname: mine\nextends: default\nservices:\n  infura: {placement: {aws/us-east-1: 100%}}\n",
			want: `user.yaml:5:23: with what it extends, the placement of infura sums to 130%, not to 100%
    infura: {placement: {aws/us-east-1: 100%}}
                        ^
hint: null takes a region out: aws/us-west-2: null`,
		},
		"placement of an overlay": {
			text: "schema: blackout/world/1\nname: mine\nextends: default\n", overlay: "schema: blackout/world/1\nservices: {infura: {placement: {aws/us-east-1: 60%}}}\n",
			want: `over.yaml:2:32: with what it is laid over, the placement of infura sums to 90%, not to 100%
  services: {infura: {placement: {aws/us-east-1: 60%}}}
                                 ^
hint: it also has aws/us-west-2: 30%`,
		},
		"placement of --set": {
			text: "schema: blackout/world/1\nname: mine\nextends: default\n", set: []string{"services.infura.placement.aws/us-east-1=71%"},
			want: `--set:1:27: with what it is laid over, the placement of infura sums to 101%, not to 100%
  services.infura.placement.aws/us-east-1=71%
                            ^
hint: null takes a region out: aws/us-west-2: null`,
		},
		"capacity": {
			text: "schema: blackout/world/1\nname: mine\nextends: default\nservices: {infura: {capacity: {rate: 5/s}}}\n",
			want: `user.yaml:4:31: the capacity has either "headroom" or "rate"
  services: {infura: {capacity: {rate: 5/s}}}
                                ^
hint: in an overlay, null takes the other one out`,
		},
		"no such base": {
			text: "schema: blackout/world/1\nname: mine\nextends: defalt\nservices:\n  infura: {latency: 1, placement: {aws/us-east-1: 100%}}\n",
			want: `user.yaml:3:10: cannot extend "defalt": the library has no such world
  extends: defalt
           ^

user.yaml:5:21: bad duration "1"
    infura: {latency: 1, placement: {aws/us-east-1: 100%}}
                      ^
hint: did you mean "1s"?`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Base: library1, Set: c.set}
			if c.overlay != "" {
				o.Overlays = []File{{"over.yaml", []byte(c.overlay)}}
			}
			_, err := ParseWorld(File{Name: "user.yaml", Data: []byte(c.text)}, o)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

package links

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/Shopify/toxiproxy/v2/toxics"

	"blackout/harness/fault"
)

// attribute is a whole number that a toxic takes.
type attribute struct {
	min, max int64
	required bool
	why      string // why the bounds are what they are, for the error
}

const (
	hourMillis  = 60 * 60 * 1000
	minuteMicro = 60 * 1000 * 1000
)

// known are the toxics of toxiproxy that a rule may use, with bounds that keep clear of its crashes: it divides by or slices with what it is given, and it draws
// jitter and variation from a global generator that no seed reaches.
var known = map[string]map[string]attribute{
	"latency": {
		"latency": {max: hourMillis, required: true, why: "milliseconds"},
		"jitter":  {why: "it would be drawn from a generator that no seed reaches"},
	},
	"bandwidth": {"rate": {min: 1, max: 1 << 30, required: true, why: "KB/s; for a black hole use mode blackhole"}},
	"slicer": {
		"average_size":   {min: 1, max: 1 << 30, required: true, why: "bytes"},
		"size_variation": {why: "it would be drawn from a generator that no seed reaches"},
		"delay":          {max: minuteMicro, why: "microseconds"},
	},
	"limit_data": {"bytes": {max: math.MaxInt64, required: true, why: "bytes"}},
	"slow_close": {"delay": {max: hourMillis, required: true, why: "milliseconds"}},
	"timeout":    {"timeout": {min: 1, max: hourMillis, required: true, why: "milliseconds; for one that never ends use mode blackhole"}},
}

// newToxic makes one of toxiproxy's toxics. toxiproxy itself takes a misspelt attribute for an absent one, and dies of some values later on.
func newToxic(t fault.Toxic) (toxics.Toxic, error) {
	attributes, ok := known[t.Type]
	if !ok {
		if t.Type == "reset_peer" {
			return nil, errors.New("it ends open connections with FIN; use mode reset")
		}
		return nil, fmt.Errorf("unknown type (known: %s)", names(known))
	}
	values := make(map[string]int64, len(t.Attributes))
	for name, v := range t.Attributes {
		a, ok := attributes[name]
		if !ok {
			return nil, fmt.Errorf("unknown attribute %q (known: %s)", name, names(attributes))
		}
		n, err := whole(v)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		if n < a.min || n > a.max {
			return nil, fmt.Errorf("attribute %s is %d, must be from %d to %d (%s)", name, n, a.min, a.max, a.why)
		}
		values[name] = n
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if _, ok := values[name]; attributes[name].required && !ok {
			return nil, fmt.Errorf("attribute %s is missing (%s)", name, attributes[name].why)
		}
	}
	built := toxics.New(&toxics.ToxicWrapper{Type: t.Type})
	if built == nil {
		return nil, errors.New("toxiproxy does not have it")
	}
	body, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("encode attributes: %w", err)
	}
	if err := json.Unmarshal(body, built); err != nil {
		return nil, fmt.Errorf("decode attributes: %w", err)
	}
	return built, nil
}

// whole gives the whole number that a value is, in whatever type a decoder of YAML or JSON left it.
func whole(v any) (int64, error) {
	switch n := v.(type) {
	case int:
		return int64(n), nil
	case int32:
		return int64(n), nil
	case int64:
		return n, nil
	case uint64:
		if n <= math.MaxInt64 {
			return int64(n), nil
		}
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int64(n), nil
		}
	}
	return 0, fmt.Errorf("%v (%T) is no whole number", v, v)
}

func names[V any](m map[string]V) string { return strings.Join(slices.Sorted(maps.Keys(m)), ", ") }

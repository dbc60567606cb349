package fault

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// The getters below read checked parameters. Each gives the zero value for a parameter that is absent or of another type, and takes what JSON makes of it: after a
// plan was written and read again an int64 is a float64 and a []string a []any.

// Has reports whether a parameter is set, by the user or by its default.
func (w With) Has(name string) bool { return w[name] != nil }

// Int is an integer parameter.
func (w With) Int(name string) int64 {
	i, _ := asInt(w[name])
	return i
}

// Number is a number parameter.
func (w With) Number(name string) float64 {
	f, _ := asNumber(w[name])
	return f
}

// String is a string parameter.
func (w With) String(name string) string {
	s, _ := w[name].(string)
	return s
}

// Bool is a boolean parameter.
func (w With) Bool(name string) bool {
	b, _ := w[name].(bool)
	return b
}

// Duration is a duration parameter.
func (w With) Duration(name string) time.Duration {
	d, _ := time.ParseDuration(w.String(name))
	return d
}

// Address is an address parameter; the zero Addr when it is absent.
func (w With) Address(name string) netip.Addr {
	a, _ := netip.ParseAddr(w.String(name))
	return a
}

// Rate is a rate parameter, per second.
func (w With) Rate(name string) float64 {
	r, _ := ParseRate(w.String(name))
	return r
}

// Strings is a list of strings.
func (w With) Strings(name string) []string {
	s, _ := asStrings(w[name])
	return s
}

// Part is how many of a number of things a part of them is, rounded down.
func (w With) Part(name string, of int) int {
	if count, ok := asInt(w[name]); ok {
		return int(min(count, int64(of)))
	}
	share, _ := parseShare(w.String(name))
	return int(math.Floor(share*float64(of) + 1e-9)) // 29 % of 100 is 28.999… in floating point
}

// parseShare reads a share below the whole, "50%".
func parseShare(text string) (float64, bool) {
	number, ok := strings.CutSuffix(text, "%")
	f, err := strconv.ParseFloat(number, 64)
	return f / 100, ok && err == nil && f >= 0 && f < 100
}

// ParseRate reads a rate, "5/s" or "300/m", and gives it per second. The number must be above 0.
func ParseRate(text string) (float64, error) {
	number, unit, ok := strings.Cut(text, "/")
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || seconds == 0 || err != nil || !(n > 0) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is no rate such as \"5/s\"", text)
	}
	return n / seconds, nil
}

func asInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case float64:
		// 2^53: beyond it a float64 no longer tells neighbours apart.
		return int64(v), v == math.Trunc(v) && math.Abs(v) <= 1<<53
	case json.Number:
		i, err := v.Int64()
		return i, err == nil
	}
	return 0, false
}

func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	i, ok := asInt(v)
	return float64(i), ok
}

func asStrings(v any) ([]string, bool) {
	switch v := v.(type) {
	case []string:
		return v, true
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, false
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}

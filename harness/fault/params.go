package fault

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParamProblem is one thing wrong with the `with:` of one use of a fault.
type ParamProblem struct {
	Param   string // the key in `with:`
	Missing bool   // the key is not there: a place in the file is that of the use
	Text    string // "status must be from 400 to 599"
	Hint    string // "did you mean \"status\"?", or ""
}

// Error gives text and hint in one line.
func (p ParamProblem) Error() string {
	if p.Hint == "" {
		return p.Text
	}
	return p.Text + "; " + p.Hint
}

// Decode checks the parameters of one use and fills in the defaults. raw holds what a YAML or JSON decoder makes of them; it is not changed. All problems are
// given: unknown keys first, in alphabetic order, then the parameters in the order of the catalogue. What is right is decoded even if something else is not.
func (d *Definition) Decode(raw map[string]any) (With, []ParamProblem) {
	with := With{}
	var problems []ParamProblem
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		if !slices.ContainsFunc(d.Params, func(p Param) bool { return p.Name == key }) {
			problems = append(problems, ParamProblem{Param: key, Text: fmt.Sprintf("%s has no parameter %q", d.Name, key), Hint: d.suggest(key)})
		}
	}
	for _, p := range d.Params {
		value, ok := raw[p.Name]
		switch {
		case !ok && p.Required:
			problems = append(problems, ParamProblem{Param: p.Name, Missing: true, Text: fmt.Sprintf("%s needs the parameter %q", d.Name, p.Name), Hint: p.Doc})
		case !ok && p.Default != nil:
			with[p.Name] = p.Default
		case ok:
			decoded, err := p.decode(value)
			if err != nil {
				problems = append(problems, ParamProblem{Param: p.Name, Text: p.Name + " " + err.Error()})
				continue
			}
			with[p.Name] = decoded
		}
	}
	return with, problems
}

func (p Param) decode(value any) (any, error) {
	switch p.Type {
	case TypeInt:
		i, ok := asInt(value)
		if !ok {
			return nil, fmt.Errorf("must be a whole number, not %s", shown(value))
		}
		return i, p.within(float64(i), formatNumber)
	case TypeNumber:
		f, ok := asNumber(value)
		if !ok {
			return nil, fmt.Errorf("must be a number, not %s", shown(value))
		}
		return f, p.within(f, formatNumber)
	case TypePart:
		if i, ok := asInt(value); ok && i >= 0 {
			return i, p.within(float64(i), formatNumber)
		}
		s, _ := value.(string)
		if _, ok := parseShare(s); !ok {
			return nil, fmt.Errorf("must be a share below 100%% such as \"50%%\", or a whole number, not %s", shown(value))
		}
		return s, nil
	case TypeString, TypeChain:
		s, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("must be text, not %s", shown(value))
		}
		return s, p.among(s)
	case TypeBool:
		b, ok := value.(bool)
		if !ok {
			return nil, fmt.Errorf("must be true or false, not %s", shown(value))
		}
		return b, nil
	case TypeDuration:
		s, ok := value.(string)
		length, err := time.ParseDuration(s)
		if !ok || err != nil || length < 0 {
			return nil, fmt.Errorf("must be a duration such as \"40ms\" or \"2s\", not %s", shown(value))
		}
		return s, p.within(length.Seconds(), func(s float64) string { return time.Duration(s * float64(time.Second)).String() })
	case TypeRate:
		s, ok := value.(string)
		rate, err := ParseRate(s)
		if !ok || err != nil {
			return nil, fmt.Errorf("must be a rate such as \"5/s\", not %s", shown(value))
		}
		return s, p.within(rate, func(r float64) string { return formatNumber(r) + "/s" })
	case TypeAddress:
		s, ok := value.(string)
		address, err := netip.ParseAddr(s)
		if !ok || err != nil || !address.Is4() {
			return nil, fmt.Errorf("must be an IPv4 address such as \"127.0.0.9\", not %s", shown(value))
		}
		if !address.IsLoopback() {
			return nil, fmt.Errorf("must be an address of this machine (127.0.0.0/8), not %s: nothing may leave it", shown(value))
		}
		return s, nil
	case TypeStrings:
		list, ok := asStrings(value)
		if !ok {
			return nil, fmt.Errorf("must be a list of texts such as [\"a\", \"b\"], not %s", shown(value))
		}
		for _, s := range list {
			if err := p.among(s); err != nil {
				return nil, err
			}
		}
		return slices.Clone(list), nil
	default:
		return nil, fmt.Errorf("has the unknown type %q in the catalogue", p.Type)
	}
}

func (p Param) within(v float64, format func(float64) string) error {
	low, high := p.Min != nil && v < *p.Min, p.Max != nil && v > *p.Max
	switch {
	case !low && !high:
		return nil
	case p.Min != nil && p.Max != nil:
		return fmt.Errorf("must be from %s to %s, not %s", format(*p.Min), format(*p.Max), format(v))
	case low:
		return fmt.Errorf("must be at least %s, not %s", format(*p.Min), format(v))
	default:
		return fmt.Errorf("must be at most %s, not %s", format(*p.Max), format(v))
	}
}

func (p Param) among(s string) error {
	if len(p.Enum) == 0 || slices.Contains(p.Enum, s) {
		return nil
	}
	return fmt.Errorf("must be one of %s, not %q", strings.Join(p.Enum, ", "), s)
}

// suggest finds the parameter that a misspelt key was meant for; without one it lists what there is.
func (d *Definition) suggest(key string) string {
	if len(d.Params) == 0 {
		return "it takes none"
	}
	names := make([]string, 0, len(d.Params))
	best, least := "", max(2, len(key)/3)+1
	for _, p := range d.Params {
		names = append(names, p.Name)
		if n := distance(key, p.Name); n < least {
			best, least = p.Name, n
		}
	}
	if best == "" {
		return "it takes " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance is the Levenshtein distance, in bytes, of texts up to 64 bytes; longer ones are as far apart as they are long.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return strconv.Quote(v)
	case []any, []string:
		return "a list"
	case map[string]any:
		return "a map"
	default:
		return fmt.Sprint(v)
	}
}

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// bound makes a limit of a Param.
func bound(f float64) *float64 { return &f }

package plan

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/spec"
)

// taking is the last reason of an effect: how much of what, and of the service as a whole.
func (b *builder) taking(h hold, p part) string {
	service, unit := b.in.World.Services[h.service], h.def.Layer.Unit()
	where := ""
	if p.chain != "" {
		where = " for " + p.chain
	}
	if p.regions != nil {
		where += " there"
	}
	text := h.lead + h.sharePhrase + where + flapPhrase(b, h.flap)
	if reach := weight(service, p.regions) * h.shares.peak(); p.regions != nil || h.lead != "" {
		text += fmt.Sprintf(": %s of %s's %s", percent(round(reach)), h.service, unit)
	}
	if h.lead != "" {
		text += fmt.Sprintf(" from %s to %s", seconds(b.at(h.shares.from())), seconds(b.at(h.shares.to())))
	}
	return text
}

// sharePhrase says "30 % of new connections".
func sharePhrase(s spec.Share, unit string) string {
	switch {
	case s.From == 1 && s.To == 1:
		return "all " + unit
	case s.From == s.To:
		return percent(s.From) + " of " + unit
	case s.From < s.To:
		return fmt.Sprintf("%s rising to %s of %s", percent(s.From), percent(s.To), unit)
	default:
		return fmt.Sprintf("%s falling to %s of %s", percent(s.From), percent(s.To), unit)
	}
}

func flapPhrase(b *builder, f *spec.Flap) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf(", %s on and %s off in turn", seconds(b.scaled(f.Bad)), seconds(b.scaled(f.Good)))
}

// describe names a fault with what matters of its parameters: the required ones, and those that are not at their default.
func describe(d *fault.Definition, with fault.With) string {
	words := []string{d.Name}
	var more []string
	for _, p := range d.Params {
		value, ok := with[p.Name]
		switch {
		case !ok || p.Default != nil && value == p.Default:
		case p.Required:
			words = append(words, fmt.Sprint(value))
		default:
			if list := with.Strings(p.Name); list != nil {
				value = strings.Join(list, " ")
			}
			more = append(more, fmt.Sprintf("%s %v", strings.ReplaceAll(p.Name, "_", " "), value))
		}
	}
	text := strings.Join(words, " ")
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text
}

// targetsText writes targets as a person would: "region aws/us-east-1 or service infura".
func targetsText(targets []spec.Target) string {
	words := make([]string, 0, len(targets))
	for _, t := range targets {
		words = append(words, targetText(t))
	}
	return strings.Join(words, " or ")
}

func targetText(t spec.Target) string {
	var words []string
	for _, key := range []struct{ name, value string }{
		{"service", t.Service}, {"host", t.Host}, {"chain", t.Chain}, {"region", t.Region}, {"cloud", t.Cloud}, {"app", t.App},
	} {
		if key.value != "" {
			words = append(words, key.name+" "+key.value)
		}
	}
	text := strings.Join(words, ", ")
	if len(t.Except) > 0 {
		text += " except " + targetsText(t.Except)
	}
	return text
}

// placeText is a target without the names of its keys, where it is clear what they are: "aws/us-east-1".
func placeText(t spec.Target) string {
	var words []string
	for _, value := range []string{t.Service, t.Host, t.Chain, t.Region, t.Cloud} {
		if value != "" {
			words = append(words, value)
		}
	}
	return strings.Join(words, " in ")
}

// reachedText says why a service is among what targets select.
func reachedText(h hold, s spec.Service, targets []spec.Target) string {
	placed := slices.ContainsFunc(targets, func(t spec.Target) bool { return t.Region != "" || t.Cloud != "" })
	switch part := h.parts[0]; {
	case part.regions != nil:
		return fmt.Sprintf("%s of %s is placed there", percent(h.weight(s)), h.service)
	case placed:
		return fmt.Sprintf("all of %s is placed there", h.service)
	case part.chain != "":
		return fmt.Sprintf("%s serves %s", h.service, part.chain)
	default:
		return h.service + " is among them"
	}
}

// isService reports whether targets name a service and nothing narrower, so that the first reason already says it all.
func isService(targets []spec.Target, service string) bool {
	return slices.ContainsFunc(targets, func(t spec.Target) bool {
		t.Path = ""
		return reflect.DeepEqual(t, spec.Target{Service: service})
	})
}

func isZero(t spec.Target) bool { return reflect.DeepEqual(t, spec.Target{}) }

// percent writes a share with at most one decimal: "70 %", "0.5 %".
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + " %"
}

// seconds writes a moment or a length of the run: "15 s", "0.5 s".
func seconds(m clock.Micros) string {
	return strconv.FormatFloat(math.Round(m.Seconds()*1000)/1000, 'f', -1, 64) + " s"
}

// length writes what something took in truth: "2h52m", "14h", "90s".
func length(d time.Duration) string {
	d = d.Round(time.Second)
	if d < 2*time.Minute {
		return strconv.Itoa(int(d.Seconds())) + "s"
	}
	text := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	if text == "" || !strings.ContainsAny(text[len(text)-1:], "hms") {
		return d.String()
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

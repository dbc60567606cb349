package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// What renderings have in common is said here, so that all say it in the same words.

// Rules says how a fate is decided, for a person.
func Rules() []string {
	return []string{
		"harms: a payment was harmed. misleads: an answer was wrong. Both from the first fault to the end of the run.",
		"dies: useful answers (ok, late, degraded) are under 50 % of what they were before. degrades: ok ones are under 95 %. Counted are attempts whose deadline passed meanwhile, and an answer that came only when it was over is of no use.",
		"unknown: the run does not tell. That is not survival.",
	}
}

// Mark tells fates apart where colour does not.
func (f Fate) Mark() string {
	switch {
	case f.Lost():
		return "✗"
	case f == Unknown:
		return "?"
	case f == Degrades:
		return "~"
	default:
		return "✓"
	}
}

// KnownFrom says how a placement is known: "assumed", "by press".
func KnownFrom(word string) string {
	if word == "assumed" {
		return word
	}
	return "by " + word
}

// Measured says what the map rests on.
func (a *Audit) Measured() string {
	from := "of a run without faults"
	if a.Basis == BasisBaselines {
		from = "before any fault"
	}
	return fmt.Sprintf("%s in %.0f s %s; shares are of these", counted(a.Requests, "request", "requests"), a.Seconds, from)
}

// Says is "(100 % of the requests): view-balance misleads, send-payment dies".
func (s *SinglePoint) Says() string {
	var parts []string
	for _, l := range s.Journeys {
		text := fmt.Sprintf("%s %s", l.Journey, l.Fate)
		if l.Helpless {
			text += " (nothing in the app can help)"
		}
		parts = append(parts, text)
	}
	return fmt.Sprintf("(%s of the requests): %s", percent(s.Share), strings.Join(parts, ", "))
}

// Counts says how many services and regions were taken away, and of which it is not known what becomes of some journey.
func (a *Audit) Counts() (services, regions int, unknown []string) {
	seen := map[Taken]bool{}
	for _, x := range a.Experiments {
		if seen[x.Taken] {
			continue
		}
		seen[x.Taken] = true
		switch x.Taken.Kind {
		case TakenService:
			services++
		case TakenRegion:
			regions++
		default:
			continue
		}
		if slices.ContainsFunc(x.Journeys, func(o Outcome) bool { return o.Fate == Unknown }) {
			unknown = append(unknown, x.Taken.String())
		}
	}
	return services, regions, unknown
}

// CountedTaken is "3 services and 7 regions".
func CountedTaken(services, regions int) string {
	of := []string{}
	if services > 0 {
		of = append(of, counted(services, "service", "services"))
	}
	if regions > 0 {
		of = append(of, counted(regions, "region", "regions"))
	}
	return strings.Join(of, " and ")
}

// Percent writes a share. It never rounds something to nothing, nor almost all to all.
func Percent(x float64) string { return percent(x) }

// Where says in which regions the requests ended, the most first: "aws/us-east-1 46 %, aws/us-west-2 14 %". Of a service without requests it says where it is placed.
func (d *Dependency) Where() string {
	places := slices.Clone(d.Places)
	slices.SortStableFunc(places, func(x, y Place) int {
		return cmp.Or(cmp.Compare(y.Requests, x.Requests), cmp.Compare(y.Placed, x.Placed))
	})
	var parts []string
	for _, p := range places {
		share := p.Share
		if d.Requests == 0 {
			share = p.Placed
		}
		parts = append(parts, p.Region+" "+percent(share))
	}
	return strings.Join(parts, ", ")
}

// AskedFor says which part of each journey's requests went to a service: "view-balance 70 %, send-payment 47 %". Journeys that no run had alone are left out.
func (a *Audit) AskedFor(d Dependency) string {
	var parts []string
	for _, j := range a.Journeys {
		if share, known := d.Journeys[j.Journey]; known {
			parts = append(parts, j.Journey+" "+percent(share))
		}
	}
	return strings.Join(parts, ", ")
}

// Says names the largest hands, each in a sentence.
func (c Concentration) Says() []string {
	var list []string
	for _, h := range []struct {
		what string
		of   *Holder
	}{{"provider", c.Provider}, {"cloud", c.Cloud}, {"region", c.Region}} {
		if h.of != nil {
			list = append(list, fmt.Sprintf("The largest %s is %s: %s of the requests.", h.what, h.of.Name, percent(h.of.Share)))
		}
	}
	return list
}

// Remarks says what a reader should know about the map.
func (a *Audit) Remarks() []string {
	var list []string
	var unknown, where []string
	for _, j := range a.Journeys {
		if j.Run == "" {
			unknown = append(unknown, j.Journey)
		}
	}
	if len(unknown) > 0 {
		list = append(list, fmt.Sprintf("Which requests were made for %s is not known: a request does not say for whom, and no run had one of these alone.", strings.Join(unknown, ", ")))
	} else if len(a.Journeys) > 1 {
		list = append(list, "A journey's requests are those of a run that had it alone; what the app asks by itself is among them.")
	}
	for _, i := range a.Instances {
		where = append(where, fmt.Sprintf("%s in %s", counted(i.Count, "instance", "instances"), i.Region))
	}
	if len(where) > 0 {
		list = append(list, "The app itself: "+strings.Join(where, ", ")+".")
	}
	if len(a.Unmodelled) > 0 {
		var names []string
		for _, o := range a.Unmodelled {
			names = append(names, fmt.Sprintf("%s (%s)", o.What(), o.Often()))
		}
		list = append(list, "Asked for, but not in this world, so that it could not be taken away: "+strings.Join(names, ", ")+".")
	}
	return list
}

package gate

import (
	"slices"

	"blackout/harness/spec"
)

// waivers are the gate's, each still unused or expired.
func (j *judge) waivers() []Waiver {
	list := []Waiver{}
	for _, w := range j.Gate.Waivers {
		state := Unused
		if j.Today > w.Until { // dates are written so that they sort
			state = Expired
		}
		list = append(list, Waiver{w.Rule, orNone(w.Where), w.Reason, w.Owner, w.Until, state})
	}
	return list
}

// excuse takes what does not hold out of a rule's failures if a waiver that has not expired speaks of it. Of several the first does.
func excuse(p *Point, rule string, waivers []Waiver) {
	if p.Result == Pass {
		return
	}
	for i := range waivers {
		w := &waivers[i]
		if w.Rule != rule || w.State == Expired || !w.covers(p) {
			continue
		}
		w.State, p.Result, p.Waiver = Used, Waived, w.Reason+" ("+w.Owner+", until "+w.Until+")"
		return
	}
}

// covers reports whether a waiver speaks of a point.
func (w *Waiver) covers(p *Point) bool {
	for key, want := range w.Where {
		is := map[string]string{spec.WhereApp: p.App, spec.WhereScenario: p.Scenario, spec.WhereJourney: p.Journey, spec.WhereKind: p.Kind}[key]
		if key == spec.WhereTag {
			if !slices.Contains(p.tags, want) {
				return false
			}
			continue
		}
		if is != want {
			return false
		}
	}
	return true
}

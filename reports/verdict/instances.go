package verdict

import (
	"slices"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// instanceOf names the instance of the app that served an attempt: session i uses instance i mod n. It is "" where the plan does not say.
func (e *evidence) instanceOf(a *attempt) string {
	if n := len(e.plan.Instances); n > 0 && a.Session >= 0 {
		return e.plan.Instances[int(a.Session)%n].Name
	}
	return ""
}

// heldDown reports whether faults of the plan kept the attempt's own instance of the app from serving at some time between due and end: then it says nothing of how the app
// does without a provider. From the moment on at which the instance is started again it is the app's affair.
func (e *evidence) heldDown(a *attempt) bool {
	name := e.instanceOf(a)
	if name == "" {
		return false
	}
	for _, s := range e.heldSpans()[name] {
		if s.touches(a.due, a.end) {
			return true
		}
	}
	return false
}

// withoutHeld leaves out the attempts whose instance was held down. The list stays as it is, and is not copied where no fault holds an instance.
func (e *evidence) withoutHeld(list []*attempt) []*attempt {
	if len(e.heldSpans()) == 0 {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), e.heldDown)
}

// heldSpans gives, by instance, when faults of the plan kept it from serving: while one holds that takes it as a whole, and from when one ended it until it was started.
// The map is made once and shared.
func (e *evidence) heldSpans() map[string][]span {
	if e.held != nil {
		return e.held
	}
	e.held = map[string][]span{}
	for i := range e.effects {
		f := &e.effects[i]
		def, ok := fault.Lookup(f.Fault)
		if f.Instance == "" || f.injected == nil || f.touched.Total() == 0 || !ok || !def.Unavailable(fault.With(f.With)) {
			continue
		}
		to := forever
		if f.cleared != nil {
			to = *f.cleared
		}
		e.held[f.Instance] = append(e.held[f.Instance], span{*f.injected, to})
	}
	for i := range e.h.Apps {
		if a := &e.h.Apps[i]; a.Event == history.AppStopped && a.At-e.zero <= e.times.lifted { // later on the run ends the app
			e.held[a.Instance] = append(e.held[a.Instance], span{a.At - e.zero, e.startedAfter(a)})
		}
	}
	return e.held
}

// startedAfter is when an instance that was stopped was started again; forever, if never.
func (e *evidence) startedAfter(stopped *history.App) clock.Micros {
	next := forever
	for i := range e.h.Apps {
		if a := &e.h.Apps[i]; a.Instance == stopped.Instance && a.Event == history.AppStarted && a.At > stopped.At {
			next = min(next, a.At-e.zero)
		}
	}
	return next
}

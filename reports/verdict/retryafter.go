package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// What is forgiven to an app that was told when to come back.
var (
	underWay  = clock.Of(time.Second)     // so long after the reply requests may still arrive that were on their way, or that another worker had begun
	shortWait = clock.Of(2 * time.Second) // a shorter wait than this is within what forgiving those leaves open
)

// longestWait bounds what a reply is taken to ask for, in seconds: a year, which fits into a clock's count.
const longestWait = 365 * 24 * 3600

// leastEarly is how many requests too early are worth a word.
const leastEarly = 10

// amplification, what a provider asks for.
//
// Rule: a provider told the app when to come back (Retry-After, RFC 9110, section 10.2.3) in 2 s or more, and the app sent it 10 requests or more between 1 s after such
// a reply and that time. Whatever region or host a request came in by, it is the same provider's; and a refusal that names no time tells nothing.
//
// Reason: a provider that limits one client asks for exactly this much patience. Who asks on is limited for longer, and keeps it busy for everybody else.
//
// Incident: 2020-11-11, Infura: a client retry storm at 12:37 hit the service while it recovered.
func spotTooEarly(e *evidence) []sighting {
	calls := map[string][]*request{}
	told := map[string]bool{}
	for c := range e.requests.all() {
		told[c.Service] = told[c.Service] || c.names()
	}
	for c := range e.requests.all() {
		if !c.Probe && c.at >= e.zero && told[c.Service] {
			calls[c.Service] = append(calls[c.Service], c)
		}
	}
	var list []sighting
	for _, s := range e.providers() {
		if r := tooEarly(calls[s.Service]); r.requests >= leastEarly {
			list = append(list, sighting{journey: whoAll, who: s.Service, class: Warning, during: span{r.first - e.zero, r.last - e.zero}, text: fmt.Sprintf(
				"%s told the app %s when to come back, first at %.2f s, in up to %s each and at %s for the last time; the app sent it %s before it was due, the first at %.2f s",
				s.Service, times(r.told, "time"), (r.from - e.zero).Seconds(), inSeconds(r.longest), inSeconds(r.until-e.zero), times(r.requests, "request"),
				(r.first - e.zero).Seconds())})
		}
	}
	return list
}

// early is how one provider's wishes were disregarded. Times are the history's.
type early struct {
	told, requests int
	from, until    clock.Micros // the first reply that named a time, and the last time that one named
	longest        clock.Micros // the longest wait that was asked for
	first, last    clock.Micros // requests that came too early
}

// names reports whether the reply named a time, and the app was there to hear it.
func (c *request) names() bool {
	return c.RetryAfterS >= shortWait.Seconds() && c.Reply != history.ReplyAborted
}

// tooEarly goes through the requests to one provider.
func tooEarly(calls []*request) early {
	var r early
	var told []*request
	for _, c := range calls {
		if c.names() {
			told = append(told, c)
		}
	}
	if len(told) == 0 {
		return r
	}
	slices.SortStableFunc(told, func(a, b *request) int { return cmp.Compare(a.end, b.end) })
	calls = slices.SortedStableFunc(slices.Values(calls), func(a, b *request) int { return cmp.Compare(a.at, b.at) })
	r.told, r.from = len(told), told[0].end
	for _, c := range calls {
		for len(told) > 0 && told[0].end+underWay < c.at {
			r.hear(told[0])
			told = told[1:]
		}
		if c.at >= r.until {
			continue
		}
		if r.requests == 0 {
			r.first = c.at
		}
		r.requests, r.last = r.requests+1, c.at
	}
	for _, c := range told {
		r.hear(c)
	}
	return r
}

// hear takes note of a reply that names a time.
func (r *early) hear(c *request) {
	wait := clock.Micros(min(c.RetryAfterS, longestWait) * float64(clock.Of(time.Second)))
	r.longest, r.until = max(r.longest, wait), max(r.until, c.end+wait)
}

package fault

var _ = register(Definition{
	Name:    "dns-slow",
	Layer:   LayerNames,
	Summary: "The resolver takes its time.",
	Doc: "The right answer comes after the delay, for look-ups of any type. A client asks again when its own patience ends before that (5 s by default), and takes " +
		"whichever answer comes first. Open connections go on.",
	Source: "resolv.conf(5), option timeout.",
	Incident: "On 14 July 2025 Cloudflare's 1.1.1.1 vanished for an hour, 21:52 to 22:54 UTC: clients that knew a second resolver got each answer after the time-out of the " +
		"first (blog.cloudflare.com).",
	Kinds:  []string{KindRPC, KindHTTP, KindStorage, KindTCP},
	Params: []Param{{Name: "delay", Type: TypeDuration, Required: true, Min: bound(0.001), Max: bound(60), Doc: "How late each answer is, from 1ms to 1m."}},

	New: func(w With) (Action, error) {
		delay := w.Duration("delay")
		return nameAction{rule: NameRule{Mode: NameSlow, Delay: delay}, seen: func(p Observation) bool {
			if p.Host == "" {
				return false
			}
			if p.Rcode == "" {
				// The probe gave up before the delay was over: it says as much as a late answer.
				return p.DialError != nil && p.TimedOut && p.LookupTook <= delay
			}
			return p.LookupTook >= delay
		}}, nil
	},
})

package fault

var _ = register(Definition{
	Name:    "dns-silent",
	Layer:   LayerNames,
	Summary: "The resolver does not answer.",
	Doc: "A question for the name is taken and nothing comes back. Only the client's own patience ends the wait: 5 s for each of two tries with glibc's and Go's " +
		"defaults, which is longer than most requests may take as a whole. Open connections go on.",
	Source: "resolv.conf(5), options timeout and attempts; Go's net package reads the same file.",
	Incident: "On 21 October 2016 an attack on Dyn left its name servers silent for many; Twitter, GitHub and PayPal could not be resolved from parts of the world, " +
		"11:10 to 13:20 UTC and again in the afternoon (Dyn's statement of 22 October 2016).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage, KindTCP},

	Availability: true,
	New: func(With) (Action, error) {
		return nameAction{rule: NameRule{Mode: NameSilent}, seen: func(p Observation) bool {
			return resolved(p, "") && p.DialError != nil && p.TimedOut
		}}, nil
	},
})

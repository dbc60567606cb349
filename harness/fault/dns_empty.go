package fault

import "time"

var _ = register(Definition{
	Name:    "dns-empty",
	Layer:   LayerNames,
	Summary: "The name resolves to no address.",
	Doc: "A look-up ends without error and without an address (NODATA), while open connections go on. On an internal service there is nothing to inject: those that " +
		"depend on the name fail in the way that the world file says, and that is what the app sees.",
	Source: "RFC 2308, section 2.2; AWS on the empty record: aws.amazon.com/message/101925.",
	Incident: "On 20 October 2025 a race in DNS automation left an empty record for the endpoint of DynamoDB in us-east-1; from 06:48 to 09:40 UTC the " +
		"name had no address (aws.amazon.com/message/101925).",
	Kinds:  []string{KindRPC, KindHTTP, KindStorage, KindTCP, KindInternal},
	Params: []Param{tail},

	Availability: true,
	Lingers:      func(w With) time.Duration { return w.Duration("tail") },
	New: func(w With) (Action, error) {
		return nameAction{rule: NameRule{Mode: NameEmpty, Tail: w.Duration("tail")}, seen: func(p Observation) bool {
			return resolved(p, "NOERROR") && len(p.Addresses) == 0
		}}, nil
	},
})

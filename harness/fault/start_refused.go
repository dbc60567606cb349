package fault

var _ = register(Definition{
	Name:    "start-refused",
	Layer:   LayerProcess,
	Summary: "An instance of the app that goes down is not started again.",
	Doc: "What runs goes on. An instance that another fault ends stays down until this one is over, even if it would have been started again before: no new capacity, " +
		"no self-healing. It counts each start that it kept from happening, and where there was none the app is not blamed. An instance that ends by itself is not started " +
		"again in any case: whoever has a supervisor lets start.command start it, and what that does is inside the instance and is not refused.",
	Source: "The operator's own account of the day below.",
	Incident: "On 20 October 2025 no new instances could be launched in AWS us-east-1 from 09:25 to 17:36 UTC; until 20:50 new ones came up without a network " +
		"(aws.amazon.com/message/101925).",
	Kinds: []string{KindApp},

	Whole: true,
	New: func(With) (Action, error) {
		return &instanceAction{inject: App.Refuse, seen: func(s InstanceState) bool { return s.Refused }}, nil
	},
})

package fault

var _ = register(Definition{
	Name:    "app-stopped",
	Layer:   LayerProcess,
	Summary: "An instance of the app is down.",
	Doc: "The instance's whole process group gets SIGKILL when the fault begins; it is started again with the same address, environment and folder when the fault ends. In " +
		"between its address refuses connections; the port is kept for it. One that had ended by itself is started too when the fault ends.",
	Source: "signal(7), tcp(7).",
	Incident: "On 7 May 2026 one zone of an AWS region lost cooling and an exchange's matching engine lost three of five nodes, which stood in one placement group " +
		"(the operator, by press reports).",
	Kinds: []string{KindApp},

	Availability: true,
	Whole:        true,
	New: func(With) (Action, error) {
		return &instanceAction{inject: App.Kill, seen: func(s InstanceState) bool { return s.Killed }}, nil
	},
})

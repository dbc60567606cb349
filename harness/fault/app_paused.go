package fault

var _ = register(Definition{
	Name:    "app-paused",
	Layer:   LayerProcess,
	Summary: "An instance of the app stands still.",
	Doc: "The instance's whole process group gets SIGSTOP when the fault begins and SIGCONT when it ends. Its connections stay open and nothing answers; afterwards it goes " +
		"on with the clock ahead of where it left off, and whatever it had waited for is long over. An instance that is started meanwhile stands still as well.",
	Source:   "signal(7).",
	Incident: "",
	Kinds:    []string{KindApp},

	Availability: true,
	Whole:        true,
	New: func(With) (Action, error) {
		return &instanceAction{inject: App.Pause, seen: func(s InstanceState) bool { return s.Paused }}, nil
	},
})

package fault

var _ = register(Definition{
	Name:    "app-restart",
	Layer:   LayerProcess,
	Summary: "An instance of the app is killed and started again at once.",
	Doc: "The instance's whole process group gets SIGKILL when the fault begins, and is started again with the same address, environment and folder: what it had in memory " +
		"is gone, and it has to begin in whatever state the world is in. Users meet refused connections until it listens again. That is done at once, and the rest of the " +
		"fault's time changes nothing; in a flap it is done each time anew. If the app ends by itself afterwards it stays down; one that had ended by itself is started.",
	Source: "signal(7): SIGKILL can be neither caught nor put off.",
	Incident: "On 29 April 2025 Pyth Entropy was silent from its start for two and a half hours: a new time limit and a slow RPC at boot. Starting during an outage is worse " +
		"than running through it (the operator's report).",
	Kinds: []string{KindApp},

	Whole: true,
	New: func(With) (Action, error) {
		return &instanceAction{inject: App.Restart, seen: func(s InstanceState) bool { return s.Restarted }, once: true}, nil
	},
})

package main

import (
	"net"
	"testing"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// TestNetwork has an app look for a server of the machine: in a private network there is none, in the shared one there is.
func TestNetwork(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for mode, meets := range map[string]string{networkPrivate: "connection refused", networkShared: "outside: somebody answers", networkAuto: "connection refused"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=looks-outside=" + port}, tinyRun("alpha-down", "--network", mode)...)
			p.exits(exitEnvironment, settled)
			p.says(meets)
			p.ended(history.EndAborted, verdict.Inconclusive)
			p.leavesNothing()
		})
	}
}

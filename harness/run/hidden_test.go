package run

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/internet"
	"blackout/harness/spec"
)

// TestHidden holds that the values that a compose file gives the app do not get into its log, nor do those of the app file, whether or not they have the same names. What is
// too short to be a secret stays.
func TestHidden(t *testing.T) {
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	e := newEngine()
	e.stops, e.prints = true, "token compose-value, both file-value and other-value, port 8080, debug true\n"
	in := contain(t, e)
	in.Hidden = map[string]string{"TOKEN": "compose-value", "BOTH": "other-value", "PORT": "8080", "DEBUG": "true"}
	redact := history.NewRedactor()
	sink := history.NewWriter(io.Discard, redact, nil)
	c := &cell{
		cfg: Config{
			Dir: t.TempDir(), Scratch: t.TempDir(), Contained: in,
			App: &spec.App{Start: spec.Start{Compose: "compose.yaml", Env: map[string]string{"BOTH": "file-value"}}, URL: "http://" + listening.Addr().String()},
		},
		clock: clock.Start(), sink: sink, redact: redact, net: &internet.Internet{},
	}
	if err := errors.Join(c.startApp(t.Context()), c.stop(), sink.Seal(history.EndComplete, "", c.clock.Now())); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(c.cfg.Dir, "logs", "app-0.log"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("token ${TOKEN}, both ${BOTH} and ${BOTH}, port 8080, debug true\n", string(log)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

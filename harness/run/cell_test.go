package run

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"blackout/harness/clock"
	"blackout/harness/history"
)

var (
	errPort = errors.New("a port is still taken")
	errDisk = errors.New("no space left on device")
)

// TestCleanUpIsTold: what could not be cleaned up is told and recorded, whatever ended the run, and is taken for nothing else.
func TestCleanUpIsTold(t *testing.T) {
	env := &EnvironmentError{"chain", errors.New("a node is gone")}
	for name, tt := range map[string]struct {
		err, cause       error
		interrupted, env bool
		text             string
	}{
		"played to its end": {env: true, text: "clean up: stop the app: a port is still taken"},
		"interrupted":       {err: context.Canceled, cause: context.Canceled, interrupted: true, text: "interrupted\nclean up: stop the app: a port is still taken"},
		"our own trouble":   {err: env, env: true, text: "chain: a node is gone\nclean up: stop the app: a port is still taken"},
		"trouble beside":    {err: context.Canceled, cause: env, env: true, text: "chain: a node is gone\nclean up: stop the app: a port is still taken"},
		"the app's":         {err: errors.New("it ended"), env: true, text: "clean up: it ended\nclean up: stop the app: a port is still taken"},
	} {
		t.Run(name, func(t *testing.T) {
			var kept bytes.Buffer
			w := history.NewWriter(&kept, history.NewRedactor(), nil)
			c := &cell{clock: clock.Start(), sink: w, stage: "clean up"}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if tt.cause != nil {
				cancel(tt.cause)
			}
			c.later("stop the app", func(context.Context) error { return errPort })
			err := c.seal(w, c.conclude(ctx, tt.err, c.stop()))
			var env *EnvironmentError
			if err == nil || err.Error() != tt.text || !errors.Is(err, errPort) || errors.Is(err, ErrInterrupted) != tt.interrupted || errors.As(err, &env) != tt.env {
				t.Errorf("told %v, want %s", err, tt.text)
			}
			if want := `{"record":"note","text":"clean up: stop the app: a port is still taken"`; !strings.Contains(kept.String(), want) {
				t.Errorf("recorded %s, want %s", kept.String(), want)
			}
			if strings.Contains(kept.String(), `"end":"interrupted"`) != tt.interrupted || strings.Contains(kept.String(), `"end":"aborted"`) != tt.env {
				t.Errorf("the seal says %s", kept.String())
			}
		})
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errDisk }

// TestUnrecorded: a run whose history cannot be sealed is no interrupted one, and still tells what ended it.
func TestUnrecorded(t *testing.T) {
	ended := errors.Join(ErrInterrupted, errPort)
	const text = "the run cannot be recorded: write history: no space left on device"
	for name, tt := range map[string]struct {
		err  error
		text string
	}{
		"played to its end": {nil, text},
		"interrupted":       {ended, text + " (the run had ended: interrupted\na port is still taken)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := history.NewWriter(full{}, history.NewRedactor(), nil)
			c := &cell{clock: clock.Start(), sink: w}
			var env *EnvironmentError
			if err := c.seal(w, tt.err); !errors.As(err, &env) || errors.Is(err, ErrInterrupted) || err.Error() != tt.text {
				t.Errorf("told %v, want %s", err, tt.text)
			}
		})
	}
	t.Run("ended by that", func(t *testing.T) {
		w := history.NewWriter(full{}, history.NewRedactor(), nil)
		w.Add(history.Note{})
		c := &cell{clock: clock.Start(), sink: w}
		if err := c.seal(w, &EnvironmentError{unrecordable, w.Wait(t.Context())}); err == nil || err.Error() != text {
			t.Errorf("told %v, want %s", err, text)
		}
	})
}

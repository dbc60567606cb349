package doctor

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackout/harness/clock"
)

// TestContainersWithoutEngine says what to do, soon, whether nothing listens or what listens does not answer.
func TestContainersWithoutEngine(t *testing.T) {
	silent := filepath.Join(t.TempDir(), "silent.sock")
	l, err := net.Listen("unix", silent)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, c := range map[string]struct{ socket, says string }{
		"none":   {filepath.Join(t.TempDir(), "none.sock"), "no such file or directory"},
		"silent": {silent, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", "unix://"+c.socket)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // less than the check itself would wait
			defer cancel()
			k := clock.Start()
			got := containers(ctx, k, t.TempDir(), Self{Executable: "/nowhere"})
			if took := k.Now().Duration(); took > engineAnswers {
				t.Errorf("it took %s", took)
			}
			if got.Err == nil || !strings.Contains(got.Err.Error(), c.says) || !strings.Contains(got.Hint, "install Docker Engine") {
				t.Errorf("%v; hint %q", got.Err, got.Hint)
			}
			if !Healthy([]Check{got}) {
				t.Error("a machine without containers cannot run anything")
			}
		})
	}
}

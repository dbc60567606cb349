package docker

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"

	"blackout/harness/runtime/compose"
)

// TestMeets holds when a service is what another waits for, and when it never will be.
func TestMeets(t *testing.T) {
	running := func(h *container.Health) *container.State {
		return &container.State{Status: container.StateRunning, Running: true, Health: h}
	}
	failed := &container.Health{Status: container.Unhealthy, FailingStreak: 3, Log: []*container.HealthcheckResult{{Output: "once\n"}, {Output: "no route\n"}}}
	for _, tc := range []struct {
		name, condition string
		now             *container.State
		want            string
	}{
		{"healthy", compose.Healthy, running(&container.Health{Status: container.Healthy}), "true <nil>"},
		{"not yet", compose.Healthy, running(&container.Health{Status: container.Starting}), "false <nil>"},
		{"unhealthy", compose.Healthy, running(failed), "false it is not healthy: its check failed 3 times (no route)"},
		{"no check", compose.Healthy, running(nil), "false it has no health check, neither in the file nor in its image"},
		{"a check of none", compose.Healthy, running(&container.Health{Status: container.NoHealthcheck}), "false it has no health check, neither in the file nor in its image"},
		{"ended", compose.Healthy, &container.State{Status: container.StateExited, ExitCode: 3}, "false it ended with exit status 3"},
		{"ended well, which is not healthy", compose.Healthy, &container.State{Status: container.StateExited}, "false it ended with exit status 0"},
		{"completed", compose.Completed, &container.State{Status: container.StateExited}, "true <nil>"},
		{"at work", compose.Completed, running(nil), "false <nil>"},
		{"failed", compose.Completed, &container.State{Status: container.StateExited, ExitCode: 1}, "false it ended with exit status 1"},
		{"begins again", compose.Completed, &container.State{Status: container.StateRestarting, Restarting: true, ExitCode: 1}, "false <nil>"},
	} {
		met, err := meets(tc.now, tc.condition)
		if got := fmt.Sprint(met, " ", err); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestFailing(t *testing.T) {
	for _, tc := range []struct {
		h    *compose.Health
		want time.Duration
	}{
		{nil, 0},
		{&compose.Health{}, 4 * time.Minute},
		{&compose.Health{Interval: time.Second, Timeout: 2 * time.Second, StartPeriod: time.Minute, Retries: 9}, 90 * time.Second},
	} {
		if got := failing(tc.h); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.h, got, tc.want)
		}
	}
}

func TestRestart(t *testing.T) {
	for policy, want := range map[string]container.RestartPolicy{
		"": {}, "no": {Name: "no"}, "always": {Name: "always"}, "on-failure:3": {Name: "on-failure", MaximumRetryCount: 3},
	} {
		if diff := cmp.Diff(want, restart(policy)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", policy, diff)
		}
	}
}

// TestHealth holds that an engine that is too old for it gets no interval of the start.
func TestHealth(t *testing.T) {
	h := &compose.Health{Test: []string{"CMD", "true"}, Interval: time.Second, StartInterval: time.Millisecond, Retries: 2}
	for api, want := range map[string]time.Duration{"1.41": 0, "1.44": time.Millisecond, "1.50": time.Millisecond, "": 0} {
		e := &Engine{API: api}
		if diff := cmp.Diff(&container.HealthConfig{Test: h.Test, Interval: time.Second, StartInterval: want, Retries: 2}, e.health(h)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", api, diff)
		}
	}
	if new(Engine).health(nil) != nil {
		t.Error("a service without a check of its own takes the image's away")
	}
}

//go:build verify || nightly

package main

import (
	"math"
	"os"
	"slices"
	"testing"

	"blackout/harness/runtime/docker"
)

// needEngine finds the container engine. In CI its absence is a failure.
func needEngine(t *testing.T) *docker.Engine {
	t.Helper()
	engine, err := docker.Connect(t.Context())
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %s", err, docker.Hint)
		}
		t.Skipf("%v: %s", err, docker.Hint)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

// inContainers is what is laid over a sample wallet to run it from its image.
func inContainers(app string) string { return "scenarios/apps/" + app + "/docker.yaml" }

// closely is how many points the scores of a sample wallet in Go may lie apart.
const closely = 3

// holdAlike compares a run on this machine with one in containers, whose scores may lie so many points apart.
func holdAlike(t *testing.T, local, contained done, points float64) {
	t.Helper()
	name := contained.Run.App + " under " + contained.Run.Scenario
	if contained.Run.Runtime != "docker" || local.Run.Runtime != "local" {
		t.Fatalf("%s: the runtimes are %s and %s", name, local.Run.Runtime, contained.Run.Runtime)
	}
	if local.Verdict.Verdict != contained.Verdict.Verdict || local.Severity != contained.Severity {
		t.Errorf("%s: %s and %s on this machine, %s and %s in containers%s", name, local.Verdict.Verdict, local.Severity, contained.Verdict.Verdict, contained.Severity, findingsText(contained))
	}
	if a, b := findingIDs(local), findingIDs(contained); !slices.Equal(a, b) {
		t.Errorf("%s: findings on this machine %q, in containers %q", name, a, b)
	}
	if a, b := score(local), score(contained); math.Abs(a-b) > points {
		t.Errorf("%s: score %.0f on this machine, %.0f in containers", name, a, b)
	}
}

// score is a run's score; that of a run without one is no number, and near to none.
func score(d done) float64 {
	if d.Score == nil {
		return math.NaN()
	}
	return float64(*d.Score)
}

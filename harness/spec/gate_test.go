package spec

import (
	"strings"
	"testing"
)

func TestLowerBoundIsOfScores(t *testing.T) {
	gate := func(metric string) string {
		return "schema: blackout/gate/1\nname: g\nrules:\n  - {id: a, metric: " + metric + ", min: 75, across_seeds: lower}\n"
	}
	g, err := ParseGate(File{Name: "gate.yaml", Data: []byte(gate("score"))}, Options{})
	if err != nil || g.Rules[0].AcrossSeeds != "lower" {
		t.Errorf("%+v, %v", g, err)
	}
	_, err = ParseGate(File{Name: "gate.yaml", Data: []byte(gate("coverage"))}, Options{})
	if err == nil || !strings.Contains(err.Error(), `gate.yaml:4:54: "lower" is for the score, and the metric is "coverage"`) {
		t.Errorf("%v", err)
	}
}

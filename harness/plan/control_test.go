package plan

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// A control differs from its run in the faults alone.
func TestControlDiffersInTheFaultsAlone(t *testing.T) {
	plans(t, func(t *rapid.T, in Input, p *Plan) {
		in.Control = true
		c, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Control || len(c.Causes)+len(c.Effects)+len(c.Skipped) > 0 {
			t.Fatalf("control %v, %d causes, %d effects, %d skipped", c.Control, len(c.Causes), len(c.Effects), len(c.Skipped))
		}
		opts := []cmp.Option{
			cmpopts.IgnoreFields(Plan{}, "Control", "Causes", "Effects", "Skipped"), cmpopts.IgnoreFields(Node{}, "Touched"), cmpopts.IgnoreFields(Journey{}, "Best"),
		}
		if diff := cmp.Diff(p, c, opts...); diff != "" {
			t.Fatal(diff)
		}
		if i := slices.IndexFunc(c.Nodes, func(n Node) bool { return n.Touched }); i >= 0 {
			t.Fatalf("no fault acts, but %s is said to be touched", c.Nodes[i].Name)
		}
		for _, j := range c.Journeys {
			if diff := cmp.Diff([]Best{{From: 0, Class: "ok"}}, j.Best); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestControlKeepsWhatFaultsWouldNeed(t *testing.T) {
	in := example(scenarios()["chains"])
	in.App.Start.Env["BASE_URL"] = "${service.infura.base.url}"
	in.Control = true
	c := build(t, in)
	if !slices.ContainsFunc(c.Nodes, func(n Node) bool { return n.Role == RoleOwn }) {
		t.Error("the node that the run holds back has none to compare with")
	}
	in = example(awsScenario())
	in.Control = true
	c = build(t, in)
	if !slices.ContainsFunc(c.Services, func(s Service) bool { return s.Name == "infura" && s.Link }) {
		t.Error("infura is reached through a link in the run, and not in its control")
	}
	text, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if read, err := Decode(text); err != nil || !cmp.Equal(c, read) {
		t.Errorf("it changes when it is written and read: %v %s", err, cmp.Diff(c, read))
	}
	var page bytes.Buffer
	if err := c.Explain(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "a control: the same timeline and load, without the faults") {
		t.Error(page.String())
	}
}

// A plan without the word is one of a version that knew no controls, and has the same bytes.
func TestAnOrdinaryPlanSaysNothingOfControls(t *testing.T) {
	text, err := build(t, example(awsScenario())).Encode()
	if err != nil || bytes.Contains(text, []byte("control")) {
		t.Errorf("%v\n%s", err, text)
	}
}

//go:build outside

package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackout/harness/history"
	"blackout/harness/plan"
)

// apart is how far the two shares of a window may lie from each other.
const apart = 0.01

// outsideCell is one app under one scenario in which both can be compared: what fails, fails for a time and for everybody. A share that is drawn for each connection or
// request falls on our users and on k6's by different draws, and 1 point apart would be luck.
type outsideCell struct {
	scenario, app, world string
	set                  []string
}

var outsideCells = []outsideCell{
	{scenario: "control", app: resilient},
	{scenario: "infura-unreachable", app: resilient},
	{scenario: "infura-unreachable", app: single}, // it hangs
	{scenario: "provider-503", app: single},       // it shows zeros, which k6 takes for balances
	{ // it declines
		scenario: "cmd/blackout/testdata/outside/alpha-flaps.yaml", app: "cmd/blackout/testdata/tiny", world: "cmd/blackout/testdata/tiny/world.yaml",
		set: []string{
			"journeys." + outsideJourney + ".rate=20/s", "journeys." + outsideJourney + ".patience=6s", "journeys." + outsideJourney + ".deadline=2s",
		},
	},
}

// outsideJourney is the journey that k6 does too.
const outsideJourney = "view-balance"

// TestOutsideCheck has k6, which knows nothing of this project, ask the app for balances while a run goes on: from outside, at the journey's rate, with the users'
// patience as its timeout. In each window of the verdict the share of explicit successes that k6 saw is the one that our own attempts show, to a percentage point. An
// explicit success is a 2xx whose body has the balance and does not decline, whole within patience: counted from when it was due on our side, and from when it was sent
// on k6's. Whether the balance is true is not asked: k6 cannot know.
//
// The app runs in the machine's own network, and at a port that is known before, so that k6 finds it.
//
// A window of fewer than 100 requests cannot show a point. There one request may make the difference.
func TestOutsideCheck(t *testing.T) {
	r := newRig(t)
	k6 := newK6(t, r)
	table := []string{
		"| scenario | app | window | ours: asked | succeeded | k6: asked | succeeded | apart |",
		"|---|---|---|---|---|---|---|---|",
	}
	for i, c := range outsideCells {
		port := freePort(t)
		var seen []asked
		d := r.run(order{
			scenarios: []string{c.scenario}, apps: []string{c.app}, world: c.world, network: networkShared, seed: uint64(i + 1), parallel: 1,
			set: append([]string{"url=http://127.0.0.1:" + port, "start.env.PORT='" + port + "'"}, c.set...),
			beside: func(ctx context.Context, out string) {
				seen = k6.ask(ctx, out, "http://127.0.0.1:"+port)
			},
		})[0]
		for _, w := range countBoth(t, d, r.history(d), seen) {
			table = append(table, w.row(d))
			if w.differs() {
				t.Errorf("%s under %s, %s: %s of ours and %s of k6's succeeded", d.Run.App, d.Run.Scenario, w.name, w.ours, w.theirs)
			}
			if w.theirs.n < w.ours.n/2 {
				t.Errorf("%s under %s, %s: k6 asked %d times, and we did %d times", d.Run.App, d.Run.Scenario, w.name, w.theirs.n, w.ours.n)
			}
		}
	}
	text := strings.Join(table, "\n") + "\n"
	t.Logf("the outside check\n%s", text)
	if err := os.WriteFile(filepath.Join(r.out, "outside-check.md"), []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// tally counts requests and those of them that succeeded.
type tally struct{ n, ok int }

func (c *tally) add(ok bool) {
	c.n++
	if ok {
		c.ok++
	}
}

func (c tally) share() float64 { return float64(c.ok) / float64(max(c.n, 1)) }

func (c tally) String() string {
	if c.n == 0 {
		return "none"
	}
	return fmt.Sprintf("%d of %d (%.2f %%)", c.ok, c.n, 100*c.share())
}

// comparison is one window, seen twice.
type comparison struct {
	name         string
	ours, theirs tally
}

// differs reports whether the two disagree. A window in which we were due nothing, such as the recovery of an app that needs none, says nothing.
func (c comparison) differs() bool {
	least := min(c.ours.n, c.theirs.n)
	if least == 0 {
		return c.ours.n > 0
	}
	return math.Abs(c.ours.share()-c.theirs.share()) > max(apart, 1/float64(least))+1e-9
}

func (c comparison) row(d done) string {
	difference := "–"
	if c.ours.n > 0 && c.theirs.n > 0 {
		difference = fmt.Sprintf("%.2f", 100*math.Abs(c.ours.share()-c.theirs.share()))
	}
	percent := func(c tally) string {
		if c.n == 0 {
			return "–"
		}
		return fmt.Sprintf("%.2f %%", 100*c.share())
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %s | %d | %s | %s |", d.Run.Scenario, d.Run.App, c.name, c.ours.n, percent(c.ours), c.theirs.n, percent(c.theirs), difference)
}

// countBoth counts both sides by the windows of the verdict, which lie from the baseline's first moment on.
func countBoth(t *testing.T, d done, h *history.History, seen []asked) []comparison {
	t.Helper()
	p, err := plan.Decode(h.Plan)
	if err != nil {
		t.Fatalf("%s: %v", d.dir, err)
	}
	base, err := time.Parse(time.RFC3339Nano, h.Header.BaseUTC)
	if err != nil || h.Timeline == nil {
		t.Fatalf("%s: no moment at which the baseline began: %v", d.dir, err)
	}
	zero := base.Add(h.Timeline.At.Duration())
	var list []comparison
	for _, w := range d.Windows {
		c := comparison{name: w.Name}
		in := func(s float64) bool { return s >= w.FromS && s < w.ToS }
		for i := range h.Attempts {
			if a := &h.Attempts[i]; a.Journey == outsideJourney && in((a.Due - h.Timeline.At).Seconds()) {
				c.ours.add(succeeded(a, p))
			}
		}
		for _, a := range seen {
			if in(a.sent.Sub(zero).Seconds()) {
				c.theirs.add(a.success)
			}
		}
		list = append(list, c)
	}
	return list
}

// succeeded reports whether an attempt is an explicit success, by what its record holds of the exchange.
func succeeded(a *history.Attempt, p *plan.Plan) bool {
	_, balance := a.Answer["balance"]
	_, declined := a.Answer["declined"]
	var patience time.Duration
	for _, j := range p.Journeys {
		if j.Name == outsideJourney {
			patience = j.Patience.Duration()
		}
	}
	return cmp.Or(a.Error, a.Detail) == "" && a.Status >= 200 && a.Status < 300 && balance && !declined && (a.End-a.Due).Duration() <= patience
}

//go:build nightly

package main

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/reports/verdict"
)

// underLoad is what is run again and again while a processor is taken: a scenario with shares, so that what a run meets hangs on when it sends.
const underLoad = "aws-us-east-1-down"

// TestNightlyUnderLoad makes the same run UNDER_LOAD_RUNS times (10), one after the other, while one processor is kept busy by somebody else, as on a shared machine. The
// run is not kept off that processor: nobody pins it. All must come to the same verdict and the same wrong and harmful findings. Attempts that the harness sends late for
// that load are void: counted, and in no finding. A run that is inconclusive because too many are void is not made again: it differs.
func TestNightlyUnderLoad(t *testing.T) {
	n := number(t, "UNDER_LOAD_RUNS", 10)
	r := newRig(t)
	table := []string{
		"| run | verdict | score | severity | findings | their ids | void: baseline | outage | after | latest |",
		"|---|---|---|---|---|---|---|---|---|---|",
	}
	var first *done
	for i := range n {
		stop := busy(t, longest)
		d := r.once(order{scenarios: []string{underLoad}, apps: []string{single}, seed: 7, parallel: 1}, 1)[0]
		stop()
		table = append(table, r.loadRow(i+1, d))
		if first == nil {
			first = &d
			continue
		}
		if d.Verdict.Verdict != first.Verdict.Verdict || !slices.Equal(findingIDs(d), findingIDs(*first)) {
			t.Errorf("run %d: %s %q with %q; run 1: %s with %q", i+1, d.Verdict.Verdict, d.Reasons, findingIDs(d), first.Verdict.Verdict, findingIDs(*first))
		}
	}
	text := strings.Join(table, "\n") + "\n"
	t.Logf("%s of %s, seed 7, beside a busy processor\n%s", underLoad, single, text)
	if err := os.WriteFile(filepath.Join(r.out, "under-load.md"), []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// loadRow says how a run ended, and checks that no void attempt is in a finding.
func (r *rig) loadRow(n int, d done) string {
	r.t.Helper()
	j, err := verdict.Judge(r.history(d))
	if err != nil {
		r.t.Fatalf("%s: %v", d.dir, err)
	}
	void := map[string]int{}
	var latest clock.Micros
	blamed := map[string]bool{}
	for _, f := range slices.Concat(d.Findings, d.Warnings) {
		for _, id := range f.Attempts {
			blamed[id] = true
		}
	}
	for _, a := range j.Attempts {
		latest = max(latest, a.At-a.Due)
		if a.Class != verdict.Void {
			continue
		}
		void[a.Window]++
		if blamed[a.ID] {
			r.t.Errorf("%s: a finding names %s, which is void", d.dir, a.ID)
		}
	}
	ids := findingIDs(d)
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	return fmt.Sprintf("| %d | %s | %s | %s | %d | %s | %d | %d | %d | %d ms |", n, d.Verdict.Verdict, scoreText(d), d.Severity, len(ids), hex.EncodeToString(sum[:4]),
		void[verdict.Baseline], void[verdict.Outage], void[verdict.Recovery]+void[verdict.After], latest.Duration().Milliseconds())
}

func scoreText(d done) string {
	if d.Score == nil {
		return "–"
	}
	return strconv.Itoa(*d.Score)
}

// busy starts the load and waits until it has begun. It ends at the returned function, with the test, or after a time, whichever comes first.
func busy(t *testing.T, atMost time.Duration) (stop func()) {
	t.Helper()
	path, err := exec.LookPath("busyloop")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, strconv.Itoa(int(atMost.Seconds())))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != "busy" {
		t.Fatalf("the load says %q: %v", line, cmp.Or(err, in.Close(), cmd.Wait()))
	}
	return func() {
		if err := cmp.Or(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("the load: %v", err)
		}
	}
}

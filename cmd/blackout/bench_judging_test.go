//go:build bench

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"blackout/reports"
	"blackout/reports/verdict/planted"
)

// benchAttempts is how many attempts the long history has: half an hour of ten users and 555 attempts a second.
const benchAttempts = 1_000_000

// benchJudging lets the program judge a long history: a process of its own reads the compressed file, judges it and writes all reports.
func benchJudging(t *testing.T, binary string, out *table) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "planted")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := planted.Folder(dir, benchAttempts); err != nil {
		t.Fatal(err)
	}
	var took []timing
	most := 0.0
	for range 3 {
		cmd := exec.CommandContext(t.Context(), binary, "report", dir)
		from := time.Now()
		said, err := cmd.CombinedOutput()
		took = append(took, timing{beyond: time.Since(from)})
		if failed := new(exec.ExitError); !errors.As(err, &failed) || failed.ExitCode() != exitFail {
			t.Fatalf("report says %v, and the history has wrong answers in it:\n%s", err, said)
		}
		if err := os.Remove(filepath.Join(dir, reports.VerdictName)); err != nil {
			t.Fatal(err)
		}
		most = max(most, mostOf(cmd.ProcessState))
	}
	out.section(fmt.Sprintf("Judging %d attempts: from the file to all reports, %d times", benchAttempts, len(took)))
	out.line("time", seconds(took, func(m timing) time.Duration { return m.beyond }).median, "%.1f s", goalJudging)
	if most == 0 {
		out.words("memory", "not measured", "")
		return
	}
	out.line("memory of its process, the most of all", most, "%.0f MB", goalJudgingMost)
}

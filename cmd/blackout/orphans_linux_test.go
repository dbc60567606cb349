package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// TestOrphans has an app leave processes whose parent has ended: when they end too, none stays as a zombie while the run goes on.
func TestOrphans(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"MISBEHAVE=orphans=30"}, tinyRun("good-day", "--network", "private")...)
	cell := p.find("blackout cell")
	p.until("the app has left its orphans", settled, func() bool {
		children, _ := childrenOf(t, cell)
		return children > 30
	})
	p.until("the orphans have ended and none is a zombie", settled, func() bool {
		children, zombies := childrenOf(t, cell)
		return children == 1 && zombies == 0
	})
	p.signal(p.cmd.Process.Pid, syscall.SIGINT)
	p.exits(verdict.ExitInterrupted, settled)
	p.ended(history.EndInterrupted, verdict.Inconclusive) // and the app's own end was not taken from who waits for it
	if last := p.history().Apps; len(last) == 0 || last[len(last)-1].Event != history.AppStopped || strings.Contains(last[len(last)-1].Detail, "unknown") {
		t.Errorf("the app's end: %+v", last)
	}
	p.leavesNothing()
}

// childrenOf counts the children of a process, and those that have ended and whose exit status nobody has taken.
func childrenOf(t *testing.T, parent int) (all, zombies int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var state string
		var of int
		if _, err := fmt.Sscan(string(text[strings.LastIndexByte(string(text), ')')+1:]), &state, &of); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if of == parent {
			all++
			if state == "Z" {
				zombies++
			}
		}
	}
	return all, zombies
}

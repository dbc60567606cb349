package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"syscall"

	"blackout/harness/history"
)

// processGroups remembers the process groups of the app that a cell started, so that they can be ended when the cell's process died and could not do it.
type processGroups struct {
	mu   sync.Mutex
	live []int
}

// appRecord reads a line of a history that tells of an instance of the app.
func appRecord(line []byte) (a history.App, ok bool) {
	if !bytes.HasPrefix(line, []byte(`{"record":"app",`)) {
		return a, false
	}
	return a, json.Unmarshal(line, &a) == nil
}

// see takes one record of the history.
func (g *processGroups) see(a history.App) {
	if a.Group == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch a.Event {
	case history.AppStarted:
		g.live = append(g.live, a.Group)
	case history.AppStopped, history.AppExited: // nothing of it is left, and its number may become another's
		g.live = slices.DeleteFunc(g.live, func(id int) bool { return id == a.Group })
	}
}

// end kills what is left. A group that is gone already is no error.
func (g *processGroups) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range g.live {
		_ = syscall.Kill(-id, syscall.SIGKILL)
	}
	g.live = nil
}

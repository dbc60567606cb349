package main

import (
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

// see reads one line of the history.
func (g *processGroups) see(line []byte) {
	var a struct {
		Record string `json:"record"`
		history.App
	}
	if json.Unmarshal(line, &a) != nil || a.Record != "app" || a.Group == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch a.Event {
	case "started":
		g.live = append(g.live, a.Group)
	case "stopped":
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

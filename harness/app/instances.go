package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"blackout/harness/fault"
)

// slot is the place of one instance: its process changes when a fault ends it and it is started again. What effects hold of it stands under their ids.
//
//	up ──Restart, Kill──▶ down ──no killer and no refuser is left──▶ up
//
// An instance that ended by itself stays up here, with nothing that runs: no fault has ended it, and so nothing starts it again but a fault that ends.
type slot struct {
	Instance
	launch launch
	now    *running // the latest process; nil before the first
	starts int
	down   bool      // ended by an effect, and not started since
	keep   io.Closer // keeps the port from others while it is down; nil when nothing does

	restarted map[string]bool // effects that have ended it to have it started again
	killers   map[string]bool
	pausers   map[string]bool
	refusers  map[string]*fault.Grip
	withheld  map[string]bool // refusers that were told of the start that they keep from happening
}

func newSlot(i Instance, l launch) *slot {
	return &slot{
		Instance: i, launch: l, restarted: map[string]bool{}, killers: map[string]bool{}, pausers: map[string]bool{}, refusers: map[string]*fault.Grip{},
		withheld: map[string]bool{},
	}
}

var _ fault.App = (*App)(nil)

// Restart ends an instance and has it started again, at once or when the last effect that keeps it down lets go.
func (a *App) Restart(ctx context.Context, g *fault.Grip) error {
	return a.hold(g, func(s *slot) error {
		dead := !s.down && s.now.over() // by itself
		if err := a.end(ctx, s, g); err != nil {
			return err
		}
		s.restarted[g.ID] = true
		if dead {
			g.Touch(fault.LayerProcess)
		}
		return a.bring(ctx, s)
	})
}

// Kill ends an instance and keeps it down.
func (a *App) Kill(ctx context.Context, g *fault.Grip) error {
	return a.hold(g, func(s *slot) error {
		s.killers[g.ID] = true
		return a.end(ctx, s, g)
	})
}

// Pause stops an instance where it stands, and what is started in its place.
func (a *App) Pause(ctx context.Context, g *fault.Grip) error {
	return a.hold(g, func(s *slot) error {
		s.pausers[g.ID] = true
		if s.down {
			return nil
		}
		if !s.now.over() {
			g.Touch(fault.LayerProcess)
		}
		return s.still(ctx)
	})
}

// Refuse keeps an instance that is down, or goes down, from being started.
func (a *App) Refuse(ctx context.Context, g *fault.Grip) error {
	return a.hold(g, func(s *slot) error {
		s.refusers[g.ID] = g
		return a.bring(ctx, s)
	})
}

// Release takes back what an effect holds.
func (a *App) Release(ctx context.Context, g *fault.Grip) error {
	return a.hold(g, func(s *slot) error {
		for _, held := range []map[string]bool{s.restarted, s.killers, s.pausers, s.withheld} {
			delete(held, g.ID)
		}
		delete(s.refusers, g.ID)
		var stuck error
		if len(s.pausers) == 0 && s.now != nil {
			if err := s.now.process.Resume(ctx); err != nil {
				stuck = fmt.Errorf("let it go on: %w", err)
			}
		}
		return errors.Join(stuck, a.bring(ctx, s))
	})
}

var errEnding = errors.New("the app is being stopped")

// hold does something to the instance of a grip.
func (a *App) hold(g *fault.Grip, what func(*slot) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending {
		return fmt.Errorf("instance %s: %w", g.Instance, errEnding)
	}
	for _, s := range a.slots {
		if s.Name == g.Instance && s.now != nil {
			if err := what(s); err != nil {
				return fmt.Errorf("instance %s: %w", g.Instance, err)
			}
			return nil
		}
	}
	return fmt.Errorf("the app has no instance %q that this run started", g.Instance)
}

// end kills what runs of an instance, and keeps its port: otherwise somebody's outgoing connection may have it when the app wants it back. It needs mu.
func (a *App) end(ctx context.Context, s *slot, g *fault.Grip) error {
	if s.down {
		return nil
	}
	if !s.now.over() {
		g.Touch(fault.LayerProcess)
		if err := s.now.process.Kill(ctx); err != nil {
			return fmt.Errorf("kill it: %w", err)
		}
	}
	if s.now.over() {
		<-s.now.watched // so that the history has its end before the next start
	}
	s.down = true
	if at, ok := addressOf(s); ok {
		if keep, err := a.machine.Keep(at); err == nil { // else something of the app's still has it, and keeps it as well
			s.keep = keep
		}
	}
	return nil
}

// addressOf is where an instance listens, as host and port in numbers.
func addressOf(s *slot) (netip.AddrPort, bool) {
	host := s.launch.url.Hostname()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	at, err := netip.ParseAddrPort(net.JoinHostPort(host, portOf(s.launch.url)))
	return at, err == nil
}

// bring starts an instance that is down if no effect keeps it so, and tells the refusers if it is they who do. It needs mu.
func (a *App) bring(ctx context.Context, s *slot) error {
	if !s.down || len(s.killers) > 0 {
		return nil
	}
	if len(s.refusers) > 0 {
		for id, g := range s.refusers {
			if !s.withheld[id] {
				s.withheld[id] = true
				g.Touch(fault.LayerProcess)
			}
		}
		return nil
	}
	if err := a.startInstance(ctx, s); err != nil {
		return fmt.Errorf("start it again: %w", err)
	}
	s.down = false
	clear(s.withheld)
	if len(s.pausers) > 0 {
		return s.still(ctx)
	}
	return nil
}

// still pauses an instance.
func (s *slot) still(ctx context.Context) error {
	if err := s.now.process.Pause(ctx); err != nil {
		return fmt.Errorf("pause it: %w", err)
	}
	return nil
}

// letGo frees the port of an instance that is down, for itself or because the run ends. It needs mu.
func (s *slot) letGo() error {
	if s.keep == nil {
		return nil
	}
	keep := s.keep
	s.keep = nil
	return keep.Close()
}

// State is what a look at an instance shows of an effect; the zero value for an instance that there is not.
func (a *App) State(instance, effect string) fault.InstanceState {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.slots {
		if s.Name != instance || s.now == nil {
			continue
		}
		state := fault.InstanceState{Restarted: s.restarted[effect], Killed: s.killers[effect] && s.down, Refused: s.refusers[effect] != nil}
		over := s.down || s.now.over()
		stands, known := s.now.process.Stands()
		switch {
		case s.pausers[effect]:
			state.Paused = over || stands
		case len(s.pausers) == 0:
			state.Paused = !over && stands && known
		}
		return state
	}
	return fault.InstanceState{}
}

// over reports whether the process has ended with everything of its group.
func (r *running) over() bool {
	select {
	case <-r.process.Gone():
		return true
	default:
		return false
	}
}

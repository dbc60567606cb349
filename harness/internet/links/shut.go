package links

import (
	"fmt"
	"net/netip"

	"blackout/harness/fault"
	"blackout/harness/ports"
)

// Shut closes the door at an address for good: from then on connections are refused there, whatever the rules say, and nobody else can listen there until the link is
// closed. If the grip cuts, open connections through this door are reset, and counted; the grip is told that refused ones cannot be. Other doors are left alone.
func (l *Link) Shut(address string, g *fault.Grip) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("link %s: shut the door: %w", l.cfg.Service, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.doorAt(at)
	if d == nil {
		return fmt.Errorf("link %s: no door to shut at %s", l.cfg.Service, address)
	}
	d.shut, d.err, d.refusing = true, nil, nil
	g.MarkUnseen()
	if d.ln != nil {
		_ = d.ln.Close() // it can only say that it was closed before
		d.ln = nil
	}
	if d.reserve == nil {
		if d.reserve, err = ports.Reserve(d.addr); err != nil {
			d.reserve = nil
			return fmt.Errorf("link %s: keep %s from others: %w", l.cfg.Service, address, err)
		}
	}
	if !g.Cut {
		return nil
	}
	for c := range l.conns {
		if c.door != d {
			continue
		}
		if c.probe == nil {
			g.Touch(fault.LayerConnection)
		}
		c.end(withReset)
	}
	return nil
}

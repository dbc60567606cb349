package links

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Shopify/toxiproxy/v2/toxics"

	"blackout/harness/fault"
)

// rule is a checked fault.ConnRule. It never changes, so connections compare rules by pointer.
type rule struct {
	id       string
	grip     *fault.Grip
	mode     fault.ConnMode
	up, down []toxics.Toxic
}

func (r *rule) silences() bool { return r != nil && r.mode == fault.ConnBlackhole }
func (r *rule) resets() bool   { return r != nil && r.mode == fault.ConnReset }

func newRule(service string, cr fault.ConnRule) (*rule, error) {
	switch {
	case cr.Grip == nil:
		return nil, errors.New("it has no grip")
	case cr.Grip.ID == "":
		return nil, errors.New("its grip has no effect id")
	case cr.Grip.Service != service:
		return nil, fmt.Errorf("its grip is on service %q", cr.Grip.Service)
	}
	r := &rule{id: cr.Grip.ID, grip: cr.Grip, mode: cr.Mode}
	switch cr.Mode {
	case fault.ConnRefuse, fault.ConnBlackhole, fault.ConnReset:
		if len(cr.Toxics) > 0 {
			return nil, fmt.Errorf("mode %s takes no toxics", cr.Mode)
		}
	case fault.ConnToxics:
		if len(cr.Toxics) == 0 {
			return nil, fmt.Errorf("mode %s needs toxics", cr.Mode)
		}
	default:
		return nil, fmt.Errorf("unknown mode %q (known: %s, %s, %s, %s)", cr.Mode, fault.ConnRefuse, fault.ConnBlackhole, fault.ConnReset, fault.ConnToxics)
	}
	for _, t := range cr.Toxics {
		built, err := newToxic(t)
		if err != nil {
			return nil, fmt.Errorf("toxic %s: %w", t.Type, err)
		}
		if t.Downstream {
			r.down = append(r.down, built)
		} else {
			r.up = append(r.up, built)
		}
	}
	return r, nil
}

func compareID(r *rule, id string) int { return strings.Compare(r.id, id) }

// Put sets the rule of an effect, replacing an earlier one of the same effect; connections that the earlier one held pass to the new one. Every value that would
// crash toxiproxy, or that it would ignore in silence, is an error, and then nothing changes.
func (l *Link) Put(cr fault.ConnRule) error {
	r, err := newRule(l.cfg.Service, cr)
	if err != nil {
		id := ""
		if cr.Grip != nil {
			id = cr.Grip.ID
		}
		return fmt.Errorf("link %s: rule of effect %q: %w", l.cfg.Service, id, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("link %s: rule of effect %q: %w", l.cfg.Service, r.id, ErrClosed)
	}
	// A fresh slice: refusing may still refer to the old one.
	at, found := slices.BinarySearchFunc(l.rules, r.id, compareID)
	if rules := slices.Clone(l.rules); found {
		rules[at] = r
		l.rules = rules
	} else {
		l.rules = slices.Insert(rules, at, r)
	}
	l.apply()
	return nil
}

// Drop removes the rule of an effect. What it had silenced goes on with every byte; what it had reset stays reset. An effect without a rule is no error.
func (l *Link) Drop(effect string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, found := slices.BinarySearchFunc(l.rules, effect, compareID)
	if !found || l.closed {
		return
	}
	l.rules = slices.Delete(slices.Clone(l.rules), at, at+1)
	for c := range l.conns {
		c.born = slices.DeleteFunc(c.born, func(id string) bool { return id == effect })
	}
	l.apply()
}

// Sync looks at the shares of all rules anew, see fault.Link.
func (l *Link) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("link %s: %w", l.cfg.Service, ErrClosed)
	}
	l.apply()
	var errs []error
	for _, d := range l.doors {
		if d.err != nil {
			errs = append(errs, fmt.Errorf("link %s: %w", l.cfg.Service, d.err))
		}
	}
	return errors.Join(errs...)
}

// apply brings doors and open connections in line with the rules. The link's mutex is held.
func (l *Link) apply() {
	for _, d := range l.doors {
		d.follow()
	}
	for c := range l.conns {
		c.take(l.deciding(c))
	}
}

// deciding is the rule that holds a connection now, or nil: of those that take its draw, the one whose effect id sorts first. A rule that does not cut has a say
// only over connections that it took when they were opened. The link's mutex is held.
func (l *Link) deciding(c *conn) *rule {
	for _, r := range l.rules {
		switch {
		case c.probe != nil:
			if r.id == c.probe.effect && r.grip.Covers(c.region, c.chain) && r.grip.Share() > 0 {
				return r
			}
		case (r.grip.Cut || slices.Contains(c.born, r.id)) && r.grip.Takes(c.region, c.chain, c.n):
			return r
		}
	}
	return nil
}

// takers are the effects that take a connection which is opened now.
func (l *Link) takers(c *conn) []string {
	var ids []string
	for _, r := range l.rules {
		if c.probe != nil && r.id == c.probe.effect || c.probe == nil && r.grip.Takes(c.region, c.chain, c.n) {
			ids = append(ids, r.id)
		}
	}
	return ids
}

// refusing are the rules that together refuse every connection at a door, or none. Only then may its listener close: a rule that sorts before them and does
// something else to a part of the connections keeps it open, and the rest is accepted and reset. The link's mutex is held.
func (l *Link) refusing(d *door) []*rule {
	left := []string{""}
	if len(l.cfg.Regions) > 0 {
		left = left[:0]
		for _, r := range l.cfg.Regions {
			if r.Share > 0 {
				left = append(left, r.Name)
			}
		}
	}
	var by []*rule
	for _, r := range l.rules {
		share := r.grip.Share()
		reaches := func(region string) bool { return share > 0 && r.grip.Covers(region, d.chain) }
		switch {
		case !slices.ContainsFunc(left, reaches):
		case r.mode != fault.ConnRefuse:
			return nil
		case share >= 1:
			by = append(by, r)
			if left = slices.DeleteFunc(left, reaches); len(left) == 0 {
				return by
			}
		}
	}
	return nil
}

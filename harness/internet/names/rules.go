package names

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"blackout/harness/clock"
	"blackout/harness/fault"
)

// rule is a checked fault.NameRule.
type rule struct {
	fault.NameRule
	former map[string][]netip.Addr // by host: where it led when the rule was put
	until  clock.Micros            // the end of its tail once it was dropped, 0 before
}

func check(service string, r fault.NameRule) error {
	switch {
	case r.Grip == nil || r.Grip.ID == "":
		return errors.New("a rule needs a grip with the id of its effect")
	case r.Grip.Service != service:
		return fmt.Errorf("the rule of %s is for service %q", r.Grip.ID, r.Grip.Service)
	case r.Tail < 0:
		return fmt.Errorf("the rule of %s has a tail of %s", r.Grip.ID, r.Tail)
	}
	switch r.Mode {
	case fault.NameMissing, fault.NameEmpty, fault.NameFails, fault.NameSilent, fault.NameFormer:
	case fault.NameSlow:
		if r.Delay <= 0 {
			return fmt.Errorf("the rule of %s makes answers late by %s", r.Grip.ID, r.Delay)
		}
	case fault.NameElsewhere:
		if !r.Address.Is4() {
			return fmt.Errorf("the rule of %s leads to %s, which is no IPv4 address", r.Grip.ID, r.Address)
		}
	default:
		return fmt.Errorf("the rule of %s has the unknown mode %q", r.Grip.ID, r.Mode)
	}
	return nil
}

// Put sets the rule of an effect, replacing an earlier one, from the next question on.
func (z *Zone) Put(nr fault.NameRule) error {
	if err := check(z.service.Name, nr); err != nil {
		return fmt.Errorf("resolver: %w", err)
	}
	z.server.mu.Lock()
	defer z.server.mu.Unlock()
	r := &rule{NameRule: nr, former: map[string][]netip.Addr{}}
	for name, h := range z.server.hosts {
		if h.zone == z {
			r.former[name] = h.Addresses
		}
	}
	z.remove(nr.Grip.ID)
	z.rules = append(z.rules, r)
	slices.SortFunc(z.rules, func(a, b *rule) int { return strings.Compare(a.Grip.ID, b.Grip.ID) })
	return nil
}

// Drop lifts the rule of an effect, which holds on for its tail: with the share that it had last, and to the effect's own account. Dropping what is not there, or
// was dropped before, does nothing.
func (z *Zone) Drop(effect string) {
	z.server.mu.Lock()
	defer z.server.mu.Unlock()
	for _, r := range z.rules {
		if r.Grip.ID == effect && r.Tail > 0 {
			if r.until == 0 {
				r.until = z.server.cfg.Clock.Now() + clock.Of(r.Tail)
			}
			return
		}
	}
	z.remove(effect)
}

func (z *Zone) remove(effect string) {
	z.rules = slices.DeleteFunc(z.rules, func(r *rule) bool { return r.Grip.ID == effect })
}

// taking is the rule that takes a question at a moment, or nil. A probe is taken by its own effect for certain, and by no other. The server's mutex is held.
func (z *Zone) taking(h *host, kind uint16, n uint64, p *mark, at clock.Micros) *rule {
	z.rules = slices.DeleteFunc(z.rules, func(r *rule) bool { return r.until > 0 && at >= r.until })
	var region string
	if p == nil {
		region = fault.Place(z.server.cfg.Seed, z.service.Name, z.service.Regions, n)
	} else if region = p.region; region == "" && len(z.service.Regions) > 0 {
		region = z.service.Regions[0].Name
	}
	for _, r := range z.rules {
		if !isLookup(kind) && (r.Mode == fault.NameEmpty || r.Mode == fault.NameElsewhere || r.Mode == fault.NameFormer) {
			continue // it changes addresses, and there are none of this type
		}
		if p != nil && p.effect == r.Grip.ID && r.Grip.Share() > 0 && r.Grip.Covers(region, h.Chain) || p == nil && r.Grip.Takes(region, h.Chain, n) {
			return r
		}
	}
	return nil
}

// isLookup reports whether a question of a type is a look-up: the unit that shares are drawn on and that is counted. Most clients ask for IPv6 addresses (AAAA) beside
// each; the k-th of these has the number of the k-th look-up, so that a draw takes both or none.
func isLookup(kind uint16) bool { return kind == dns.TypeA || kind == dns.TypeANY }

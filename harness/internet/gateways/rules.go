package gateways

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"blackout/harness/fault"
)

// ruleSet holds the reply rules of a service in the order in which they are asked: the outer layer first, then by effect id. Readers take a snapshot.
type ruleSet struct {
	mu   sync.Mutex // serialises writers
	list atomic.Pointer[[]fault.ReplyRule]
}

func (s *ruleSet) all() []fault.ReplyRule {
	if list := s.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (s *ruleSet) put(rule fault.ReplyRule, service string) error {
	switch {
	case rule.Grip == nil || rule.Grip.ID == "":
		return errors.New("a rule needs a grip with the id of its effect")
	case rule.Grip.Service != service:
		return fmt.Errorf("the rule of %s is for service %q", rule.Grip.ID, rule.Grip.Service)
	case stages(rule) != 1:
		return fmt.Errorf("the rule of %s must act at one stage, not at %d", rule.Grip.ID, stages(rule))
	case rule.HTTP != nil && rule.Layer != fault.LayerHTTP, rule.HTTP == nil && rule.Layer != fault.LayerRPC:
		return fmt.Errorf("the rule of %s does not fit its layer %q", rule.Grip.ID, rule.Layer)
	}
	s.change(rule.Grip.ID, &rule)
	return nil
}

func stages(rule fault.ReplyRule) (n int) {
	for _, set := range []bool{rule.HTTP != nil, rule.RPC != nil, rule.Lead != nil, rule.Alter != nil, rule.Lose != nil} {
		if set {
			n++
		}
	}
	return n
}

// leads reports whether the effect still leads requests astray.
func (s *ruleSet) leads(g *fault.Grip) bool {
	return g.Share() > 0 && slices.ContainsFunc(s.all(), func(r fault.ReplyRule) bool { return r.Grip == g && r.Lead != nil })
}

func (s *ruleSet) drop(effect string) { s.change(effect, nil) }

func (s *ruleSet) change(effect string, put *fault.ReplyRule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(s.all()), func(r fault.ReplyRule) bool { return r.Grip.ID == effect })
	if put != nil {
		list = append(list, *put)
		slices.SortFunc(list, func(a, b fault.ReplyRule) int {
			return cmp.Or(cmp.Compare(a.Layer.Depth(), b.Layer.Depth()), cmp.Compare(a.Grip.ID, b.Grip.ID))
		})
	}
	s.list.Store(&list)
}

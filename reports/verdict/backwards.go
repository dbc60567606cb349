package verdict

import (
	"cmp"
	"fmt"
	"slices"
)

// spotBackwards holds each true read against the last one that its user had seen whole before it was sent. Answers that overlap in time are not compared: their
// order is nobody's promise.
//
// It gives the app every benefit of the doubt. Where a value is true at several blocks, the earlier answer meant the oldest and the later one the newest. What was seen
// counts up to head(at) only, so that an app that once saw a block earlier than our own nodes did owes nothing for it. And a block that was reorganised away by then
// explains any step back.
func spotBackwards(e *evidence) []sighting {
	type user struct {
		journey string
		session int32
		account string
	}
	reads := map[user][]*attempt{}
	for _, a := range e.attempts {
		if len(a.meant) > 0 && a.class != Void {
			u := user{a.journey.Name, a.Session, a.Account}
			reads[u] = append(reads[u], a)
		}
	}
	var list []sighting
	for _, mine := range reads {
		seen := slices.Clone(mine)
		slices.SortStableFunc(mine, func(a, b *attempt) int { return cmp.Compare(a.at, b.at) })
		slices.SortStableFunc(seen, func(a, b *attempt) int { return cmp.Compare(a.end, b.end) })
		var before *attempt
		for _, a := range mine {
			for len(seen) > 0 && seen[0].end <= a.at {
				before, seen = seen[0], seen[1:]
			}
			if before == nil || before == a {
				continue
			}
			if text, back := e.wentBack(before, a); back {
				list = append(list, sighting{attempt: a, journey: a.journey.Name, who: e.who(a), class: Wrong, text: text})
			}
		}
	}
	return inOrder(list)
}

func (e *evidence) wentBack(before, a *attempt) (string, bool) {
	if marked(a.field("stale")) {
		return "", false
	}
	byNumber := func(x, y *block) int { return cmp.Compare(x.Number, y.Number) }
	saw, shows := slices.MinFunc(before.meant, byNumber), slices.MaxFunc(a.meant, byNumber)
	floor := min(saw.Number, e.chains[a.journey.Chain].headAt(a.at))
	if shows.Number+a.journey.MaxStale >= floor || !slices.ContainsFunc(before.meant, func(b *block) bool { return b.fresh(a) }) {
		return "", false
	}
	return fmt.Sprintf("went back from block %d, seen in %s, to block %d; %s allowed", saw.Number, before.id(), shows.Number, blocksAllowed(a.journey.MaxStale)), true
}

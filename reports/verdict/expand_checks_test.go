package verdict

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// ofChecks gives a journey what single checks need.
func ofChecks(j plan.Journey, s storyPlan) plan.Journey {
	if j.Kind == kindStatus && s.Notice > 0 {
		j.States, j.NoticeWithin = map[string][]string{stateFine: {"ok"}, stateTrouble: {"down"}}, us(s.Notice)
	}
	if j.Follow && s.Amplification > 0 {
		j.FollowEvery = us(time.Second)
	}
	return j
}

// replyOfChecks fills in what a status and a listing show.
func (x *expander) replyOfChecks(a *history.Attempt, j plan.Journey, g group, at clock.Micros) {
	switch {
	case a.Error != "" || g.Answer == "nothing":
	case j.Kind == kindStatus && j.States != nil:
		a.Answer = map[string]string{"status": or(g.Answer, "ok")}
		a.Missing = nil
	case j.Payments && a.Status == 200 && g.Declined == "":
		list := x.accepted(a.Session, at)
		switch name, n := call(or(g.Listed, "all")); name {
		case "nothing":
			list = nil
		case "old":
			list = list[:max(len(list)-n, 0)]
		case "page":
			list = list[max(len(list)-n, 0):]
		case "strange":
			for i := range list {
				list[i] = fmt.Sprint("row ", i)
			}
		}
		text, err := json.Marshal(append([]string{}, list...))
		if err != nil {
			panic(err) // a list of strings always encodes
		}
		a.Answer["payments"] = string(text)
		if g.Marked != "" {
			a.Answer["stale"] = g.Marked
		}
	}
}

// accepted lists a session's payments that were answered before t with a 200, oldest first, by their hashes.
func (x *expander) accepted(session int, t clock.Micros) []string {
	var list []string
	i := slices.IndexFunc(x.plan.Journeys, func(j plan.Journey) bool { return j.Kind == kindWrite })
	if i < 0 {
		return nil
	}
	j := x.plan.Journeys[i]
	for n, g := range x.groupsOf(j) {
		answered := j.Offset + clock.Micros(n)*j.Every + us(or(g.Sent, time.Millisecond)) + us(or(g.Took, 20*time.Millisecond))
		if n%x.plan.Sessions == session && answered < t && g.Error == "" && or(g.Status, 200) == 200 {
			list = append(list, strings.ToUpper(fmt.Sprintf("tx-%s#%d", j.Name, n)))
		}
	}
	return list
}

// signed is the record of a payment's transaction. A preflight payment took the first nonce.
func (x *expander) signed(a *history.Attempt, at clock.Micros) history.Sent {
	var n uint64
	if _, err := fmt.Sscan(a.ID[strings.IndexByte(a.ID, '#')+1:], &n); err != nil {
		panic(err) // ids are made a few lines away
	}
	tx := "tx-" + a.ID
	if !slices.ContainsFunc(x.pool, func(p history.Payment) bool { return p.Intent == a.ID }) {
		tx += "-0"
	}
	return history.Sent{Tx: tx, From: "0xpayer", To: "0xto" + a.ID, Nonce: 1_000_000_001 + n, Intent: a.ID, Service: "infura", At: at + storyZero}
}

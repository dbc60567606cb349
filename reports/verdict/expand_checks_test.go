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
	case j.Events && g.Answer == "nothing":
		a.Missing = []string{"events"}
	case a.Error != "" || g.Answer == "nothing":
	case j.Kind == kindStatus && j.States != nil:
		a.Answer = map[string]string{"status": or(g.Answer, "ok")}
		a.Missing = nil
	case j.Events && a.Status == 200 && g.Declined == "":
		x.listEvents(a, g, at)
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
	return history.Sent{Tx: tx, From: "0xpayer", To: "0xto" + a.ID, Nonce: 1_000_000_001 + n, ChainID: 1, Intent: a.ID, Service: "infura", At: at + storyZero}
}

// buildSecond makes the blocks of base: one each second, 250 ms after ethereum's, with a number 100 higher. An account holds four ether more there than on ethereum,
// and gets twice as much with each block.
func (x *expander) buildSecond() {
	parent := "genesis"
	for at, n := us(750*time.Millisecond-(storyBlocks-1)*time.Second), uint64(101); at <= x.plan.End+x.plan.Drain; at, n = at+us(time.Second), n+1 {
		b := &history.Block{Chain: secondNet, Hash: fmt.Sprintf("base-%d", n), Parent: parent, Number: n, Published: at, Watched: map[string]string{}}
		for i := range x.plan.Accounts.Count {
			wei := storyBalance(i, n-100, 0)
			if !x.story.Chain.Equal {
				wei = storyBalance(i+4, 2*(n-100), 0)
			}
			b.Watched[storyAccount(i)] = wei.String()
		}
		x.second = append(x.second, b)
		x.heads = append(x.heads, history.Head{Node: "base/reference", Hash: b.Hash, Number: n, Safe: n - 4, Finalized: n - 8, At: at + us(5*time.Millisecond)})
		parent = b.Hash
	}
}

// secondAt is the head of base that an app could see at t.
func (x *expander) secondAt(t clock.Micros) *history.Block {
	i := slices.IndexFunc(x.second, func(b *history.Block) bool { return b.Published+us(5*time.Millisecond) > t })
	return x.second[i-1]
}

// onSecond makes a payment on base: it is signed for base, handed to infura at t, and there mined in the next block, or pending, or in no pool. A provider that answers
// for ethereum refuses it.
func (x *expander) onSecond(a *history.Attempt, what string, t clock.Micros, add func(clock.Micros, history.Record)) {
	signed := x.signed(a, t)
	signed.ChainID = secondID
	call := history.Call{Service: signed.Service, Region: "aws/us-east-1", Chain: storyNet, Transport: "http", Method: sendMethods[0], Served: secondNet, Reply: history.ReplyOK,
		At: signed.At, End: signed.At + 1000}
	pay := history.Payment{Intent: a.ID, Tx: signed.Tx, Wei: "1000"}
	switch what {
	case "mined":
		i := slices.IndexFunc(x.second, func(b *history.Block) bool { return b.Published >= t })
		x.second[i].Paid = append(x.second[i].Paid, pay)
	case "pending":
		x.secondPool = append(x.secondPool, pay)
	case "refused":
		call.Reply, call.Code, call.Served = history.ReplyRPCError, -32000, ""
	}
	add(t, signed)
	add(t, call)
}

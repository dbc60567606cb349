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

// withEvents gives each block a transaction that sends something to every account, if some journey lists that.
func (x *expander) withEvents() {
	if !slices.ContainsFunc(x.plan.Journeys, func(j plan.Journey) bool { return j.Events }) {
		return
	}
	for _, b := range slices.Concat(x.blocks, x.second) {
		for i := range x.plan.Accounts.Count {
			b.Logs = append(b.Logs, history.Log{Account: storyAccount(i), Tx: "0xEvent-" + b.Hash, Index: uint64(i), Value: fmt.Sprint(b.Number)})
		}
	}
}

// listEvents fills in what deposits shows: the events of the session's account, newest first, as the words of the group's Events change them, one after the other.
func (x *expander) listEvents(a *history.Attempt, g group, at clock.Micros) {
	line := x.lineAt(at)
	var list []string
	words := strings.Fields(or(g.Events, "all"))
	if name, n := call(words[0]); name == "before" {
		line = x.tips[slices.IndexFunc(x.tips, func(t tip) bool { return t.at > at })-1-n].line
	}
	own := a.Session % x.plan.Accounts.Count
	for _, b := range slices.Backward(line) {
		list = append(list, b.Logs[own].Tx)
	}
	for _, word := range words {
		switch name, n := call(word); name {
		case "all", "before":
		case "nothing":
			list = nil
		case "old": // without the newest n
			list = list[n:]
		case "page": // the newest n
			list = list[:min(n, len(list))]
		case "without": // the n-th newest, from 1
			list = slices.Delete(list, n-1, n)
		case "twice":
			list = slices.Insert(list, n, list[n-1])
		case "exact": // with the index in the block; of account n
			for i := range list {
				list[i] += fmt.Sprintf(":%#x", n)
			}
		case "since": // n seconds: what a subscription brought since then
			a.Since = storyZero + us(time.Duration(n)*time.Second)
		case "strange":
			for i := range list {
				list[i] = fmt.Sprint("deposit ", i)
			}
		case secondNet:
			list = []string{x.secondAt(at).Logs[own].Tx}
		default:
			panic("a story says " + word)
		}
	}
	text, err := json.Marshal(append([]string{}, list...))
	if err != nil {
		panic(err) // a list of strings always encodes
	}
	a.Answer["events"] = string(text)
	if g.Block != "" {
		a.Answer["block"] = g.Block
		if strings.Contains(g.Block, "(") {
			a.Answer["block"] = fmt.Sprint(x.pick(g.Block, at).Number)
		}
	}
	if g.Marked != "" {
		a.Answer["stale"] = g.Marked
	}
}

package fault

import (
	"encoding/json"
	"slices"
	"strconv"
)

var _ = register(Definition{
	Name:    "logs-truncated",
	Layer:   LayerRPC,
	Summary: "Lists of logs are cut short, without an error.",
	Doc: "eth_getLogs and eth_getFilterLogs answer with the first logs of the range, and the newest are missing: of n logs `keep` says how many stay, a share of them " +
		"rounded down, or at most that many. HTTP 200, no error, each log that is there is right: nothing tells the app that it has missed some. Subscriptions are " +
		"left alone.",
	Source: "geth before 1.17 answers [] for a range beyond its head where later ones have an error: a node that lags gives fewer logs and says nothing " +
		"(eth/filters, errBlockRangeIntoFuture).",
	Incident: "On 30 July 2025 some providers of Polygon PoS stood still at one block for two to three hours: whoever asked them for the newest logs got fewer, without " +
		"an error (press reports).",
	Kinds: []string{KindRPC},
	Params: []Param{
		{Name: "keep", Type: TypePart, Default: "50%", Max: bound(10000), Doc: "How many logs of each answer stay, from the oldest on: a share below 100%, or a number up to 10000."},
	},

	// An answer without logs has nothing to cut.
	Meets: func(With, []string) bool { return false },
	New: func(w With) (Action, error) {
		cut := func(logs []byte) ([]byte, bool) {
			var all []json.RawMessage
			if json.Unmarshal(logs, &all) != nil {
				return nil, false
			}
			kept := w.Part("keep", len(all))
			if kept == len(all) {
				return nil, false
			}
			short, err := json.Marshal(all[:kept])
			return short, err == nil
		}
		sample := sampleLogs(w)
		shown, _ := cut(sample)
		return &replyAction{
			layer: LayerRPC,
			rule: func(Gateway) ReplyRule {
				return ReplyRule{Alter: func(r Request, call RPCCall, result []byte) ([]byte, bool) {
					if !slices.Contains(logMethods, call.Method) {
						return nil, false
					}
					if r.Probe {
						result = sample
					}
					return cut(result)
				}}
			},
			probe: logMethods[0],
			seen:  func(p Observation) bool { return replied(p) && shown != nil && string(p.Result) == string(shown) },
		}, nil
	},
})

// sampleLogs stands for the logs of a probe, since a chain need not have any: more than stay of them.
func sampleLogs(w With) []byte {
	n := 4
	for w.Part("keep", n) == n {
		n *= 2
	}
	sample := []byte("[0")
	for i := 1; i < n; i++ {
		sample = strconv.AppendInt(append(sample, ','), int64(i), 10)
	}
	return append(sample, ']')
}

var logMethods = []string{"eth_getLogs", "eth_getFilterLogs"}

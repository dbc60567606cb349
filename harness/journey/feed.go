package journey

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

// Fields of a message that only the driver websocket reads.
const (
	fieldRemoved    = "removed"
	fieldStale      = "stale"
	fieldSubscribed = "subscribed"
)

// maxFeed is how many events of a feed are kept, the newest; more would not fit into an answer (see maxList).
const maxFeed = 256

// maxEvent bounds one entry in bytes, so that maxFeed of them fit into an answer: a hash with its index has 66 and some.
const maxEvent = 160

// messages reads what an app pushes.
type messages struct{ paths map[string]path }

func newMessages(j spec.Journey) (*messages, error) {
	m := &messages{paths: map[string]path{}}
	for name, field := range j.Answer {
		var err error
		if m.paths[name], err = compilePath(field.Path); err != nil {
			return nil, fmt.Errorf("answer.%s: %w", name, err)
		}
	}
	return m, nil
}

// message is what one message says; no fields when it cannot be read, or says nothing that the app file looks for.
type message struct {
	events []string
	fields map[string]string // as in the record: events as a list, the others as they stand
}

func (m *messages) read(text []byte) (out message) {
	root, err := parseJSON(text)
	if err != nil {
		return message{}
	}
	out.fields = map[string]string{}
	for name, p := range m.paths {
		switch name {
		case fieldEvents:
			if out.events = texts(p.all(root)); len(out.events) > 0 {
				out.fields[name] = asList(out.events)
			}
		case fieldDeclined:
			if text, found := declinedText(p.first(root)); found {
				out.fields[name] = text
			}
		case fieldSubscribed:
			if n := p.first(root); n != nil && n.Tag != "!!null" {
				out.fields[name], _ = scalarText(n)
			}
		default:
			if text, found := scalarText(p.first(root)); found {
				out.fields[name] = clip(text, maxDeclined)
			}
		}
	}
	return out
}

// texts are the strings and numbers among nodes, and in the lists among them.
func texts(nodes []*yaml.Node) (list []string) {
	for _, n := range nodes {
		if n.Kind == yaml.SequenceNode {
			list = append(list, texts(n.Content)...)
		} else if text, ok := scalarText(n); ok {
			list = append(list, clip(text, maxEvent))
		}
	}
	return list
}

func asList(list []string) string {
	text, err := json.Marshal(append([]string{}, list...))
	if err != nil {
		return "" // a list of strings always encodes
	}
	return string(text)
}

// feed is what a user has on the screen: the events that the app pushed since the session began, and what it said of itself last.
//
// It outlives connections. An app may begin each subscription with what is recent, so an event that a later connection brings again is the same one; twice on one
// connection is twice. An event that is said to be removed, as eth_subscribe says after a reorganisation, leaves the screen.
type feed struct {
	events          []*pushed    // in the order in which they came first
	since           clock.Micros // from when on events has all that came; 0 before the first subscription
	stale, declined string       // of the last message that had the field
}

// pushed is an event of a feed.
type pushed struct {
	text       string
	at         clock.Micros // when it came first
	shown      int          // how often it stands on the screen
	connection int          // that brought it last
	here       int          // how often that brought it
}

// connected begins a connection: what the app said of itself on the one before holds no longer.
func (f *feed) connected() { f.stale, f.declined = "", "" }

// subscribed notes that the app has taken a subscription.
func (f *feed) subscribed(at clock.Micros) {
	if f.since == 0 {
		f.since = at
	}
}

// add takes a message of the n-th connection.
func (f *feed) add(m message, n int, at clock.Micros) {
	if len(m.fields) == 0 {
		return
	}
	if text, ok := m.fields[fieldStale]; ok {
		f.stale = text
	}
	f.declined = m.fields[fieldDeclined]
	removed, _ := strconv.ParseBool(m.fields[fieldRemoved])
	for _, text := range m.events {
		i := slices.IndexFunc(f.events, func(p *pushed) bool { return p.text == text })
		switch {
		case removed && i < 0:
		case removed:
			p := f.events[i]
			p.shown, p.here = p.shown-1, p.here-1
			if p.shown <= 0 {
				f.events = slices.Delete(f.events, i, i+1)
			}
		case i < 0:
			f.events = append(f.events, &pushed{text: text, at: at, shown: 1, connection: n, here: 1})
		default:
			p := f.events[i]
			if p.connection != n {
				p.connection, p.here = n, 0
			}
			p.here++
			p.shown = max(p.shown, p.here)
		}
	}
	for len(f.events) > maxFeed {
		f.since = max(f.since, f.events[0].at)
		f.events = f.events[1:]
	}
}

// answer gives what the screen shows, as the fields of an answer.
func (f *feed) answer() map[string]string {
	list := make([]string, 0, len(f.events))
	for _, p := range f.events {
		for range min(p.shown, maxShown) {
			list = append(list, p.text)
		}
	}
	fields := map[string]string{fieldEvents: asList(list)}
	if f.stale != "" {
		fields[fieldStale] = f.stale
	}
	if f.declined != "" {
		fields[fieldDeclined] = f.declined
	}
	return fields
}

// maxShown is how often one event is listed at most: that it came too often is said by the second.
const maxShown = 2

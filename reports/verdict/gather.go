package verdict

import (
	"encoding/binary"
	"iter"
	"slices"
	"strconv"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// Gatherer keeps of the attempts, requests and words of a history what judging needs, which is a quarter of what they are. It takes them while the history is read
// (history.ReadTo), so that a million attempts are never in memory as a whole, and judges once, when the rest of the history is there.
type Gatherer struct {
	attempts pages[attempt]
	requests pages[request]
	said     []history.Said

	journeys map[string]*plan.Journey // that attempts name; nothing but the name is in them
	oddities map[oddity]*oddity
	answers  map[string]*answer // by what they say
	scratch  []byte
	likes    map[like]*history.Call
}

// NewGatherer starts one for one history.
func NewGatherer() *Gatherer {
	return &Gatherer{journeys: map[string]*plan.Journey{}, oddities: map[oddity]*oddity{}, answers: map[string]*answer{}, likes: map[like]*history.Call{}}
}

// Takers are what the history is to be read to.
func (g *Gatherer) Takers() history.Takers {
	return history.Takers{Attempt: g.attempt, Call: g.call, Said: g.word}
}

// Judge judges the history whose attempts, requests and words were gathered. The lists of them in h are not looked at. It can be called once.
func (g *Gatherer) Judge(h *history.History) (*Judgement, error) { return judge(h, g) }

// attempt takes an attempt. Its times stay the history's until it is judged.
func (g *Gatherer) attempt(r *history.Attempt) {
	a := g.attempts.add()
	a.journey = g.journeys[r.Journey]
	if a.journey == nil {
		a.journey = &plan.Journey{Name: r.Journey}
		g.journeys[r.Journey] = a.journey
	}
	odd := oddity{Error: r.Error, Detail: r.Detail, Body: r.Body, Content: r.Content, SHA256: r.SHA256, since: r.Since, missing: strings.Join(r.Missing, "\x00")}
	if a.place = placeOf(r); a.place < 0 {
		odd.id = r.ID
	}
	a.oddity = g.odd(odd)
	a.answer, a.Account, a.Session, a.Status = g.answer(r.Answer), r.Account, int32(r.Session), int32(r.Status)
	a.due, a.at, a.end = r.Due, r.At, r.End
}

// placeOf is n of an attempt with the id "<journey>#n", or -1 for any other.
func placeOf(r *history.Attempt) int32 {
	text, ok := strings.CutPrefix(r.ID, r.Journey)
	if !ok || len(text) < 2 || text[0] != '#' || (text[1] == '0' && len(text) > 2) || !isDigits(text[1:]) {
		return -1
	}
	n, err := strconv.ParseInt(text[1:], 10, 32)
	if err != nil {
		return -1
	}
	return int32(n)
}

// odd is the one copy of an oddity.
func (g *Gatherer) odd(o oddity) *oddity {
	if one := g.oddities[o]; one != nil {
		return one
	}
	if len(g.oddities) >= mostAlike {
		clear(g.oddities)
	}
	one := new(oddity)
	*one = o
	g.oddities[o] = one
	return one
}

// answer is the one copy of an answer; nil for one without fields.
func (g *Gatherer) answer(fields map[string]string) *answer {
	if len(fields) == 0 {
		return nil
	}
	var room [8]string // as many as any app file names
	names := room[:0]
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	key := g.scratch[:0]
	for _, name := range names {
		for _, text := range []string{name, fields[name]} {
			key = append(binary.AppendUvarint(key, uint64(len(text))), text...)
		}
	}
	g.scratch = key
	if one := g.answers[string(key)]; one != nil {
		return one
	}
	if len(g.answers) >= mostAlike {
		clear(g.answers)
	}
	one := &answer{make([]field, len(names))}
	for i, name := range names {
		one.fields[i] = field{name, fields[name]}
	}
	g.answers[string(key)] = one
	return one
}

// mostAlike bounds the tables of what is alike; they begin anew when they are full.
const mostAlike = 1 << 12

// call takes a request.
func (g *Gatherer) call(c *history.Call) {
	key := like{
		service: c.Service, region: c.Region, chain: c.Chain, transport: c.Transport, method: c.Method, reply: c.Reply, served: c.Served, faults: strings.Join(c.Faults, "\x00"),
		status: c.Status, code: c.Code, retry: c.RetryAfterS, probe: c.Probe,
	}
	one := g.likes[key]
	if one == nil {
		if len(g.likes) >= mostAlike {
			clear(g.likes)
		}
		same := *c
		same.N, same.At, same.End = 0, 0, 0
		one = &same
		g.likes[key] = one
	}
	r := g.requests.add()
	r.Call, r.at, r.end = one, c.At, c.End
}

// word takes a word of the app.
func (g *Gatherer) word(s *history.Said) { g.said = append(g.said, *s) }

// like is what requests that are alike have in common.
type like struct {
	service, region, chain, transport, method, reply, served, faults string

	status, code int
	retry        float64
	probe        bool
}

// request is one request of the app. Call is shared by all that are alike, so its times and its number are 0: at and end are its own, in the history's time.
type request struct {
	*history.Call
	at, end clock.Micros
}

// pages is a list that grows without moving what it holds.
type pages[T any] struct{ list [][]T }

const pageSize = 1 << 12

// add gives an empty element at the end.
func (p *pages[T]) add() *T {
	last := len(p.list) - 1
	if last < 0 || len(p.list[last]) == pageSize {
		p.list = append(p.list, make([]T, 0, pageSize))
		last++
	}
	var none T
	page := append(p.list[last], none)
	p.list[last] = page
	return &page[len(page)-1]
}

// all gives each element in order.
func (p *pages[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, page := range p.list {
			for i := range page {
				if !yield(&page[i]) {
					return
				}
			}
		}
	}
}

func (p *pages[T]) len() int {
	if len(p.list) == 0 {
		return 0
	}
	return (len(p.list)-1)*pageSize + len(p.list[len(p.list)-1])
}

package verdict

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// A better class never lowers a score: on the score alone, over any attempts and any best classes.
func TestBetterClassNeverLowersTheScore(t *testing.T) {
	classes := Classes()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) []mark {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) mark {
				return mark{rapid.SampledFrom(classes).Draw(t, "class"), rapid.SampledFrom(classes[:5]).Draw(t, "best")}
			}), 1, 30).Draw(t, name)
		}
		outage, recovery := draw("outage"), draw("recovery")
		for i := range recovery {
			recovery[i].best = OK
		}
		before := rapid.Bool().Draw(t, "not recovered")
		after := before && rapid.Bool().Draw(t, "still not recovered") // a better class can only help to recover
		worse, _ := scoreCell(outage, recovery, before)

		list := rapid.SampledFrom([][]mark{outage, recovery}).Draw(t, "where")
		i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
		list[i].class = classes[rapid.IntRange(0, slices.Index(classes, list[i].class)).Draw(t, "better")]
		if better, _ := scoreCell(outage, recovery, after); better < worse {
			t.Fatalf("the score fell from %d to %d", worse, better)
		}
	})
}

// ways lists how an attempt of a story can come to each class, best first; some classes can be come to in two ways.
var ways = map[string][]group{
	"view-balance": {
		{Answer: "truth"},
		{Answer: "truth", Took: 3 * time.Second},
		{Answer: "stale(8)", Marked: "true"},
		{Status: 503, Body: "busy"},
		{Error: history.ErrReset},
		{Answer: "zero"},
		{Answer: secondNet},
	},
	"deposits": {
		{Events: "all"},
		{Events: "all", Took: 3 * time.Second},
		{Events: "old(8)", Marked: "true"},
		{Status: 503, Body: "busy"},
		{Error: history.ErrReset},
		{Events: "page(5)"},
		{Events: "twice(2)", Marked: "true"},
	},
	"send-payment": {
		{},
		{Confirmed: 12 * time.Second},
		{Says: &[]string{"pending"}},
		{Status: 503, Body: "busy"},
		{Error: history.ErrReset},
		{Says: &[]string{"failed"}, Pending: true},
		{Mined: new(int)},
		{Base: "mined"},
	},
}

// drawGroup draws how some attempts after the baseline went. Place is the index into ways.
func drawGroup(t *rapid.T) (g group, journey string, place int) {
	journey = rapid.SampledFrom([]string{"view-balance", "send-payment", "deposits"}).Draw(t, "journey")
	place = rapid.IntRange(0, len(ways[journey])-1).Draw(t, "way")
	g = ways[journey][place]
	g.Journey = journey
	g.From = time.Duration(rapid.IntRange(10, 39).Draw(t, "from")) * time.Second
	g.To = g.From + time.Duration(rapid.IntRange(1, 10).Draw(t, "for"))*time.Second
	return g, journey, place
}

// drawStory draws whether the app has a status, always green, and lists payments. There are two chains, so that answers and payments can come from the wrong one.
func drawStory(t *rapid.T) story {
	s := story{Chain: storyChain{Second: true}}
	s.Plan.Journeys = []string{"view-balance", "send-payment", "deposits"}
	if rapid.IntRange(0, 4).Draw(t, "all journeys") == 1 { // one in five: they take time
		s.Plan.Journeys, s.Plan.Notice = append(s.Plan.Journeys, "list-payments", "status"), 3*time.Second
	}
	return s
}

func judgeStory(t *rapid.T, s story) *Verdict {
	j, err := Judge(tell(s))
	if err != nil {
		t.Fatal(err)
	}
	return j.Verdict
}

// The same over whole stories: one attempt more that goes better never lowers a score, whatever it does to recovery, findings and windows.
func TestBetterAttemptNeverLowersAStory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		for range rapid.IntRange(1, 4).Draw(t, "groups") {
			g, _, _ := drawGroup(t)
			s.Attempts = append(s.Attempts, g)
		}
		one, journey, place := drawGroup(t)
		one.Count = 1
		s.Attempts = append(s.Attempts, one)
		worse := judgeStory(t, s)
		better := ways[journey][rapid.IntRange(0, place).Draw(t, "better")]
		better.Journey, better.From, better.To, better.Count = journey, one.From, one.To, 1
		s.Attempts[len(s.Attempts)-1] = better
		after := judgeStory(t, s)
		if worse.Score == nil || after.Score == nil {
			t.Fatalf("no score: %q, %q", worse.Reasons, after.Reasons)
		}
		if *after.Score < *worse.Score {
			t.Fatalf("the score fell from %d to %d", *worse.Score, *after.Score)
		}
	})
}

// A longer `after` changes nothing that matters: not the score, not the verdict, not a finding.
func TestDoublingAfterChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		for range rapid.IntRange(0, 4).Draw(t, "groups") {
			g, _, _ := drawGroup(t)
			s.Attempts = append(s.Attempts, g)
		}
		short := judgeStory(t, s)
		s.Plan.End = 80 * time.Second
		long := judgeStory(t, s)
		type judged struct {
			Verdict, Grade, Severity string
			Score                    *int
			Findings                 []string
		}
		of := func(v *Verdict) judged {
			j := judged{v.Verdict, v.Grade, v.Severity, v.Score, nil}
			for _, f := range v.Findings {
				j.Findings = append(j.Findings, fmt.Sprint(f.ID, f.Count, f.Class))
			}
			return j
		}
		if diff := cmp.Diff(of(short), of(long)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// The same history gives the same judgement, down to the byte, and so does one whose records of different types came in another order.
func TestOrderOfTypesChangesNothing(t *testing.T) {
	for _, path := range stories(t) {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			s, err := readStory(path)
			if err != nil {
				t.Fatal(err)
			}
			h := expand(t, s)
			first, text := judgeBytes(t, h)
			if again, same := judgeBytes(t, h); !bytes.Equal(text, same) || !slices.Equal(first, again) {
				t.Error("a second judgement of the same history differs")
			}
			if thrifty, same := gatheredBytes(t, s); !bytes.Equal(text, same) || !slices.Equal(first, thrifty) {
				t.Error("a judgement that gathers while it reads differs")
			}
			shuffled := interleave(t, s, rand.New(rand.NewPCG(7, uint64(len(path)))))
			shuffled.Seal = h.Seal
			if other, same := judgeBytes(t, shuffled); !bytes.Equal(text, same) || !slices.Equal(first, other) {
				t.Errorf("another order of the types gives another judgement:\n%s", cmp.Diff(string(text), string(same)))
			}
		})
	}
}

func judgeBytes(t *testing.T, h *history.History) ([]Judged, []byte) {
	t.Helper()
	j, err := Judge(h)
	if err != nil {
		t.Fatal(err)
	}
	text, err := j.Verdict.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return j.Attempts, text
}

// gatheredBytes is judgeBytes without the whole history in memory.
func gatheredBytes(t *testing.T, s story) ([]Judged, []byte) {
	t.Helper()
	g := NewGatherer()
	h, err := history.ReadTo(bytes.NewReader(written(t, s)), g.Takers())
	if err != nil {
		t.Fatal(err)
	}
	j, err := g.Judge(h)
	if err != nil {
		t.Fatal(err)
	}
	text, err := j.Verdict.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(j.All()), text
}

// interleave reads the story's records with the types in a random order, each type in its own.
func interleave(t *testing.T, s story, rng *rand.Rand) *history.History {
	t.Helper()
	records := newExpander(s).records()
	queues := map[string][]history.Record{}
	var order []string
	for _, r := range records[1:] {
		queues[r.Type()] = append(queues[r.Type()], r)
		order = append(order, r.Type())
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	d := history.NewDecoder()
	add := func(r history.Record) {
		line, err := history.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Line(line); err != nil {
			t.Fatal(err)
		}
	}
	add(records[0])
	for _, kind := range order {
		add(queues[kind][0])
		queues[kind] = queues[kind][1:]
	}
	return d.History()
}

// A history that stops anywhere is judged without an error, and never passes before it is sealed.
func TestEveryPrefixIsJudged(t *testing.T) {
	records := newExpander(story{}).records()
	slices.SortStableFunc(records[3:], func(a, b history.Record) int { return int(min(max(whenOf(a)-whenOf(b), -1), 1)) })
	d := history.NewDecoder()
	for i, r := range records {
		line, err := history.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Line(line); err != nil {
			t.Fatal(err)
		}
		if i%37 != 0 {
			continue
		}
		j, err := Judge(d.History())
		if err != nil {
			t.Fatalf("after %d records: %v", i+1, err)
		}
		if j.Verdict.Verdict != Inconclusive || j.Verdict.Ended != Truncated || j.Verdict.WrongAttempts+j.Verdict.HarmedIntents > 0 {
			t.Fatalf("after %d records: %s, %s, %d wrong, %d harmed", i+1, j.Verdict.Verdict, j.Verdict.Ended, j.Verdict.WrongAttempts, j.Verdict.HarmedIntents)
		}
	}
}

// whenOf is when a record would have been written.
func whenOf(r history.Record) clock.Micros {
	switch r := r.(type) {
	case history.Attempt:
		return r.End
	case history.Block:
		return r.Published
	case history.Head:
		return r.At
	case history.Said:
		return r.At
	case history.Fault:
		return r.At
	case history.Call:
		return r.At
	case history.Intent:
		return r.At
	case history.Pool:
		return r.At
	default:
		return 0
	}
}

package links

import (
	"bytes"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"blackout/harness/fault"
)

// testSwitch is a switch of the downstream direction between two channels, without sockets.
type testSwitch struct {
	*conn
	in, out chan *stream.StreamChunk
	done    chan struct{}
}

func newSwitch(t testing.TB) *testSwitch {
	s := startSwitch()
	t.Cleanup(s.stop)
	return s
}

func startSwitch() *testSwitch {
	c := &conn{link: &Link{}, client: new(net.TCPConn), upstream: new(net.TCPConn)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.down.conn, c.down.wake = c, make(chan struct{}, 1)
	s := &testSwitch{conn: c, in: make(chan *stream.StreamChunk), out: make(chan *stream.StreamChunk), done: make(chan struct{})}
	stub := toxics.NewToxicStub(s.in, s.out)
	stub.State = &c.down
	c.link.wg.Add(1)
	go func() {
		defer close(s.done)
		new(switchToxic).Pipe(stub)
	}()
	return s
}

// stop ends the switch as the end of its connection does.
func (s *testSwitch) stop() {
	s.cancel()
	select {
	case <-s.done: // its input had ended
	default:
		close(s.in)
		<-s.done
	}
}

func toxicRule(t testing.TB, ts ...fault.Toxic) *rule {
	t.Helper()
	r, err := newRule(service, fault.ConnRule{Grip: grip("e1", 1), Mode: fault.ConnToxics, Toxics: ts})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever is swapped whenever, every byte comes out once and in order.
func TestASwapLosesAndReordersNothing(t *testing.T) {
	rules := []*rule{
		nil,
		{id: "hole", grip: grip("hole", 1), mode: fault.ConnBlackhole},
		toxicRule(t, latency(40)),
		toxicRule(t, latency(2000)),
		toxicRule(t, toxic("bandwidth", true, map[string]any{"rate": 1})),
		toxicRule(t, toxic("slicer", true, map[string]any{"average_size": 7, "delay": 500})),
		toxicRule(t, toxic("timeout", true, map[string]any{"timeout": hourMillis})),
		toxicRule(t, toxic("slow_close", true, map[string]any{"delay": 50})),
		toxicRule(t, latency(10), toxic("slicer", true, map[string]any{"average_size": 100}), toxic("bandwidth", true, map[string]any{"rate": 5})),
	}
	rapid.Check(t, func(rt *rapid.T) {
		type step struct{ size, rule, pause int }
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{rapid.IntRange(1, 2000).Draw(rt, "size"), rapid.IntRange(-3, len(rules)-1).Draw(rt, "rule"), rapid.IntRange(0, 30).Draw(rt, "pause")}
		}), 1, 30).Draw(rt, "steps")
		stall := rapid.IntRange(0, 300).Draw(rt, "stall")
		var want, got []byte
		ended := false
		synctest.Test(t, func(*testing.T) {
			s := startSwitch()
			fed := make(chan struct{})
			go func() { // toxiproxy's reader: waits when it must
				defer close(fed)
				for i, st := range steps {
					chunk := bytes.Repeat([]byte{byte(i + 1)}, st.size)
					chunk[0] = 0
					want = append(want, chunk...)
					s.in <- &stream.StreamChunk{Data: chunk, Timestamp: time.Now()}
				}
				close(s.in)
			}()
			ran := make(chan struct{})
			go func() { // the run, which changes rules and is never kept waiting
				defer close(ran)
				for _, st := range steps {
					time.Sleep(time.Duration(st.pause) * time.Millisecond)
					if st.rule >= 0 {
						s.take(rules[st.rule])
					}
				}
				<-time.After(time.Second)
				s.take(nil)
			}()
			time.Sleep(time.Duration(stall) * time.Millisecond)
			for chunk := range s.out {
				got = append(got, chunk.Data...)
			}
			<-fed
			<-ran
			<-s.done
			ended = !s.down.severed.Load()
			s.cancel()
		})
		if !bytes.Equal(want, got) || !ended {
			rt.Fatalf("%d bytes in, %d out, equal %t, ended in order %t", len(want), len(got), bytes.Equal(want, got), ended)
		}
	})
}

// The toxics are toxiproxy's: this holds what they do behind the switch, in exact time.
func TestToxicsActThroughTheSwitch(t *testing.T) {
	type arrival struct {
		After time.Duration
		Data  string
	}
	for _, tc := range []struct {
		name  string
		rule  *rule
		input []string
		want  []arrival
		end   time.Duration
	}{
		{"latency", toxicRule(t, latency(40)), []string{"a", "b"}, []arrival{{40e6, "a"}, {40e6, "b"}}, 40e6},
		{"two latencies add", toxicRule(t, latency(40), latency(2)), []string{"a"}, []arrival{{42e6, "a"}}, 42e6},
		{"bandwidth 1 KB/s", toxicRule(t, toxic("bandwidth", true, map[string]any{"rate": 1})), []string{"0123456789"}, []arrival{{10e6, "0123456789"}}, 10e6},
		{"slicer", toxicRule(t, toxic("slicer", true, map[string]any{"average_size": 2, "delay": 1000})), []string{"abcd"}, []arrival{{0, "ab"}, {1e6, "cd"}}, 2e6},
		{"limit_data", toxicRule(t, toxic("limit_data", true, map[string]any{"bytes": 3})), []string{"ab", "cd"}, []arrival{{0, "ab"}, {0, "c"}}, 0},
		{"slow_close", toxicRule(t, toxic("slow_close", true, map[string]any{"delay": 70})), []string{"a"}, []arrival{{0, "a"}}, 70e6},
		{"timeout", toxicRule(t, toxic("timeout", true, map[string]any{"timeout": 90})), nil, nil, 90e6},
		{"the other direction only", toxicRule(t, toxic("latency", false, map[string]any{"latency": 40})), []string{"a"}, []arrival{{0, "a"}}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSwitch()
				s.take(tc.rule)
				start := time.Now()
				fed := make(chan struct{})
				go func() {
					defer close(fed)
					for _, data := range tc.input {
						s.in <- &stream.StreamChunk{Data: []byte(data), Timestamp: time.Now()}
					}
					close(s.in)
				}()
				var got []arrival
				for chunk := range s.out {
					got = append(got, arrival{time.Since(start), string(chunk.Data)})
				}
				end := time.Since(start)
				<-fed
				<-s.done
				s.cancel()
				if diff := cmp.Diff(tc.want, got); diff != "" || end != tc.end {
					t.Errorf("ended after %s, want %s; arrivals (-want +got):\n%s", end, tc.end, diff)
				}
			})
		})
	}
}

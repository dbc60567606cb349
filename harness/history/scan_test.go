package history

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
)

// full fills every field of a record, so that none is left out when the record is written.
func full[T any]() T {
	var r T
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("a \"quoted\" text, größer than " + v.Type().Field(i).Name)
		case reflect.Int, reflect.Int64:
			f.SetInt(int64(-7 * (i + 1)))
		case reflect.Uint64:
			f.SetUint(uint64(7 * (i + 1)))
		case reflect.Float64:
			f.SetFloat(30)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"one", "two\n"}))
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"balance": "1.03}", "tx": "a\t"}))
		default:
			panic(f.Kind())
		}
	}
	return r
}

// The fast way reads all that is written, every field of it. A field that it does not know yet is not lost, but makes reading slow.
func TestScannerKnowsEveryField(t *testing.T) {
	knows(t, (*scanner).attempt)
	knows(t, (*scanner).call)
	knows(t, (*scanner).intent)
	knows(t, (*scanner).said)
	knows(t, (*scanner).sent)
}

func knows[T Record](t *testing.T, scan func(*scanner, *T) bool) {
	t.Helper()
	var empty T
	for _, want := range []T{empty, full[T]()} {
		line, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		var got T
		if !scan(&scanner{line: line, names: &names{}, answers: &answers{}}, &got) {
			t.Errorf("the scanner gives up at %s", line)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%T (-written +read):\n%s", want, diff)
		}
	}
}

// Whatever the fast way reads, it reads as encoding/json does.
func FuzzScanner(f *testing.F) {
	for _, r := range []Record{full[Attempt](), full[Call](), full[Intent](), full[Said](), full[Sent]()} {
		line, err := Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	for _, line := range []string{
		`{}`, `{"record":"said","record":"sent"}`, `{"at":-0}`, `{"at":01}`, `{"at":1.0}`, `{"at":1e3}`, `{"at":1234567890123456789012}`, `{"ID":"x"}`, `{"at":null}`, `{"probe":false}`,
		`{"answer":{}}`, `{"answer":{"a":"b"},"answer":{"c":"d"}}`, `{"answer":{"a":null}}`, `{"faults":[]}`, `{"faults":["a"],"faults":["b"]}`, `{"missing":["\ud800"]}`, `{"id":"` + "\xff" + `"}`,
		`{"id":"a\u0000b"}`, `{"at":1}}`, `{"at":1,}`, `{"at":1}{}`, ` {"at":1}`, `{"\u0061t":1}`, `{"answer":{"a":"}"}}`, `{"session":9223372036854775807}`, `{"nonce":-1}`, `{"probe":trueish}`,
		`{"record":"` + "\x05" + `"}`,
	} {
		f.Add([]byte(line + "\n"))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		shared := answers{}
		same(t, line, &shared, (*scanner).attempt)
		same(t, line, &shared, (*scanner).attempt) // now from the table
		same(t, line, &shared, (*scanner).call)
		same(t, line, &shared, (*scanner).intent)
		same(t, line, &shared, (*scanner).said)
		same(t, line, &shared, (*scanner).sent)
	})
}

func same[T any](t *testing.T, line []byte, shared *answers, scan func(*scanner, *T) bool) {
	t.Helper()
	var got, want T
	if !scan(&scanner{line: line, names: &names{}, answers: shared}, &got) {
		return
	}
	if err := json.Unmarshal(line, &want); err != nil {
		t.Fatalf("the scanner reads %q, and encoding/json does not: %v", line, err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("%q (-encoding/json +scanner):\n%s", line, cmp.Diff(want, got))
	}
}

// A taker gets what the list would have held, in the same order, and the other lists are as ever.
func TestTakers(t *testing.T) {
	var file bytes.Buffer
	for i, r := range []Record{
		Header{Schema: Schema}, Attempt{ID: "a#1", Answer: map[string]string{"balance": "1"}}, Call{N: 1, Faults: []string{"f"}}, Said{Intent: "p#1"},
		Attempt{ID: "a#2", Answer: map[string]string{"balance": "1"}, Missing: []string{"block"}}, Note{Text: "n"}, Call{N: 2, RetryAfterS: 0.5}, Attempt{ID: "a#3"}, Said{Intent: "p#2", State: "failed"},
	} {
		line, err := Encode(r)
		if err != nil {
			t.Fatal(i, err)
		}
		file.Write(line)
	}
	want, err := Read(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	var got History
	rest, err := ReadTo(&file, Takers{
		Attempt: func(a *Attempt) { got.Attempts = append(got.Attempts, *a) },
		Call:    func(c *Call) { got.Calls = append(got.Calls, *c) },
		Said:    func(s *Said) { got.Said = append(got.Said, *s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(rest.Attempts)+len(rest.Calls)+len(rest.Said) > 0 {
		t.Error("what was taken is in the lists as well")
	}
	got.Header, got.Notes = rest.Header, rest.Notes
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("(-listed +taken):\n%s", diff)
	}
}

// Tables of names and answers begin anew when they are full, and nothing is lost by it.
func TestFullTables(t *testing.T) {
	d := NewDecoder()
	line := func(r Record) {
		text, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Line(text); err != nil {
			t.Fatal(err)
		}
	}
	line(Header{Schema: Schema})
	for i := range 2 * mostAnswers {
		line(Attempt{Journey: strings.Repeat("x", i%5), Due: clock.Micros(i), Answer: map[string]string{"n": string(rune('0' + i%10)), "at": strings.Repeat("y", i%3000)}})
	}
	if len(d.answers) > mostAnswers {
		t.Errorf("%d answers in the table", len(d.answers))
	}
	for i, a := range d.History().Attempts {
		if a.Journey != strings.Repeat("x", i%5) || a.Answer["n"] != string(rune('0'+i%10)) || len(a.Answer["at"]) != i%3000 {
			t.Fatalf("attempt %d is %+v", i, a)
		}
	}
}

package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"blackout/harness/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is a record of each type but the seal, which the writer makes.
func sample() []history.Record {
	return []history.Record{
		history.Header{Schema: history.Schema, Run: "r1", App: "wallet", Scenario: "control", Seed: 7, Runtime: "local", PlanSHA256: "ab", BaseUTC: "2026-01-02T03:04:05Z"},
		history.Plan{Plan: []byte(`{"schema":"blackout/plan/1"}`)},
		history.Block{Chain: "ethereum", Hash: "0x1", Parent: "0x0", Number: 1, Published: -5, Watched: map[string]string{"0xaa": "12"}, Paid: []history.Payment{{Intent: "pay#1", Tx: "0x2", Wei: "3"}}},
		history.Timeline{At: 100},
		history.Head{Node: "ethereum/reference", Hash: "0x1", Number: 1, At: 3},
		history.Intent{ID: "pay#1", Chain: "ethereum", To: "0xbb", Wei: "3", At: 4},
		history.Attempt{ID: "view#1", Journey: "view", Due: 1, At: 2, End: 3, Status: 200, Answer: map[string]string{"balance": "1.0"}},
		history.Stream{Journey: "live", Session: 1, Connection: 2, Event: history.StreamMessage, Answer: map[string]string{"events": `["0x2"]`}, At: 5},
		history.Said{Intent: "pay#1", State: history.StateConfirmed, Word: "done", At: 6},
		history.Sent{Tx: "0x2", From: "0xcc", Service: "infura", At: 7},
		history.Call{Service: "infura", Region: "aws/us-east-1", Transport: "http", Method: "eth_getBalance", Reply: history.ReplyOK, Status: 200, At: 8, End: 9},
		history.Lookup{Host: "x.example", Answer: "NXDOMAIN", At: 10},
		history.Stray{Kind: history.StrayTCP, Address: "203.0.113.7", Port: 8545, Host: "x.example", Count: 2, At: 10},
		history.Fault{ID: "c1/unreachable/infura", State: history.FaultInjecting, At: 11},
		history.Connections{Service: "infura", Opened: 2, Handshakes: new(int64), At: 12},
		history.App{Instance: "app-0", Event: "ready", At: 13},
		history.Pool{Chain: "ethereum", Pending: []history.Payment{}, At: 14},
		history.Stage{Name: "baseline", At: 15},
		history.Trouble{Text: "a node of ours is gone", At: 15},
		history.Note{Text: "a note", At: 15},
		history.Picture{Attempt: "view#1", Journey: "view", Phase: "baseline", File: "screens/view-00-baseline.png", At: 16},
	}
}

func write(t *testing.T, records []history.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	w := history.NewWriter(&out, nil, nil)
	for _, r := range records {
		w.Add(r)
	}
	if err := w.Seal(history.EndComplete, "", 99); err != nil {
		t.Fatal(err)
	}
	w.Add(history.Note{Text: "too late"})
	return out.Bytes()
}

func TestEveryRecordSurvives(t *testing.T) {
	records := sample()
	h, err := history.Read(bytes.NewReader(write(t, records)))
	if err != nil {
		t.Fatal(err)
	}
	got := []history.Record{h.Header, history.Plan{Plan: h.Plan}, h.Blocks[0], *h.Timeline, h.Heads[0], h.Intents[0], h.Attempts[0], h.Streams[0], h.Said[0], h.Sent[0], h.Calls[0], h.Lookups[0], h.Strays[0], h.Faults[0], h.Connections[0], h.Apps[0], h.Pools[0], h.Stages[0], h.Troubles[0], h.Notes[0], h.Pictures[0]}
	if diff := cmp.Diff(records, got); diff != "" {
		t.Errorf("records changed (-written +read):\n%s", diff)
	}
	if h.Seal == nil || h.Seal.End != history.EndComplete || h.Seal.Records != len(records) {
		t.Errorf("seal is %+v", h.Seal)
	}
}

// A kill can stop the file at any byte: what stands before the last whole line is read, and nothing panics.
func TestCutAtEveryByte(t *testing.T) {
	whole := write(t, sample())
	first := bytes.IndexByte(whole, '\n') + 1
	for cut := first; cut < len(whole); cut++ {
		h, err := history.Read(bytes.NewReader(whole[:cut]))
		if err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		if h.Seal != nil {
			t.Fatalf("cut at byte %d: sealed", cut)
		}
		if wantCut := whole[cut-1] != '\n'; h.Truncated != wantCut {
			t.Fatalf("cut at byte %d: truncated %v, want %v", cut, h.Truncated, wantCut)
		}
	}
}

func TestBrokenHistories(t *testing.T) {
	whole := string(write(t, sample()))
	for name, tc := range map[string]struct{ text, want string }{
		"empty":            {"", "no header"},
		"not JSON":         {"hello\n", "line 1"},
		"no header first":  {`{"record":"note","text":"x","at":1}` + "\n", "starts with a \"note\""},
		"another schema":   {`{"record":"header","schema":"blackout/history/9"}` + "\n", "blackout/history/9"},
		"changed later":    {strings.Replace(whole, `"a note"`, `"b note"`, 1), "the file was changed"},
		"a line taken out": {strings.Replace(whole, `{"record":"note","text":"a note","at":15}`+"\n", "", 1), "seals 21 records"},
		"after the seal":   {whole + `{"record":"note","text":"x","at":1}` + "\n", "after the seal"},
		"wrong type":       {strings.Replace(whole, `"at":15`, `"at":"soon"`, 1), "stage record"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := history.Read(strings.NewReader(tc.text))
			if !errors.Is(err, history.ErrFormat) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want one about %q", err, tc.want)
			}
		})
	}
}

func TestUnknownRecordsAreCounted(t *testing.T) {
	text := `{"record":"header","schema":"blackout/history/1"}` + "\n" + `{"record":"weather","sun":true}` + "\n"
	h, err := history.Read(strings.NewReader(text))
	if err != nil || h.Unknown != 1 {
		t.Fatalf("unknown %v, error %v", h, err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := history.ReadFolder(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("an empty folder gives %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, history.PlainName), write(t, sample()), 0o644); err != nil {
		t.Fatal(err)
	}
	plain, err := history.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := history.Compress(dir); err != nil {
		t.Fatal(err)
	}
	packed, err := history.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain, packed); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(dir, history.PlainName)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the plain history is still there")
	}
}

type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, errors.New("no space left on device")
	}
	d.room -= len(p)
	return len(p), nil
}

func TestFullDiskIsToldAndNothingBlocks(t *testing.T) {
	w := history.NewWriter(&fullDisk{room: 400}, nil, nil)
	for i := range 100 {
		w.Add(history.Note{Text: fmt.Sprintf("note %d", i)})
	}
	<-w.Failed()
	for range 1000 {
		w.Add(history.Note{Text: "after"})
	}
	if err := w.Seal(history.EndAborted, "disk", 1); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("seal says %v", err)
	}
}

func TestManyWritersOneFile(t *testing.T) {
	var out bytes.Buffer
	var teed bytes.Buffer
	w := history.NewWriter(&out, nil, func(b []byte) { teed.Write(b) })
	w.Add(sample()[0])
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				w.Add(history.Note{Text: fmt.Sprintf("%d/%d", g, i)})
			}
		})
	}
	wg.Wait()
	if err := w.Seal(history.EndComplete, "", 0); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), teed.Bytes()) {
		t.Error("the tee saw something else than the file")
	}
	h, err := history.Read(&out)
	if err != nil || len(h.Notes) != 1600 {
		t.Fatalf("%d notes, error %v", len(h.Notes), err)
	}
}

func TestSecretsNeverReachTheFile(t *testing.T) {
	var out bytes.Buffer
	redact := history.NewRedactor("0xDEADBEEFCAFE", "short", `pass"word`)
	w := history.NewWriter(&out, redact, nil)
	w.Add(sample()[0])
	redact.Hide("later-secret")
	w.Add(history.Note{Text: `key DEADBEEFCAFE, 0xDEADBEEFCAFE, later-secret, pass"word, short`})
	if err := w.Seal(history.EndAborted, "bad key DEADBEEFCAFE", 0); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"DEADBEEFCAFE", "later-secret", `pass\"word`} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s is in the history:\n%s", secret, out.String())
		}
	}
	if !strings.Contains(out.String(), "short") {
		t.Error("a value under six characters was hidden")
	}
	if _, err := history.Read(&out); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	var out bytes.Buffer
	w := history.NewWriter(&out, nil, nil)
	for _, r := range sample() {
		w.Add(r)
	}
	if err := w.Seal(history.EndComplete, "", 99); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add([]byte(`{"record":"header","schema":"blackout/history/1"}`))
	f.Add([]byte{0x1f, 0x8b, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := history.Read(bytes.NewReader(data))
		if err == nil && h.Header.Schema != history.Schema {
			t.Errorf("read a history with schema %q", h.Header.Schema)
		}
	})
}

// TestSecretOfDigits hides a secret that is a number: it stands in a text, and by chance in a time and in a wei amount.
func TestSecretOfDigits(t *testing.T) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.NewRedactor("123456"), nil)
	w.Add(sample()[0])
	w.Add(history.Note{Text: `pin 123456, "quoted\" 123456`, At: 41_123_456})
	if err := w.Seal(history.EndComplete, "after 123456", 51_123_456); err != nil {
		t.Fatal(err)
	}
	h, err := history.Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	want := []history.Note{{Text: `pin [redacted], "quoted\" [redacted]`, At: 41_123_456}}
	if diff := cmp.Diff(want, h.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if h.Seal == nil || h.Seal.At != 51_123_456 || h.Seal.Reason != "after [redacted]" {
		t.Errorf("seal: %+v", h.Seal)
	}
}

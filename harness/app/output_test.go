package app

import (
	"errors"
	"strings"
	"testing"
)

// FuzzOutput writes a text in pieces of any size: no value of the environment may get through, and nothing else may be lost.
func FuzzOutput(f *testing.F) {
	f.Add("key="+secret+"\n", 3)
	f.Add(strings.Repeat("a", lineShown-7)+secret+"\nnext", 1000)
	f.Add(strings.Repeat("b", lineBuffer-3)+secret+strings.Repeat("b", lineBuffer)+"\n", 32<<10)
	f.Add(secret[:10]+"\n"+secret[10:], 5)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		if piece < 1 || strings.Contains(text, "$") || len(text)/piece > 200 {
			return
		}
		var log strings.Builder
		o := newOutput(&log, newScrubber(nil, map[string]string{"SECRET": secret, "PIN": "1"}))
		for rest := text; rest != ""; {
			n := min(piece, len(rest))
			_, _ = o.Write([]byte(rest[:n]))
			rest = rest[n:]
			if strings.Contains(strings.Join(o.Last(), "\n"), secret) {
				t.Fatal("the value is in the last lines")
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(text, secret, "${SECRET}")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if got := log.String(); got != want {
			t.Fatalf("log %q, want %q", got, want)
		}
	})
}

type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, errors.New("no space left on device")
	}
	d.room -= len(p)
	return len(p), nil
}

func TestOutputOnAFullDisk(t *testing.T) {
	o := newOutput(&fullDisk{room: 10}, newScrubber(nil))
	for range 3 {
		if n, err := o.Write([]byte("0123456\n")); n != 8 || err != nil {
			t.Fatalf("write: %d, %v: the app must not notice", n, err)
		}
	}
	if err := o.Close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("close: %v", err)
	}
	if len(o.Last()) != 3 {
		t.Errorf("last lines: %q", o.Last())
	}
}

func TestScrubber(t *testing.T) {
	s := newScrubber(nil, map[string]string{"URL": "http://h/v3/abcdef", "KEY": "abcdef", "PEM": "-----BEGIN\nMIIBVwIBADANBg\n-----END\n", "DEBUG": "true", "N": "12"})
	for text, want := range map[string]string{
		"dial http://h/v3/abcdef: refused": "dial ${URL}: refused",
		"key abcdef, debug true, 12":       "key ${KEY}, debug true, 12",
		"MIIBVwIBADANBg":                   "${PEM}",
	} {
		if got := s.clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

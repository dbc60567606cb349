package journey

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/content"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// picture is a content journey over the files of seed 1.
func picture(path string) (plan.Journey, spec.Journey) {
	return plan.Journey{
			Name: "picture", Driver: "http", Kind: "content", Every: clock.Of(20 * time.Millisecond),
			Deadline: clock.Of(2 * time.Second), Patience: clock.Of(5 * time.Second),
		}, spec.Journey{
			Name: "picture", Kind: "content", Request: spec.Request{Method: "GET", Path: path},
			Answer: map[string]spec.AnswerField{"declined": {Path: "$.error"}, "stale": {Path: "$.stale"}},
		}
}

func (r *rig) withFiles() []content.File {
	files := content.Files(1)
	for _, f := range files {
		r.cfg.Plan.Content = append(r.cfg.Plan.Content, plan.Content{ID: f.ID, TX: f.TX, Token: f.Token, Name: f.Name, Type: f.Type, Bytes: len(f.Bytes), SHA256: f.SHA256})
	}
	return files
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestContent asks for the files in turn and holds what is recorded of each answer.
func TestContent(t *testing.T) {
	var asked atomic.Int64
	var all []content.File
	const html = "<!doctype html><title>Moved</title>"
	r := newRig(t, 200*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		for i, f := range all {
			if r.URL.Path != "/proxy"+f.Path() {
				continue
			}
			switch i {
			case 1:
				_, _ = w.Write([]byte(html))
			case 2:
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.Write([]byte(`{"error": "no gateway answers", "stale": true}`))
			case 3:
			case 4:
				_, _ = w.Write(bytes.Repeat([]byte("x"), maxBody+1))
			default:
				_, _ = w.Write(f.Bytes)
			}
			return
		}
		t.Errorf("asked for %s", r.URL.Path)
	})
	all = r.withFiles()
	r.with(picture("/proxy${content.path}"))
	r.run(t, time.Second)
	list := attempts(r.sink)
	if len(list) != 10 || asked.Load() != 10 {
		t.Fatalf("%d attempts, %d requests", len(list), asked.Load())
	}
	for n, a := range list {
		f := all[n%len(all)]
		want := history.Attempt{Status: 200, Content: f.ID, SHA256: f.SHA256}
		switch n {
		case 1:
			want.SHA256, want.Body = digest(html), html
		case 2:
			want.Status, want.Body = 503, `{"error": "no gateway answers", "stale": true}`
			want.SHA256, want.Answer = digest(want.Body), map[string]string{"declined": "no gateway answers", "stale": "true"}
		case 3:
			want.SHA256 = digest("")
		case 4:
			want.SHA256, want.Detail, want.Body = "", errTooLong.Error(), strings.Repeat("x", bodyKept)
		case 9:
			want.SHA256, want.Body = digest(html), html
		}
		got := history.Attempt{Status: a.Status, Content: a.Content, SHA256: a.SHA256, Detail: a.Detail, Body: a.Body, Answer: a.Answer, Missing: a.Missing, Error: a.Error}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attempt %d, %s (-want +got):\n%s", n, f.Name, diff)
		}
	}
}

// TestContentVariables asks for a file by each of its names.
func TestContentVariables(t *testing.T) {
	var paths sync.Map
	r := newRig(t, 200*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { paths.Store(r.URL.Path, true) })
	files := r.withFiles()
	r.with(picture("/${content.token}/${content.part}/${content.tx}/${content.cid}"))
	r.run(t, time.Second)
	for i, f := range files[:4] {
		if want := fmt.Sprintf("/%d/%s/%s/%s", i/2, []string{"picture", "metadata"}[i%2], f.TX, f.ID); !has(&paths, want) {
			t.Errorf("nobody asked for %s", want)
		}
	}
}

func has(m *sync.Map, key string) bool {
	_, ok := m.Load(key)
	return ok
}

// A file that is JSON and happens to have the fields of an answer is a file all the same.
func TestContentIsNoAnswer(t *testing.T) {
	r := newRig(t, 20*time.Millisecond, answer(`{"error": "a picture of an error"}`))
	r.cfg.Plan.Content = []plan.Content{{ID: "bafkrei", SHA256: digest(`{"error": "a picture of an error"}`)}}
	p, j := picture("${content.path}")
	a := r.one(t, t.Context(), p, j)
	if a.Answer != nil || a.Body != "" || a.SHA256 != r.cfg.Plan.Content[0].SHA256 {
		t.Errorf("%+v", a)
	}
}

// An answer that never comes still says what was asked for.
func TestContentLost(t *testing.T) {
	r := newRig(t, 20*time.Millisecond, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	files := r.withFiles()
	p, j := picture("/p/${content.cid}")
	a := r.one(t, t.Context(), p, j)
	if a.Content != files[0].ID || a.SHA256 != "" || a.Error != history.ErrEOF {
		t.Errorf("%+v", a)
	}
}

func TestContentVariablesBelongToContent(t *testing.T) {
	r := newRig(t, time.Second, answer(""))
	p, j := picture("/p/${content.cid}")
	if _, err := New(r.with(p, j).cfg); err == nil || !strings.Contains(err.Error(), "it asks for content, but the plan has none") {
		t.Errorf("without content: %v", err)
	}
	r = newRig(t, time.Second, answer(""))
	r.withFiles()
	p, j = read()
	j.Request.Path = "/p/${content.cid}"
	if _, err := New(r.with(p, j).cfg); err == nil || !strings.Contains(err.Error(), "content.cid") {
		t.Errorf("in a read: %v", err)
	}
}

package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/spec"
)

func TestPlan(t *testing.T) {
	shape := func(all []Instance) (out []string) {
		ports := map[int]bool{}
		for _, i := range all {
			defer i.Release()
			out = append(out, fmt.Sprint(i.Index, " ", i.Name, " ", i.Region))
			if ports[i.Port] || i.Port == 0 {
				t.Errorf("port %d twice or none", i.Port)
			}
			ports[i.Port] = true
			if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(i.Port)); err == nil {
				_ = l.Close()
				t.Errorf("port %d is not held", i.Port)
			}
			if info, err := os.Stat(i.Dir); err != nil || !info.IsDir() {
				t.Errorf("%s: no folder: %v", i.Name, err)
			}
		}
		return out
	}
	command := spec.Start{Command: []string{"x"}}
	tests := map[string]struct {
		app  spec.App
		want []string
		err  string
	}{
		"regions": {
			app:  spec.App{Start: command, Instances: map[string]int{"gcp/us-central1": 1, "aws/us-east-1": 2, "aws/eu-west-1": 0}},
			want: []string{"0 aws-us-east-1-0 aws/us-east-1", "1 aws-us-east-1-1 aws/us-east-1", "2 gcp-us-central1-0 gcp/us-central1"},
		},
		"nowhere":      {app: spec.App{Start: command}, want: []string{"0 app-0 "}},
		"none":         {app: spec.App{Start: command, Instances: map[string]int{"a/b": 0}}, err: "needs one at least"},
		"negative":     {app: spec.App{Start: command, Instances: map[string]int{"a/b": -1}}, err: "-1 instances"},
		"no start":     {err: "say how the app starts"},
		"compose":      {app: spec.App{Start: spec.Start{Compose: "c.yaml"}}, err: "--runtime docker"},
		"remote":       {app: spec.App{Start: spec.Start{URL: "https://wallet.example.org"}}, err: "not a loopback address"},
		"two of a url": {app: spec.App{Start: spec.Start{URL: "http://127.0.0.1:1"}, Instances: map[string]int{"a/b": 2}}, err: "start.url is one app"},
		"ftp":          {app: spec.App{Start: spec.Start{URL: "ftp://127.0.0.1:1"}}, err: "not http"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Plan(&tt.app, t.TempDir(), false)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error: %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, shape(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPrepare(t *testing.T) {
	a := &spec.App{Dir: t.TempDir(), Start: spec.Start{Prepare: []string{"sh", "-c", "seq 1 30; pwd; echo $WORD >&2; exit $CODE"}}}
	var out strings.Builder
	env := []string{"PATH=" + os.Getenv("PATH"), "WORD=hello"}
	if err := Prepare(t.Context(), a, append(env, "CODE=0"), &out, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "30\n"+a.Dir+"\nhello\n") {
		t.Errorf("output %q", out.String())
	}
	hide := func(text string) string { return strings.ReplaceAll(text, "hello", "[redacted]") }
	out.Reset()
	err := Prepare(t.Context(), a, append(env, "CODE=4"), &out, hide)
	if text := out.String() + err.Error(); strings.Contains(text, "hello") || strings.Count(text, "[redacted]") != 2 {
		t.Errorf("a secret is not taken out: %q", text)
	}
	err = Prepare(t.Context(), a, append(env, "CODE=4"), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "exit status 4; its last output:\n    13\n") || !strings.HasSuffix(err.Error(), "\n    hello") {
		t.Errorf("error: %v", err)
	}
	if err := Prepare(t.Context(), &spec.App{}, nil, nil, nil); err != nil {
		t.Errorf("nothing to prepare: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	a.Start.Prepare = []string{"sh", "-c", "sleep 300 & echo $!; wait"}
	out.Reset()
	if err := Prepare(ctx, a, env, &out, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("interrupted: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	for syscall.Kill(pid, 0) == nil && alive(pid) {
		if t.Context().Err() != nil {
			t.Fatal("the build's child is still there")
		}
		time.Sleep(time.Millisecond)
	}
}

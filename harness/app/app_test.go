package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/spec"
)

type records struct {
	mu  sync.Mutex
	all []history.Record
}

func (r *records) Add(rec history.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, rec)
}

// events gives "instance event detail" of each record.
func (r *records) events() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, rec := range r.all {
		e := rec.(history.App)
		out = append(out, strings.TrimSpace(e.Instance+" "+e.Event+" "+e.Detail))
	}
	return out
}

const secret = "hush-0123456789abcdef"

// rig is an app of the helper's with everything around it.
func rig(t *testing.T, mode string) (Config, *records) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if mode == "" {
		mode = "good" // without a mode the helper would run these tests
	}
	a := &spec.App{
		Dir:   t.TempDir(),
		Start: spec.Start{Command: []string{exe}},
		URL:   "http://127.0.0.1:${instance.port}/",
		Ready: spec.Ready{Request: spec.Request{Method: "GET", Path: "/health"}, Within: 20 * time.Second},
	}
	instances, err := Plan(a, t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	sink := &records{}
	return Config{
		App: a, Instances: instances, LogDir: t.TempDir(), ScratchDir: t.TempDir(), Clock: clock.Start(), Sink: sink, Path: os.Getenv("PATH"), Lang: "C.UTF-8",
		Env: func(i Instance) (map[string]string, error) {
			return map[string]string{"HELPER": mode, "PORT": strconv.Itoa(i.Port), "SECRET": secret}, nil
		},
	}, sink
}

// start starts the app and stops it at the end of the test, when none of its processes may be left.
func start(t *testing.T, cfg Config) (*App, error) {
	t.Helper()
	a, err := Start(t.Context(), cfg)
	if a == nil {
		t.Fatal("Start gave no App")
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
		noneLeft(t, a)
	})
	return a, err
}

func noneLeft(t *testing.T, a *App) {
	t.Helper()
	for _, r := range a.began {
		if pgid := r.process.Group(); groupAlive(pgid) {
			t.Errorf("%s: group %d is still alive", r.Name, pgid)
		}
	}
}

func log(t *testing.T, cfg Config) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(cfg.LogDir, cfg.Instances[0].Name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestStartStop(t *testing.T) {
	cfg, sink := rig(t, "late")
	cfg.App.Instances = map[string]int{"gcp/us-central1": 1, "aws/us-east-1": 2}
	cfg.Instances[0].Release()
	var err error
	if cfg.Instances, err = Plan(cfg.App, cfg.ScratchDir, false); err != nil {
		t.Fatal(err)
	}
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if a.Took() < 100*time.Millisecond {
		t.Errorf("took %s, but it is ready after 200 ms at the earliest", a.Took())
	}
	for session := range 4 {
		want := fmt.Sprintf("http://127.0.0.1:%d", cfg.Instances[session%3].Port)
		if got := a.URL(session); got != want {
			t.Errorf("session %d: %s, want %s", session, got, want)
		}
	}
	resp, err := http.Get(a.URL(2) + "/health")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	for range 2 {
		if err := a.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	noneLeft(t, a)
	if _, open := <-a.Exited(); open {
		t.Error("an instance that was stopped is said to have ended by itself")
	}
	count := map[string]int{}
	for _, e := range sink.events() {
		count[e]++
	}
	want := map[string]int{}
	for _, name := range []string{"aws-us-east-1-0", "aws-us-east-1-1", "gcp-us-central1-0"} {
		for _, event := range []string{" started", " ready", " stopped signal: terminated"} {
			want[name+event] = 1
		}
	}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestStartFails(t *testing.T) {
	tests := map[string]struct {
		mode   string
		change func(*Config)
		want   []string
		absent []string
	}{
		"crash at start": {
			mode: "crash",
			want: []string{"instance app-0: ended before it was ready: exit status 7", "line 11\n", "line 29\n", "panic: no luck with ${SECRET}"},
			// 20 lines: 19 and the panic.
			absent: []string{"line 10\n", secret},
		},
		"never ready": {
			mode:   "never-ready+environment",
			change: func(c *Config) { c.App.Ready.Within = 300 * time.Millisecond },
			want:   []string{"not ready within 300ms: GET /health: answered 503 Service Unavailable; its last output:", "SECRET=${SECRET}"},
			absent: []string{secret},
		},
		"never listens": {
			change: func(c *Config) {
				c.App.Start.Command = []string{"sh", "-c", "echo 'thinking'; exec sleep 60"}
				c.App.Ready.Within = 200 * time.Millisecond
			},
			want: []string{"connection refused: nothing listens at its address yet; its last output:\n    thinking"},
		},
		"silent": {
			change: func(c *Config) { c.App.Start.Command = []string{"sh", "-c", "exit 0"} },
			want:   []string{"ended before it was ready: exit status 0; it printed nothing"},
		},
		"missing command": {
			change: func(c *Config) { c.App.Start.Command = []string{"no-such-program-here"} },
			want:   []string{`instance app-0: start.command: "no-such-program-here" is not in PATH (`, "install it"},
		},
		"missing file": {
			change: func(c *Config) { c.App.Start.Command = []string{"./bin/app"} },
			want:   []string{"bin/app does not exist", "start.prepare"},
		},
		"not executable": {
			change: func(c *Config) {
				c.App.Start.Command = []string{"./app.sh"}
				_ = os.WriteFile(filepath.Join(c.App.Dir, "app.sh"), []byte("#!/bin/sh\n"), 0o600)
			},
			want: []string{"is not executable: chmod +x app.sh"},
		},
		"in the folder, not in PATH": {
			change: func(c *Config) {
				c.App.Start.Command = []string{"serve-it"}
				_ = os.WriteFile(filepath.Join(c.App.Dir, "serve-it"), []byte("#!/bin/sh\n"), 0o700)
			},
			want: []string{`write "./serve-it"`},
		},
		"script without interpreter": {
			change: func(c *Config) {
				c.App.Start.Command = []string{"./app.sh"}
				_ = os.WriteFile(filepath.Join(c.App.Dir, "app.sh"), []byte("echo hello\n"), 0o700)
			},
			want: []string{"a script needs a first line such as #!/bin/sh"},
		},
		"script with an absent interpreter": {
			change: func(c *Config) {
				c.App.Start.Command = []string{"./app.sh"}
				_ = os.WriteFile(filepath.Join(c.App.Dir, "app.sh"), []byte("#!/nowhere/sh\n"), 0o700)
			},
			want: []string{"start ./app.sh: ", "and the interpreter that the first line names?"},
		},
		"one address for two": {
			change: func(c *Config) {
				c.App.URL = "http://127.0.0.1:" + strconv.Itoa(c.Instances[0].Port)
				c.Instances = append(c.Instances, Instance{Name: "app-1", Index: 1, Port: 1})
			},
			want: []string{"instances app-0 and app-1 have the same address", "${instance.port}"},
		},
		"not loopback": {
			change: func(c *Config) { c.App.URL = "http://192.0.2.1:80" },
			want:   []string{`"192.0.2.1" is not a loopback address`},
		},
		"docker": {
			change: func(c *Config) { c.App.Start = spec.Start{Image: "wallet:1"} },
			want:   []string{"start.image starts containers, and this run has none"},
		},
		"values in the command": {
			change: func(c *Config) {
				c.App.Start.Command = []string{"sh", "-c", "echo $0; exit 2", "${payer.key} at ${instance.port}"}
				c.Lookup = func(_ Instance, name string) (string, bool) { return secret[2:], name == "payer.key" }
			},
			want:   []string{"its last output:\n    ${payer.key} at "},
			absent: []string{secret[2:], "${PORT}"},
		},
		"unknown variable": {
			change: func(c *Config) { c.App.Start.Command = []string{"sh", "${payer.keu}"} },
			want:   []string{"start.command: unknown variable", "payer.keu"},
		},
		"environment fails": {
			change: func(c *Config) {
				c.Env = func(Instance) (map[string]string, error) { return nil, fmt.Errorf("unknown variable ${payer.keu}") }
			},
			want: []string{"instance app-0: start.env: unknown variable ${payer.keu}"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, sink := rig(t, tt.mode)
			if tt.change != nil {
				tt.change(&cfg)
			}
			_, err := start(t, cfg)
			if err == nil {
				t.Fatal("started")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error()+"\n", want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
			for _, absent := range tt.absent {
				if strings.Contains(err.Error()+strings.Join(sink.events(), "\n"), absent) {
					t.Errorf("%q in: %v", absent, err)
				}
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	cfg, sink := rig(t, "good")
	cfg.App.URL = "http://" + other.Addr().String()
	_, err = start(t, cfg)
	if err == nil || !strings.Contains(err.Error(), "is taken") || !strings.Contains(err.Error(), "stop the program that listens there") {
		t.Fatalf("error: %v", err)
	}
	if len(sink.events()) != 0 {
		t.Errorf("something was started: %q", sink.events())
	}
}

// crash makes the helper end with status 3.
func crash(t *testing.T, a *App) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if resp, err := client.Get(a.URL(0) + "/crash"); err == nil {
		_ = resp.Body.Close()
		t.Fatal("it did not crash")
	}
}

func TestCrashMidway(t *testing.T) {
	cfg, sink := rig(t, "good")
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	crash(t, a)
	exit := <-a.Exited()
	if exit.Instance.Name != "app-0" || exit.Status != "exit status 3" {
		t.Errorf("exit: %+v", exit)
	}
	// A binary that was built for coverage has a word to say afterwards.
	if len(exit.LastLines) == 0 || exit.LastLines[0] != "out of memory" {
		t.Errorf("last lines: %q", exit.LastLines)
	}
	if diff := cmp.Diff([]string{"app-0 started", "app-0 ready", "app-0 exited exit status 3"}, sink.events()); diff != "" {
		t.Error(diff)
	}
}

func TestStopIgnoredAndGroup(t *testing.T) {
	for _, mode := range []string{"ignores-term", "grandchild", "grandchild+ignores-term", "grandchild+crash"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			mode, crashes := strings.CutSuffix(mode, "+crash")
			cfg, _ := rig(t, mode)
			cfg.Grace = 300 * time.Millisecond
			a, err := start(t, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if crashes {
				crash(t, a)
				<-a.Exited()
				noneLeft(t, a)
			}
		})
	}
}

func TestStopWhenContextEnds(t *testing.T) {
	cfg, _ := rig(t, "ignores-term")
	cfg.Grace = time.Hour
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	noneLeft(t, a)
}

func TestInterruptedStart(t *testing.T) {
	cfg, _ := rig(t, "never-ready")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	a, err := Start(ctx, cfg)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error: %v", err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	noneLeft(t, a)
}

func TestChattyApp(t *testing.T) {
	cfg, _ := rig(t, "chatty")
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := log(t, cfg)
	if len(text) > logCap+len(logCapLine) || !strings.HasSuffix(text, "x\n"+logCapLine) {
		t.Errorf("log of %d bytes ends in %q", len(text), text[len(text)-100:])
	}
	last := a.began[0].out.Last()
	if len(last) != lastLines || last[lastLines-1] != "the last word" {
		t.Errorf("last lines: %q", last)
	}
}

func TestLines(t *testing.T) {
	cfg, _ := rig(t, "lines")
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		strings.Repeat("long ", 300)[:lineShown] + shownEllips,
		"größe 余额 [31mred[0m \uFFFD key=${SECRET}",
		strings.Repeat("y", lineShown) + shownEllips,
	}
	if diff := cmp.Diff(want, a.began[0].out.Last()); diff != "" {
		t.Error(diff)
	}
	lines := strings.Split(log(t, cfg), "\n")
	if len(lines) != 4 || len(lines[0]) != 500_000 || lines[2] != strings.Repeat("y", lineBuffer-5)+"${SECRET}"+strings.Repeat("z", 100_000) {
		t.Errorf("%d lines in the log", len(lines))
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("LEAK", "of the caller")
	cfg, _ := rig(t, "environment")
	cfg.Redact = func(s string) string { return strings.ReplaceAll(s, "UTF", "***") }
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "HELPER=${HELPER}\nHOME=" + cfg.Instances[0].Dir + "\nLANG=C.***-8\nPATH=" + os.Getenv("PATH") + "\nPORT=" + strconv.Itoa(cfg.Instances[0].Port) + "\nSECRET=${SECRET}\n"
	if diff := cmp.Diff(want, log(t, cfg)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestRunningApp(t *testing.T) {
	ready := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ready {
			ready = true
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
		}
	}))
	defer server.Close()
	cfg, sink := rig(t, "good")
	cfg.Instances[0].Release()
	cfg.App.Start = spec.Start{URL: server.URL + "/"}
	var err error
	if cfg.Instances, err = Plan(cfg.App, "", false); err != nil {
		t.Fatal(err)
	}
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if a.URL(5) != server.URL {
		t.Errorf("url %s", a.URL(5))
	}
	if diff := cmp.Diff([]string{"app-0 ready"}, sink.events()); diff != "" {
		t.Error(diff)
	}
}

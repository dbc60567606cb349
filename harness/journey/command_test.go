package journey

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// programs runs real ones, in a plainer way than package app does, whose tests hold what becomes of their processes.
type programs struct{}

func (programs) Run(ctx context.Context, argv []string, declared map[string]string, limit int) (code int, stdout, stderr []byte, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	for name, value := range declared {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &said, 100*time.Millisecond
	err = cmd.Run()
	stdout = out.Bytes()[:min(out.Len(), limit+1)]
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &failed) && failed.ExitCode() >= 0:
		return failed.ExitCode(), stdout, said.Bytes(), nil
	}
	return cmd.ProcessState.ExitCode(), stdout, said.Bytes(), err
}

// shellJourney is a read journey that runs a line of shell.
func shellJourney(line string, answer map[string]spec.AnswerField) (plan.Journey, spec.Journey) {
	p, j := read()
	p.Driver, j.Driver = spec.DriverExec, spec.DriverExec
	j.Request, j.Command, j.Answer = spec.Request{}, []string{"sh", "-c", line, "sh", "${account.address}"}, answer
	return p, j
}

func newScriptRig(t *testing.T, end time.Duration) *rig {
	r := newRig(t, end, answer(""))
	r.cfg.Commands = programs{}
	r.cfg.Services = func(name string) (string, bool) {
		value, ok := map[string]string{"service.infura.url": "http://127.0.0.1:1", "dns.address": "127.0.0.1:53"}[name]
		return value, ok
	}
	return r
}

func TestCommandAnswers(t *testing.T) {
	paths := map[string]spec.AnswerField{"balance": {Path: "$.balance"}, "declined": {Path: "$.error"}}
	patterns := map[string]spec.AnswerField{"balance": {Match: `balance: ([0-9.]+)`}, "stale": {Match: `as of [0-9]+`}, "declined": {Match: `cannot say`}}
	tests := map[string]struct {
		line   string
		answer map[string]spec.AnswerField
		want   history.Attempt
	}{
		"json":    {`echo '{"balance": "1.50", "other": 2}'`, paths, history.Attempt{Status: 200, Answer: map[string]string{"balance": "1.50"}}},
		"text":    {`echo "balance: 1.50 ETH, as of 12"`, patterns, history.Attempt{Status: 200, Answer: map[string]string{"balance": "1.50", "stale": "as of 12"}}},
		"no json": {`echo balance: 1`, paths, history.Attempt{Status: 200, Missing: []string{"balance"}, Body: "balance: 1\n"}},
		"nothing": {`true`, patterns, history.Attempt{Status: 200, Missing: []string{"balance"}}},
		"both": {
			`echo '{"balance": "7"} as of 3'`, map[string]spec.AnswerField{"balance": {Match: `"balance": "([0-9]+)"`}, "block": {Path: "$.block"}},
			history.Attempt{Status: 200, Answer: map[string]string{"balance": "7"}},
		},
		"says no": {`echo cannot say`, patterns, history.Attempt{Status: 200, Answer: map[string]string{"declined": "cannot say"}}},
		"fails": {
			`echo half; echo "no provider" >&2; exit 3`, paths, history.Attempt{Status: 500, Detail: "exit status 3", Body: "half\nno provider\n"},
		},
		"fails and says why": {
			`echo '{"error": "down"}'; exit 1`, paths,
			history.Attempt{Status: 500, Detail: "exit status 1", Answer: map[string]string{"declined": "down"}, Body: "{\"error\": \"down\"}\n"},
		},
		"signal":  {`echo x; kill -SEGV $$$$`, paths, history.Attempt{Error: history.ErrTransport, Detail: "signal: segmentation fault", Body: "x\n"}},
		"account": {`echo "balance: $${1#0x}" | tr a 1`, map[string]spec.AnswerField{"balance": {Match: `: ([0-9]+)`}}, history.Attempt{Status: 200, Answer: map[string]string{"balance": "11"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, j := shellJourney(tt.line, tt.answer)
			got := newScriptRig(t, 0).one(t, t.Context(), p, j)
			if name == "signal" {
				got.Detail = strings.TrimSuffix(got.Detail, " (core dumped)")
			}
			tt.want.ID, tt.want.Journey, tt.want.Account = "view#0", "view", "0xaa"
			tt.want.Due, tt.want.At, tt.want.End = got.Due, got.At, got.End
			if len(got.Answer) == 0 {
				got.Answer = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCommandVariables holds that values arrive as they are, whatever is in them: no shell reads a command.
func TestCommandVariables(t *testing.T) {
	r := newScriptRig(t, 0)
	r.cfg.Accounts[0].Key = "a b;$(id) '\""
	p, j := shellJourney("", map[string]spec.AnswerField{"balance": {Match: `(?s).*`}})
	j.Command = []string{"printenv", "ALL"}
	j.Env = map[string]string{"ALL": "${account.key}|${account.index}|${app.url}|${service.infura.url}|${dns.address}|$$"}
	got := r.one(t, t.Context(), p, j)
	want := "a b;$(id) '\"|0|" + r.cfg.URL(0) + "|http://127.0.0.1:1|127.0.0.1:53|$"
	if got.Answer["balance"] != want {
		t.Errorf("the program saw %q, want %q", got.Answer["balance"], want)
	}
}

func TestCommandPatience(t *testing.T) {
	r := newScriptRig(t, 0)
	p, j := shellJourney("echo begun; sleep 60", map[string]spec.AnswerField{"balance": {Path: "$.b"}})
	p.Patience = clock.Of(200 * time.Millisecond)
	got := r.one(t, t.Context(), p, j)
	if got.Error != history.ErrTimeout || got.Body != "begun\n" || got.End-got.Due < p.Patience || got.End-got.Due > clock.Of(10*time.Second) {
		t.Errorf("attempt: %+v", got)
	}
	r = newScriptRig(t, 0)
	p.Patience = clock.Of(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if got := r.one(t, ctx, p, j); got.Error != history.ErrInterrupted {
		t.Errorf("interrupted: %+v", got)
	}
}

func TestCommandOutputIsBounded(t *testing.T) {
	p, j := shellJourney(`echo '{"balance": 1}'; head -c 3000000 /dev/zero | tr '\0' ' '`, map[string]spec.AnswerField{"balance": {Path: "$.balance"}})
	got := newScriptRig(t, 0).one(t, t.Context(), p, j)
	if got.Detail != errTooLong.Error() || len(got.Answer) != 0 || len(got.Body) > bodyKept {
		t.Errorf("%d bytes of body, detail %q, answer %v", len(got.Body), got.Detail, got.Answer)
	}
}

// TestCommandPays pays by a program and asks another what became of it.
func TestCommandPays(t *testing.T) {
	r := newScriptRig(t, 20*time.Millisecond)
	p, j := write()
	p.Driver, j.Request = spec.DriverExec, spec.Request{}
	j.Command = []string{"sh", "-c", `echo "{\"id\": \"$1\", \"state\": \"sent\"}"`, "sh", "${intent.id}"}
	j.Follow = &spec.Follow{Command: []string{"sh", "-c", `echo "{\"id\": \"$1\", \"hash\": \"0x$2\", \"state\": \"done\"}"`, "sh", "${answer.id}", "${intent.wei}"}, Every: 20 * time.Millisecond}
	r.with(p, j).run(t, 5*time.Second)
	var words []string
	for _, s := range of[history.Said](r.sink) {
		words = append(words, s.Intent+" "+s.State+" "+s.Tx)
	}
	if diff := cmp.Diff([]string{"send#0 pending ", "send#0 confirmed 0x1001"}, words); diff != "" {
		t.Error(diff)
	}
}

func TestCommandProblems(t *testing.T) {
	tests := map[string]struct {
		change func(c *Config, j *spec.Journey)
		want   string
	}{
		"unknown variable": {func(_ *Config, j *spec.Journey) { j.Command = []string{"x", "${acount.address}"} }, "acount.address"},
		"in env":           {func(_ *Config, j *spec.Journey) { j.Env = map[string]string{"A": "${service.alchemy.url}"} }, "service.alchemy.url"},
		"empty":            {func(_ *Config, j *spec.Journey) { j.Command = nil }, "the command is empty"},
		"nothing runs it":  {func(c *Config, _ *spec.Journey) { c.Commands = nil }, "nothing that would"},
		"pattern":          {func(_ *Config, j *spec.Journey) { j.Answer["balance"] = spec.AnswerField{Match: "("} }, "answer.balance: error parsing regexp"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newScriptRig(t, 0)
			p, j := shellJourney("true", map[string]spec.AnswerField{})
			tt.change(&r.cfg, &j)
			if _, err := New(r.with(p, j).cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

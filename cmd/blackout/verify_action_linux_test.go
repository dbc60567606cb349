//go:build verify

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"blackout/reports/markdown"
	"blackout/reports/verdict"
)

// action is action.yml as GitHub's runner reads it.
type action struct {
	Name, Description string
	Inputs            map[string]struct {
		Description, Default string
		Required             bool
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []step
	}
}

// step is one of an action or of a job.
type step struct {
	Name, ID, Uses, If, Shell, Run string
	With, Env                      map[string]string
}

// strictly decodes a file of GitHub's. A key that the type does not have is an error, as a misspelt one would be.
func strictly(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// comments is the part of GitHub's or GitLab's interface that is used: the comments of one pull or merge request.
type comments struct {
	header, token   string // that has to come
	thread, comment string // the addresses of the list, and of one without its number
	change          string // the method that writes one anew

	mu     sync.Mutex
	bodies []string
	calls  []string
	closed bool // answers that the token may not
}

func (c *comments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, r.Method+" "+r.URL.Path)
	if c.closed || r.Header.Get(c.header) != c.token {
		http.Error(w, `{"message": "Resource not accessible by integration"}`, http.StatusForbidden)
		return
	}
	var sent struct{ Body string }
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	id, _ := strconv.Atoi(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	switch {
	case r.Method == http.MethodGet && r.URL.Path == c.thread:
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		list := []map[string]any{}
		for i := (page - 1) * size; i < min(page*size, len(c.bodies)); i++ {
			list = append(list, map[string]any{"id": i + 1, "body": c.bodies[i]})
		}
		_ = json.NewEncoder(w).Encode(list)
	case r.Method == http.MethodPost && r.URL.Path == c.thread:
		c.bodies = append(c.bodies, sent.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("{}"))
	case r.Method == c.change && r.URL.Path == fmt.Sprintf("%s/%d", c.comment, id) && id >= 1 && id <= len(c.bodies):
		c.bodies[id-1] = sent.Body
		_, _ = w.Write([]byte("{}"))
	default:
		http.NotFound(w, r)
	}
}

// workflow runs the action's steps as GitHub's runner does.
type workflow struct {
	t      *testing.T
	action action
	dir    string // the runner's own files
	api    string
	inputs map[string]string
	event  string

	ran     []string
	outputs map[string]string // of the action
}

func newWorkflow(t *testing.T, event string) *workflow {
	t.Helper()
	w := &workflow{t: t, dir: t.TempDir(), event: event}
	if strictly(t, "../../action.yml", &w.action); w.action.Runs.Using != "composite" {
		t.Fatalf("%+v", w.action)
	}
	return w
}

var expression = regexp.MustCompile(`\$\{\{ *([a-z._]+) *\}\}`)

// value is that of an expression: ${{ inputs.app }}.
func (w *workflow) value(name string, outputs map[string]string) string {
	w.t.Helper()
	known := map[string]string{
		"github.token": "sesame", "github.action_path": "../..", "runner.temp": w.dir, "github.event.pull_request.number": "7", "github.event_name": w.event,
		"steps.gate.outputs.exit": outputs["exit"],
	}
	if name, ok := strings.CutPrefix(name, "inputs."); ok {
		if v, ok := w.inputs[name]; ok {
			return v
		}
		input, ok := w.action.Inputs[name]
		if !ok {
			w.t.Fatalf("the action has no input %s", name)
		}
		return w.expand(input.Default, outputs)
	}
	v, ok := known[name]
	if !ok {
		w.t.Fatalf("no value for %s", name)
	}
	return v
}

func (w *workflow) expand(text string, outputs map[string]string) string {
	return expression.ReplaceAllStringFunc(text, func(found string) string { return w.value(expression.FindStringSubmatch(found)[1], outputs) })
}

// holds evaluates the conditions that the action has: comparisons joined by &&.
func (w *workflow) holds(condition string, outputs map[string]string) bool {
	for part := range strings.SplitSeq(condition, "&&") {
		m := regexp.MustCompile(`^ *([a-z._]+) (==|!=) '([^']*)' *$`).FindStringSubmatch(part)
		if condition == "" {
			return true
		}
		if m == nil {
			w.t.Fatalf("a condition of another form: %s", condition)
		}
		if (w.value(m[1], outputs) == m[3]) != (m[2] == "==") {
			return false
		}
	}
	return true
}

// run gives the exit status of the job, its output and its summary.
func (w *workflow) run() (code int, out, summary string) {
	w.t.Helper()
	outputs := map[string]string{}
	w.ran, w.outputs = nil, map[string]string{}
	outputFile, summaryFile := filepath.Join(w.dir, "output"), filepath.Join(w.dir, "summary")
	_, _ = os.Remove(summaryFile), os.Remove(outputFile)
	for _, step := range w.action.Runs.Steps {
		if step.Uses != "" || !w.holds(step.If, outputs) {
			continue
		}
		w.ran = append(w.ran, step.Name)
		if step.Shell != "bash" {
			w.t.Fatalf("step %s has the shell %q", step.Name, step.Shell)
		}
		cmd := exec.CommandContext(w.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
		cmd.Env = append(os.Environ(), "GITHUB_OUTPUT="+outputFile, "GITHUB_STEP_SUMMARY="+summaryFile, "GITHUB_API_URL="+w.api, "GITHUB_REPOSITORY=us/app")
		for name, v := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+w.expand(v, outputs))
		}
		text, err := cmd.CombinedOutput()
		out += string(text)
		if err != nil {
			code = cmd.ProcessState.ExitCode()
			break
		}
		lines, _ := os.ReadFile(outputFile)
		for line := range strings.Lines(string(lines)) {
			name, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			outputs[name] = v
		}
	}
	for name, output := range w.action.Outputs {
		w.outputs[name] = w.expand(output.Value, outputs)
	}
	text, _ := os.ReadFile(summaryFile)
	return code, out, string(text)
}

// strangers are the comments of others, more than fit on a page.
func strangers() (bodies []string) {
	for i := range 130 {
		bodies = append(bodies, fmt.Sprintf("comment %d, not ours", i))
	}
	return bodies
}

// TestVerifyAction has the steps of action.yml run by bash, as GitHub runs them, against what its interface answers: a real run of an app that shows zero, and then the same
// run held to the gate again.
func TestVerifyAction(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t, "pull_request")
	page := &comments{
		header: "Authorization", token: "Bearer sesame", thread: "/repos/us/app/issues/7/comments", comment: "/repos/us/app/issues/comments", change: http.MethodPatch, bodies: strangers(),
	}
	server := httptest.NewServer(page)
	defer server.Close()
	w.api = server.URL
	runs := filepath.Join(w.dir, "my runs")
	w.inputs = map[string]string{
		"app": "testdata/tiny", "scenarios": "testdata/tiny/alpha-down.yaml", "arguments": "--world testdata/tiny/world.yaml --set start.env.MISBEHAVE=zero-on-failure", "gate": "release", "runs": runs,
	}

	code, out, summary := w.run()
	if code != 1 || !strings.Contains(out, "FAIL  gate release") || !strings.Contains(out, "::error title=gate release%2C rule honest::view-balance of tiny under alpha-down: ") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if !strings.HasPrefix(summary, "## FAIL: gate release\n") {
		t.Errorf("summary:\n%s", summary)
	}
	marker := markdown.Marker("release")
	if n := len(page.bodies); n != 131 || !strings.HasPrefix(page.bodies[130], marker+"\n## FAIL: gate release\n") {
		t.Fatalf("%d comments, the last:\n%s", n, page.bodies[n-1])
	}
	if !slices.Equal([]string{"build", "gate", "comment", "result"}, w.ran) {
		t.Errorf("steps: %q", w.ran)
	}

	// The next push: the same comment is written anew, wherever in the thread it is.
	page.bodies = append(page.bodies, "a later comment")
	first := page.bodies[130]
	w.inputs["scenarios"], w.inputs["baseline"] = "", filepath.Join(w.dir, "before.json")
	if err := os.Rename(filepath.Join(runs, "gate", "gate.json"), w.inputs["baseline"]); err != nil {
		t.Fatal(err)
	}
	code, out, _ = w.run()
	if code != 0 || !strings.Contains(out, "PASS  gate release") {
		t.Errorf("against itself as a baseline: exit %d\n%s", code, out)
	}
	if len(page.bodies) != 132 || page.bodies[130] == first || !strings.HasPrefix(page.bodies[130], marker+"\n## PASS: gate release\n") {
		t.Errorf("%d comments, ours:\n%s", len(page.bodies), page.bodies[130])
	}

	// A token that may not write, an event that is no pull request, a gate that is not there.
	page.closed = true
	if code, out, _ = w.run(); code != 0 || !strings.Contains(out, "::warning title=Blackout gate::the comment could not be written") {
		t.Errorf("without the permission: exit %d\n%s", code, out)
	}
	page.closed, page.calls, w.event = false, nil, "push"
	if code, _, _ = w.run(); code != 0 || len(page.calls) > 0 {
		t.Errorf("on a push: exit %d, calls %q", code, page.calls)
	}
	w.event, w.inputs["gate"] = "pull_request", "relaese"
	code, out, summary = w.run()
	if code != 2 || !strings.Contains(out, `did you mean "release"?`) || summary != "" || len(page.calls) > 0 {
		t.Errorf("exit %d, calls %q\n%s\nsummary %s", code, page.calls, out, summary)
	}
}

// storedRuns writes the files of gate.txtar into a folder: verdicts in runs and more, and gates.
func storedRuns(t *testing.T, dir string) {
	t.Helper()
	stored, err := txtar.ParseFile("testdata/script/gate.txtar")
	if err != nil {
		t.Fatal(err)
	}
	stored.Files = slices.DeleteFunc(stored.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "more/broken/") })
	if err := txtar.Write(stored, dir); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyActionExits has each exit status of blackout come out of the action: as its output, and as the status of its last step, whatever the steps before it still did. All are
// blackout's own: of stored runs, of an app file that is wrong, of an app that cannot be built, and of a signal that reaches blackout while it prepares the app.
func TestVerifyActionExits(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t, "push")
	storedRuns(t, w.dir)
	tiny, err := os.ReadFile("testdata/tiny/app.yaml")
	if err != nil {
		t.Fatal(err)
	}
	app := func(name, from, to string) map[string]string {
		text := strings.Replace(string(tiny), from, to, 1)
		if text == string(tiny) {
			t.Fatalf("%s: nothing was changed", name)
		}
		path := filepath.Join(w.dir, name+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return map[string]string{
			"app": path, "scenarios": "testdata/tiny/alpha-down.yaml", "arguments": "--world testdata/tiny/world.yaml", "gate": "no-harm", "runs": filepath.Join(w.dir, "runs-"+name),
		}
	}
	held := func(folder string) map[string]string {
		return map[string]string{"gate": filepath.Join(w.dir, "ours.yaml"), "runs": filepath.Join(w.dir, folder)}
	}
	// TestVerifyAction shows the build. Here the program of these tests is in its place.
	program, err := exec.LookPath("blackout")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(w.dir, "blackout-bin")
	if err := errors.Join(os.Mkdir(bin, 0o755), os.Symlink(program, filepath.Join(bin, "blackout"))); err != nil {
		t.Fatal(err)
	}
	w.action.Runs.Steps = slices.DeleteFunc(w.action.Runs.Steps, func(s step) bool { return s.Name == "build" })
	for _, tc := range []struct {
		code    int
		inputs  map[string]string
		out     string
		summary string // its first line, empty when there is none
	}{
		{verdict.ExitPass, held("runs/honest"), "PASS  gate ours", "## PASS: gate ours"},
		{verdict.ExitFail, held("runs/liar"), "FAIL  gate ours", "## FAIL: gate ours"},
		{verdict.ExitUsage, app("wrong", "journeys:", "jorneys:"), `did you mean "journeys"?`, ""},
		{verdict.ExitInconclusive, held("more/doubtful"), "NOT KNOWN  gate ours", "## NOT KNOWN: gate ours"},
		{verdict.ExitEnvironment, app("unbuilt", "start:\n", "start:\n  prepare: [\"false\"]\n"), "start.prepare: false: exit status 1", "## NOT KNOWN: gate no-harm"},
		{verdict.ExitInterrupted, app("interrupted", "start:\n", "start:\n  prepare: [sh, -c, 'kill -INT $PPID; exec sleep 60']\n"), "the run was interrupted", "## NOT KNOWN: gate no-harm"},
	} {
		w.inputs = tc.inputs
		code, out, summary := w.run()
		if said := strconv.Itoa(tc.code); code != tc.code || w.outputs["exit"] != said || !strings.Contains(out, tc.out) {
			t.Errorf("want %d: exit %d, output exit=%s\n%s", tc.code, code, w.outputs["exit"], out)
		}
		if first, _, _ := strings.Cut(summary, "\n"); first != tc.summary {
			t.Errorf("exit %d: the summary begins with %q", tc.code, first)
		}
		if !slices.Equal([]string{"gate", "result"}, w.ran) {
			t.Errorf("exit %d: steps %q", tc.code, w.ran)
		}
	}
}

// TestVerifyGitLabExample has the script of the example's comment run by bash against what GitLab's interface answers.
func TestVerifyGitLabExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.ci/gitlab.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	var example struct {
		Outages struct {
			Script      []string
			AfterScript []string `yaml:"after_script"`
			Artifacts   struct{ Reports struct{ JUnit string } }
		}
	}
	if err := yaml.Unmarshal(text, &example); err != nil || len(example.Outages.Script) != 1 || len(example.Outages.AfterScript) != 1 {
		t.Fatalf("%v, %+v", err, example)
	}
	if !strings.Contains(example.Outages.Script[0], "--out runs") || example.Outages.Artifacts.Reports.JUnit != "runs/gate/junit.xml" {
		t.Errorf("%+v", example.Outages)
	}
	const notes = "/projects/3/merge_requests/7/notes"
	page := &comments{header: "PRIVATE-TOKEN", token: "sesame", thread: notes, comment: notes, change: http.MethodPut, bodies: strangers()}
	server := httptest.NewServer(page)
	defer server.Close()
	dir := t.TempDir()
	comment := func(text string, env ...string) error {
		if err := os.MkdirAll(filepath.Join(dir, "runs", "gate"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "runs", "gate", "comment.md"), []byte(markdown.Marker("release")+"\n"+text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", example.Outages.AfterScript[0])
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), append([]string{"CI_API_V4_URL=" + server.URL, "CI_PROJECT_ID=3", "CI_MERGE_REQUEST_IID=7", "BLACKOUT_TOKEN=sesame"}, env...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	for i, text := range []string{"it fails with \"quotes\" & 100 %", "it passes"} {
		if err := comment(text); err != nil {
			t.Fatal(err)
		}
		if want := markdown.Marker("release") + "\n" + text; len(page.bodies) != 131 || page.bodies[130] != want {
			t.Errorf("round %d: %d comments, the last %q", i, len(page.bodies), page.bodies[len(page.bodies)-1])
		}
	}
	page.calls = nil
	if err := comment("not said", "BLACKOUT_TOKEN="); err != nil || len(page.calls) > 0 {
		t.Errorf("without a token: %v, %q", err, page.calls)
	}
	if err := comment("not said", "BLACKOUT_TOKEN=wrong"); err == nil {
		t.Error("a refused comment goes by in silence")
	}
}

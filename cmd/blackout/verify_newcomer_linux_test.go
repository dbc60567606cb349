//go:build verify

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/reports"
	"blackout/reports/verdict"
)

// newcomer is an app whose author has never heard of Blackout: a server of Express and viem, with two providers under their production names.
const newcomer = "testdata/newcomer"

// TestVerifyNewcomer takes README's commands for an own app, as an ordinary user, in a folder that holds nothing but such an app. They must lead to a gate that lets the release through, with nothing
// in the app that is there for Blackout and nothing in the proposed app.yaml left to write.
func TestVerifyNewcomer(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatal("the newcomer's app needs Node 18 or newer, and npm: on Debian, apt install nodejs npm")
		}
	}
	commands := ownApp(t)
	n := newNewcomer(t)
	before := n.files()
	if lines := bytes.Count(before["server.js"], []byte("\n")); lines > 25 {
		t.Errorf("server.js has %d lines, more than 25", lines)
	} else {
		t.Logf("server.js has %d lines", lines)
	}

	for _, command := range commands[:2] {
		code, said := n.does(command)
		if code != verdict.ExitPass {
			t.Fatalf("%s ended with status %d\n%s", command, code, said)
		}
	}
	after := n.files()
	written := slices.Concat(mentions(before, knowing), mentions(map[string][]byte{"app.yaml": after["app.yaml"]}, todo))
	for name, text := range before {
		if !bytes.Equal(text, after[name]) {
			written = append(written, name+" has changed")
		}
	}
	t.Logf("%d lines had to be written for Blackout; init wrote %d", len(written), bytes.Count(after["app.yaml"], []byte("\n")))
	if len(written) > 0 {
		t.Fatalf("for Blackout's sake: %q", written)
	}
	if len(after) != len(before)+1 || !bytes.Contains(after["app.yaml"], []byte(`PRIVATE_KEY: "${payer.key}"`)) {
		t.Fatalf("init made of %d files %d, and this app.yaml:\n%s", len(before), len(after), after["app.yaml"])
	}
	n.runs(commands[2])
}

// What stands in a file for the sake of a run on the author's own machine, and what init leaves to its user.
var (
	knowing = regexp.MustCompile(`(?i)blackout|localhost|127\.0\.0\.1|198\.18\.|NODE_EXTRA_CA_CERTS`)
	todo    = regexp.MustCompile(`TODO`)
)

// mentions lists the lines that an expression finds.
func mentions(files map[string][]byte, what *regexp.Regexp) (lines []string) {
	for name, text := range files {
		for i, line := range strings.Split(string(text), "\n") {
			if what.MatchString(line) {
				lines = append(lines, fmt.Sprintf("%s:%d: %s", name, i+1, line))
			}
		}
	}
	return lines
}

var (
	ownAppBlock = regexp.MustCompile("(?s)\n## Your own app\n.*?```sh\n(.*?)```")
	comment     = regexp.MustCompile(`\s*#.*`)
)

// ownApp reads from README what to type for an own app: init, lint and run.
func ownApp(t *testing.T) (commands []string) {
	t.Helper()
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := ownAppBlock.FindSubmatch(page)
	if block == nil {
		t.Fatal("README.md does not say how an own app is run")
	}
	for _, line := range strings.Split(strings.TrimSpace(string(block[1])), "\n") {
		commands = append(commands, comment.ReplaceAllString(line, ""))
	}
	if len(commands) != 3 || commands[0] != "blackout init" || commands[1] != "blackout lint app.yaml" || !strings.HasPrefix(commands[2], "blackout run infura-unreachable ") {
		t.Fatalf("README.md has other commands for an own app: %q", commands)
	}
	return commands
}

// atNewcomer is a user in the app's folder.
type atNewcomer struct {
	t      *testing.T
	rig    *rig
	stage  *stage
	uid    int
	folder string
}

// newNewcomer installs the app's libraries, and leaves the folder to an ordinary user.
func newNewcomer(t *testing.T) *atNewcomer {
	t.Helper()
	n := &atNewcomer{t: t, rig: newRig(t), uid: slices.Max(users())}
	n.stage = newStage(t, n.rig)
	n.folder = filepath.Join(n.stage.folder, "my-wallet")
	n.stage.copy(newcomer, n.folder)
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = n.folder
	began := time.Now()
	if text, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, text)
	}
	t.Logf("%5.1f s  npm ci", time.Since(began).Seconds())
	if err := os.Chown(n.folder, n.uid, -1); err != nil {
		t.Fatal(err)
	}
	return n
}

// files reads what lies in the folder, but for what npm put there.
func (n *atNewcomer) files() map[string][]byte {
	n.t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(n.folder), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == "node_modules":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		files[name], err = os.ReadFile(filepath.Join(n.folder, name))
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return files
}

// does carries out a command, with an environment of PATH and HOME, and logs how long it took.
func (n *atNewcomer) does(command string) (code int, said string) {
	n.t.Helper()
	cmd := exec.CommandContext(n.t.Context(), n.stage.binary, strings.Fields(command)[1:]...)
	cmd.Dir, cmd.Env = n.folder, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.folder}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if n.uid != os.Getuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(n.uid), Gid: uint32(n.uid)}
	}
	began := time.Now()
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		n.t.Fatalf("%s: %v", command, err)
	}
	n.t.Logf("%5.1f s  %s", time.Since(began).Seconds(), command)
	return cmd.ProcessState.ExitCode(), string(text)
}

// runs carries out the command that runs the app: again, at most mostTries times in all, where the machine was too busy for it.
func (n *atNewcomer) runs(command string) {
	n.t.Helper()
	room := 2
	for try := 1; ; try++ {
		leave := waitForRoom(n.t, room)
		room = runsAtOnce // alone, if it has to be again
		ctx, ended := context.WithCancel(n.t.Context())
		paid := make(chan string, 1)
		go func() { paid <- n.pays(ctx) }()
		code, said := n.does(command)
		ended()
		leave()
		answer := <-paid
		out := filepath.Join(n.rig.out, fmt.Sprintf("%02d", try))
		n.stage.copy(filepath.Join(n.folder, "runs"), out)
		if err := os.RemoveAll(filepath.Join(n.folder, "runs")); err != nil {
			n.t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(out, reports.GateFolder)); err != nil { // no run
			n.t.Fatal(err)
		}
		runs := n.rig.read(out)
		if try < mostTries && slices.ContainsFunc(runs, n.rig.tooBusy) {
			n.t.Logf("the machine was too busy: again\n%s", said)
			continue
		}
		if code != verdict.ExitPass || !strings.Contains(said, "PASS  gate release") {
			n.t.Errorf("%s ended with status %d\n%s", command, code, said)
		}
		if !hash.MatchString(answer) {
			n.t.Errorf("the app was asked for a payment and said %q", answer)
		}
		n.passed(runs)
		return
	}
}

// hash is what the app answers to a payment.
var hash = regexp.MustCompile(`^\{"hash":"0x[0-9a-f]{64}"\}$`)

// pays asks the first app that can be opened for a payment, which it makes with the key of its environment, and gives its answer. ctx ends when the program has ended.
func (n *atNewcomer) pays(ctx context.Context) string {
	for clock.Sleep(ctx, 50*time.Millisecond) == nil {
		dirs, _ := filepath.Glob(filepath.Join(n.folder, "runs/my-wallet/*"))
		for _, dir := range dirs {
			for _, address := range appURLs(dir) {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/send", strings.NewReader(`{"to": "0x000000000000000000000000000000000000dEaD", "wei": "1"}`))
				if err != nil {
					return err.Error()
				}
				req.Header.Set("Content-Type", "application/json")
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					return err.Error()
				}
				defer resp.Body.Close()
				text, _ := io.ReadAll(resp.Body)
				return string(text)
			}
		}
	}
	return "nothing: it could not be opened"
}

// passed holds the verdicts, and that they are about the providers that the app names.
func (n *atNewcomer) passed(runs []done) {
	n.t.Helper()
	struck := false
	for _, d := range runs {
		asked := map[string]int{}
		for _, c := range n.rig.history(d).Calls {
			if c.Reply == history.ReplyOK && !c.Probe {
				asked[c.Service]++
			}
		}
		n.t.Logf("%s under %s: %s, answered by %v", d.Run.App, d.Run.Scenario, d.Verdict.Verdict, asked)
		if d.Verdict.Verdict != verdict.Pass || len(d.Findings) > 0 || len(d.UnmodelledHosts) > 0 {
			n.t.Errorf("%s: %s %q, hosts %q, findings %s", d.Run.Scenario, d.Verdict.Verdict, d.Reasons, d.UnmodelledHosts, findingsText(d))
		}
		if asked["infura"] == 0 || asked["alchemy"] == 0 {
			n.t.Errorf("%s: the app had answers from %v, and it knows infura and alchemy", d.Run.Scenario, asked)
		}
		struck = struck || d.Run.Scenario == "infura-unreachable"
	}
	if !struck {
		n.t.Errorf("no run of infura-unreachable among %d", len(runs))
	}
}

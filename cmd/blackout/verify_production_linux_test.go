//go:build verify

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackout/harness/history"
)

// production is an app with the addresses of its providers compiled in, and nothing in its environment.
const production = "cmd/blackout/testdata/production"

// notInProduction are the sample apps that do not run at production addresses here, and why.
var notInProduction = map[string]string{
	calibration: "it is made to have its defences taken away, and has its providers' addresses from its environment",
}

// productionAddresses stand in the place of what an app's file asks the run for: the wallets in Go have the addresses of their providers in a variable of their own.
var productionAddresses = strings.NewReplacer(
	"${service.infura.ethereum.url}", "https://mainnet.infura.io/v3/84842078b09946638c03157f83405213",
	"${service.quicknode.ethereum.url}", "https://docs-demo.quiknode.pro/",
	"${service.publicnode.ethereum.url}", "https://ethereum-rpc.publicnode.com",
)

// every is the rate of a journey.
var every = regexp.MustCompile(`\brate: [0-9]+/s`)

// TestVerifyProduction runs apps that know their providers by the addresses of production, as root and as an ordinary user, with nothing in the environment but PATH and
// HOME, and counts what leaves the network that the program was started in and what its resolver is asked: nothing may.
func TestVerifyProduction(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("only root may make a network to count packets in, and CI has to count them: run it as root")
		}
		t.Skip("only root may make a network to count packets in")
	}
	r := newRig(t)
	s := newStage(t, r)
	compiled := s.app(production, nil)
	samples := sampleApps(t, s)
	for _, uid := range users() {
		t.Run(fmt.Sprintf("uid %d", uid), func(t *testing.T) {
			// A thread that has changed its network ends with this goroutine: it stays locked.
			runtime.LockOSThread()
			out := watched(t)
			out.seen(t)
			for _, d := range s.inProduction(t, r, out, uid, []string{"control", "infura-unreachable"}, []string{compiled}, "scenario.phases[0].for=10s") {
				asked := map[string]int{}
				for _, c := range r.history(d).Calls {
					asked[c.Service]++
				}
				if asked["infura"] == 0 || d.Run.Scenario == "infura-unreachable" && asked["alchemy"] == 0 {
					t.Errorf("%s: the app asked %v", d.Run.Scenario, asked)
				}
			}
			s.inProduction(t, r, out, uid, []string{"control"}, samples, "scenario.phases[0].for=7s")
		})
	}
}

// sampleApps puts every sample app into place. An app that needs an address from the run is not in production.
func sampleApps(t *testing.T, s *stage) (folders []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.root, "scenarios/apps/*/app.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		if notInProduction[name] != "" {
			continue
		}
		folders = append(folders, s.app("scenarios/apps/"+name, func(text string) string {
			// 20 attempts in 7 s are the least that a window needs, and more than that only keeps the machine busy.
			text = every.ReplaceAllString(productionAddresses.Replace(text), "rate: 3/s")
			if strings.Contains(text, "${service.") || strings.Contains(text, "${dns.") {
				t.Errorf("%s asks the run for addresses: put those of production in their place, or tell why it is left out", file)
			}
			return text
		}))
	}
	if len(folders) < 5 {
		t.Fatalf("%d sample apps", len(folders))
	}
	for _, shared := range []string{"node", "node_modules", "package.json"} {
		from := filepath.Join(s.root, "scenarios/apps", shared)
		if _, err := os.Stat(from); err != nil {
			t.Fatalf("the sample apps in Node are not installed: run make apps (%v)", err)
		}
		s.copy(from, filepath.Join(s.folder, "apps", shared))
	}
	return folders
}

// inProduction runs each scenario with each app, in the network of this thread, looks at each app's page meanwhile, and holds that nothing of the runs goes out.
func (s *stage) inProduction(t *testing.T, r *rig, out *exit, uid int, scenarios, apps []string, set string) []done {
	t.Helper()
	args := append([]string{"run"}, scenarios...)
	for _, app := range apps {
		args = append(args, "--app", app)
	}
	want := len(scenarios) * len(apps)
	cmd, folder := s.command(uid, append(args, "--network", "private", "--parallel", strconv.Itoa(want), "--set", "scenario.baseline=7s", "--set", set, "--set", "scenario.after=20s")...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	before, lookups := out.packets(t), out.lookups()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	opened := out.visitAll(t, folder, want)
	err := <-ended
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if left := out.packets(t) - before; left != 0 {
		t.Errorf("%d packets left the network", left)
	}
	if asked := out.lookups() - lookups; asked != 0 {
		t.Errorf("the machine's resolver was asked %d times", asked)
	}
	runs := r.read(folder)
	if len(runs) != want || opened != want {
		t.Fatalf("%d runs and %d of their apps could be opened, of %d\n%s", len(runs), opened, want, said.String())
	}
	for _, d := range runs {
		h := r.history(d)
		t.Logf("%s under %s: %s, %d attempts; asked for what the world does not have: %q", d.Run.App, d.Run.Scenario, d.Verdict.Verdict, len(h.Attempts), d.UnmodelledHosts)
		answered := 0
		for _, c := range h.Calls {
			if c.Reply == history.ReplyOK && !c.Probe {
				answered++
			}
		}
		if answered == 0 {
			t.Errorf("%s under %s: no request of it was answered", d.Run.App, d.Run.Scenario)
		}
		if d.Run.Scenario == "control" && !r.tooBusy(d) && !harmedItself(t, d) {
			clean(t, d)
		}
		for _, address := range appURLs(d.dir) {
			if _, err := out.dial(address); err == nil {
				t.Errorf("%s still listens at %s", d.Run.App, address)
			}
		}
	}
	return runs
}

// visitAll looks at the page of each app as soon as it can be opened, and says how many it saw.
func (e *exit) visitAll(t *testing.T, folder string, want int) int {
	t.Helper()
	seen := map[string]bool{}
	for until := time.Now().Add(time.Minute); len(seen) < want && time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		dirs, err := filepath.Glob(filepath.Join(folder, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			for _, address := range appURLs(dir) {
				if seen[address] {
					continue
				}
				conn, err := e.dial(address)
				if err != nil {
					t.Errorf("%s: %v", address, err)
					continue
				}
				resp, err := get(conn, address)
				if err != nil {
					t.Errorf("%s: %v", address, err)
				} else if resp.Body.Close(); resp.StatusCode >= 500 {
					t.Errorf("%s: %s", address, resp.Status)
				}
				conn.Close()
				seen[address] = true
			}
		}
	}
	return len(seen)
}

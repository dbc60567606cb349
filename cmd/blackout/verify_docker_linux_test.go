//go:build verify

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"blackout/reports/verdict"
)

// TestVerifyDocker holds that a run in containers tells the same as one on this machine: the verdict, the ids of the findings, and the score within three points. It takes
// what differs most between the two: a provider that falls silent, none that answers, and an app that is killed and started again.
func TestVerifyDocker(t *testing.T) {
	t.Parallel()
	needEngine(t)
	r := newRig(t)
	scenarios := []string{"infura-unreachable", "every-provider-unreachable", "app-killed"}
	apps := []string{single, resilient}
	local := r.run(order{scenarios: scenarios, apps: apps, seed: 1, parallel: len(scenarios) * len(apps)})
	for _, app := range apps {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			for _, d := range r.beside(t).run(order{scenarios: scenarios, apps: []string{app}, overlay: inContainers(app), seed: 1, parallel: len(scenarios)}) {
				i := slices.IndexFunc(local, func(l done) bool { return l.Run.App == app && l.Run.Scenario == d.Run.Scenario })
				holdAlike(t, local[i], d, closely)
				if left := leftOf(t, d.Run.ID); len(left) > 0 {
					t.Errorf("left in the engine: %q", left)
				}
			}
		})
	}
}

// TestVerifyDockerNode runs an app on Node from an image that has nothing of this machine's: viem-wallet, with its providers' addresses compiled in. A library that waits for
// a silent provider does so in both runtimes. Where it waits longest hangs on what is under way when the fault comes, and so do the points.
func TestVerifyDockerNode(t *testing.T) {
	t.Parallel()
	needEngine(t)
	r := newRig(t)
	const app, points = "viem-wallet", 15
	o := order{scenarios: []string{"infura-unreachable"}, apps: []string{app}, seed: 1, parallel: 1, env: []string{"NODE_IMAGE=scratch"}}
	var local, contained done
	t.Run("runs", func(t *testing.T) {
		t.Run("local", func(t *testing.T) { t.Parallel(); local = r.beside(t).run(o)[0] })
		t.Run("docker", func(t *testing.T) {
			t.Parallel()
			o := o
			o.overlay = inContainers(app)
			contained = r.beside(t).run(o)[0]
		})
	})
	if !t.Failed() {
		holdAlike(t, local, contained, points)
	}
}

// TestVerifyDockerIsolated has an app in a container dial this machine, by every address that it has, a public one, and a host that the world does not know. None of it gets
// anywhere, and what is not of this world is reported. The app lives on names and certificates of production, as another user than root.
func TestVerifyDockerIsolated(t *testing.T) {
	t.Parallel()
	needEngine(t)
	r := newRig(t)
	var met atomic.Int64
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			met.Add(1)
			_, _ = fmt.Fprintln(conn, "you are outside")
			_ = conn.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	probes := []string{"1.1.1.1:443", "api.example.org:80", fmt.Sprintf("gateway:%d", port)}
	var outside []string
	for _, a := range own {
		if ip := a.(*net.IPNet).IP.To4(); ip != nil {
			probes = append(probes, fmt.Sprintf("%s:%d", ip, port))
			if !ip.IsLoopback() {
				outside = append(outside, ip.String())
			}
		}
	}
	d := r.run(order{scenarios: []string{"control"}, apps: []string{"cmd/blackout/testdata/contained"}, seed: 1, parallel: 1, env: []string{"PROBES=" + strings.Join(probes, ",")},
		set: []string{"scenario.baseline=7s", "scenario.phases[0].for=7s", "scenario.after=20s"}})[0]
	clean(t, d)
	log, err := os.ReadFile(filepath.Join(d.dir, "logs", "app-0.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "probed") || strings.Contains(string(log), "you are outside") || met.Load() != 0 {
		t.Errorf("this machine was met %d times:\n%s", met.Load(), log)
	}
	for _, address := range append(outside, "1.1.1.1") {
		if !slices.ContainsFunc(d.Outside, func(o verdict.Outside) bool { return o.Address == address }) {
			t.Errorf("%s is not reported: %+v\n%s", address, d.Outside, log)
		}
	}
	if !slices.Contains(d.UnmodelledHosts, "api.example.org") {
		t.Errorf("api.example.org is not reported: %q", d.UnmodelledHosts)
	}
	if left := leftOf(t, d.Run.ID); len(left) > 0 {
		t.Errorf("left in the engine: %q", left)
	}
}

// TestVerifyDockerKilled kills the program in containers at twenty moments of a run, from its first to its last, with kill -9. What it leaves is a history that can be read,
// and after the next sweep nothing in the engine.
func TestVerifyDockerKilled(t *testing.T) {
	engine := needEngine(t)
	r := newRig(t)
	const kills, longest = 20, 44 * time.Second
	var swept atomic.Int64
	for i := range kills {
		t.Run(fmt.Sprintf("%02d", i), func(t *testing.T) {
			t.Parallel()
			defer waitForRoom(t, 1)()
			out := t.TempDir()
			o := order{scenarios: []string{"app-killed"}, apps: []string{single}, overlay: inContainers(single), seed: uint64(i), parallel: 1,
				set: []string{hastier, "scenario.baseline=7s", "scenario.phases[0].for=7s", "scenario.after=20s"}}
			cmd := exec.Command(r.binary, o.args(out)...)
			cmd.Dir, cmd.Env = r.root, append(os.Environ(), "TMPDIR="+t.TempDir())
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200*time.Millisecond + longest*time.Duration(i)/kills)
			_ = cmd.Process.Signal(syscall.SIGKILL)
			if err := cmd.Wait(); cmdCode(err) != -1 {
				t.Fatalf("it had ended by itself: %v\n%s", err, said.String())
			}
			removed, err := engine.Sweep(t.Context())
			if err != nil {
				t.Error(err)
			}
			swept.Add(int64(removed.Containers))
			for _, dir := range glob(t, filepath.Join(out, "*", "*")) {
				if left := leftOf(t, filepath.Base(dir)); len(left) > 0 {
					t.Errorf("left in the engine: %q", left)
				}
				if files := glob(t, filepath.Join(dir, "history.jsonl*")); len(files) > 0 {
					if text, err := exec.Command(r.binary, "report", dir).CombinedOutput(); err != nil && !slices.Contains([]int{exitFail, verdict.ExitInconclusive, exitInterrupted}, cmdCode(err)) {
						t.Errorf("its history cannot be read: %v\n%s", err, text)
					}
				}
			}
		})
	}
	t.Cleanup(func() {
		if swept.Load() == 0 {
			t.Error("nothing was ever left to sweep: the kills came too early or too late")
		}
		t.Logf("%d containers swept", swept.Load())
	})
}

func cmdCode(err error) int {
	if e, ok := err.(*exec.ExitError); ok {
		return e.ExitCode()
	}
	return -1
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// leftOf lists what the engine has of a run.
func leftOf(t *testing.T, run string) (left []string) {
	t.Helper()
	c := engineClient(t)
	ctx := context.Background()
	of := make(client.Filters).Add("label", "org.blackout.run="+run)
	containers, err := c.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: of})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range containers.Items {
		left = append(left, i.Names...)
	}
	networks, err := c.NetworkList(ctx, client.NetworkListOptions{Filters: of})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range networks.Items {
		left = append(left, i.Name)
	}
	volumes, err := c.VolumeList(ctx, client.VolumeListOptions{Filters: of})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range volumes.Items {
		left = append(left, i.Name)
	}
	return left
}

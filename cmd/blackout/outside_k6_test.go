//go:build outside

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"blackout/harness/chain"
	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/truth"
)

// k6 is Grafana k6 as tools/k6 pins it, with the script that asks for balances.
type k6 struct {
	t              *testing.T
	binary, script string
	asks           int
}

// asked is one request of k6.
type asked struct {
	sent    time.Time
	success bool
}

func newK6(t *testing.T, r *rig) *k6 {
	t.Helper()
	k := &k6{t: t, binary: filepath.Join(r.root, "tools", "bin", "k6"), script: filepath.Join(r.root, "cmd", "blackout", "testdata", "outside", "ask.js")}
	text, err := exec.CommandContext(t.Context(), k.binary, "version").Output()
	if err != nil {
		t.Fatalf("%s: %v; make outside-check builds it", k.binary, err)
	}
	t.Logf("%s", bytes.TrimSpace(text))
	return k
}

// ask waits until the one run below a folder has begun its baseline, and has k6 ask its app from then until the run's last attempt is due.
func (k *k6) ask(ctx context.Context, out, app string) []asked {
	h := k.begun(ctx, out)
	if h == nil {
		return nil // the run ended before: the rig says why
	}
	p, err := plan.Decode(h.Plan)
	if err != nil {
		k.t.Error(err)
		return nil
	}
	var journey plan.Journey
	for _, j := range p.Journeys {
		if j.Name == outsideJourney {
			journey = j
		}
	}
	accounts := make([]string, p.Accounts.Count)
	for i := range accounts {
		accounts[i] = truth.Address(crypto.PubkeyToAddress(chain.Key(p.Seed, "account/"+strconv.Itoa(i)).PublicKey))
	}
	base, err := time.Parse(time.RFC3339Nano, h.Header.BaseUTC)
	if err != nil {
		k.t.Error(err)
		return nil
	}
	left := time.Until(base.Add((h.Timeline.At + p.End).Duration()))
	k.asks++
	return k.run(ctx, filepath.Join(k.t.TempDir(), fmt.Sprintf("%d.json", k.asks)), map[string]string{
		"APP": app, "ACCOUNTS": strings.Join(accounts, ","), "RATE": strconv.FormatFloat(journey.Rate, 'f', -1, 64),
		"PATIENCE_S": strconv.FormatFloat(journey.Patience.Seconds(), 'f', -1, 64), "SECONDS": strconv.Itoa(int(left.Seconds())),
	})
}

// begun reads the history of the run that goes on, as soon as it holds the baseline's beginning; nil when ctx ends first.
func (k *k6) begun(ctx context.Context, out string) *history.History {
	for clock.Sleep(ctx, 20*time.Millisecond) == nil {
		dirs, err := filepath.Glob(filepath.Join(out, "*", "*"))
		if err != nil || len(dirs) != 1 {
			continue
		}
		if h, err := history.ReadFolder(dirs[0]); err == nil && h.Timeline != nil {
			return h
		}
	}
	return nil
}

// run runs k6 once. It asks nobody but the app: no usage report, no extensions from elsewhere, no server of its own.
func (k *k6) run(ctx context.Context, points string, env map[string]string) []asked {
	args := []string{
		"run", "--quiet", "--no-color", "--no-usage-report", "--no-thresholds", "--summary-mode", "disabled", "--address", "", "--log-output", "none",
		"--out", "json=" + points,
	}
	for name, value := range env {
		args = append(args, "--env", name+"="+value)
	}
	cmd := exec.CommandContext(ctx, k.binary, append(args, k.script)...)
	cmd.Env = []string{"HOME=" + k.t.TempDir(), "K6_AUTO_EXTENSION_RESOLUTION=false", "K6_NO_USAGE_REPORT=true"}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	said, err := cmd.CombinedOutput()
	if err != nil && ctx.Err() == nil {
		k.t.Errorf("k6: %v\n%s", err, said)
	}
	list, err := readPoints(points)
	if err != nil {
		k.t.Errorf("k6: %v\n%s", err, said)
	}
	return list
}

// readPoints reads k6's own record: each point of "asked" is the moment at which a request was over and how many milliseconds it had taken. A request that k6 could not
// send at its time makes the whole useless.
func readPoints(file string) ([]asked, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []asked
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var point struct {
			Metric, Type string
			Data         struct {
				Time  time.Time
				Value float64
				Tags  struct {
					Success string `json:"success"`
				}
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &point); err != nil {
			return nil, err
		}
		if point.Type != "Point" {
			continue
		}
		switch point.Metric {
		case "dropped_iterations":
			return nil, fmt.Errorf("it dropped %v requests: it had nobody free to send them", point.Data.Value)
		case "asked":
			took := time.Duration(point.Data.Value * float64(time.Millisecond))
			list = append(list, asked{point.Data.Time.Add(-took), point.Data.Tags.Success == "true"})
		}
	}
	return list, lines.Err()
}

// freePort finds a port of the loopback interface that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

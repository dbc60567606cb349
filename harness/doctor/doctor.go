// Package doctor finds out by trying whether this machine can run a cell.
package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"blackout/harness/chain"
	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/internet/links"
	"blackout/harness/journey/browser"
	"blackout/harness/plan"
	"blackout/harness/runtime/private"
)

// Check is one thing that was tried.
type Check struct {
	Name string
	// Found is what was seen. Err says that it will not do, and Hint what to do about it: without Err it is a warning. Optional marks what only some runs need.
	Found    string
	Err      error
	Hint     string
	Optional bool
}

// Self is how this program is started for what is tried in another process or in a container.
type Self struct {
	Executable string
	Enter      []string // its words to enter a private network: private.Try
	Inhabit    []string // its words to take over the network of containers: docker.Try
}

// Examine tries everything that a run needs. It takes about two seconds, a few more where an image has to be made first, and leaves nothing else behind.
func Examine(ctx context.Context, c clock.Clock, scratch string, self Self) []Check {
	return []Check{
		machine(),
		loopback(ctx),
		folder(scratch),
		chainBoots(ctx, c, scratch),
		linkOpens(ctx),
		privateNetwork(ctx, self),
		containers(ctx, c, scratch, self),
		tool(ctx, "go", "the sample wallets are built from source", "version"),
		screen(ctx),
		tool(ctx, "node", "apps written in JavaScript", "--version"),
	}
}

// Healthy reports whether nothing that every run needs is missing.
func Healthy(checks []Check) bool {
	for _, c := range checks {
		if c.Err != nil && !c.Optional {
			return false
		}
	}
	return true
}

// screen looks for the browser of journeys with the driver browser.
func screen(ctx context.Context) Check {
	c := Check{Name: "browser", Optional: true}
	path, err := browser.Find(os.Getenv(browser.Variable))
	if err != nil {
		c.Err, c.Hint = err, "only journeys with the driver browser need it: "+browser.Hint
		return c
	}
	said, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		c.Err, c.Hint = fmt.Errorf("%s --version: %w", path, err), "only journeys with the driver browser need it: "+browser.Hint
		return c
	}
	c.Found = fmt.Sprintf("%s, at %s", bytes.TrimSpace(said), path)
	return c
}

func machine() Check {
	c := Check{Name: "machine", Found: fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		c.Err, c.Hint = fmt.Errorf("%s is not supported", runtime.GOOS), "use Linux or macOS"
	}
	return c
}

func loopback(ctx context.Context) Check {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Check{Name: "loopback", Err: err, Hint: "a run listens on 127.0.0.1: allow that in the sandbox or firewall that forbids it"}
	}
	return Check{Name: "loopback", Found: "127.0.0.1 can be listened on", Err: l.Close()}
}

func folder(scratch string) Check {
	probe := filepath.Join(scratch, "write")
	err := errors.Join(os.WriteFile(probe, make([]byte, 1<<20), 0o600), os.Remove(probe))
	if err != nil {
		return Check{Name: "scratch folder", Err: err, Hint: "set TMPDIR to a folder with room"}
	}
	return Check{Name: "scratch folder", Found: scratch + " can be written"}
}

func chainBoots(ctx context.Context, c clock.Clock, scratch string) (check Check) {
	check.Name = "chain"
	began := c.Now()
	const name = "ethereum"
	dir := filepath.Join(scratch, "chain")
	if err := os.Mkdir(dir, 0o700); err != nil {
		check.Err = err
		return check
	}
	n, err := chain.Start(ctx, chain.Config{
		Chains: []plan.Chain{{Name: name, ID: 1, BlockTime: clock.Of(2 * time.Second), Safe: 4, Finalized: 8}},
		Nodes: []plan.Node{
			{Name: name + "/builder", Chain: name, Role: plan.RoleBuilder}, {Name: name + "/reference", Chain: name, Role: plan.RoleReference},
			{Name: name + "/shared", Chain: name, Role: plan.RoleShared},
		},
		Seed: 1, Watched: []common.Address{{1}}, WatchedWei: big.NewInt(1e18), Dir: dir, Clock: c, Observer: nothing{},
	})
	if n != nil {
		defer func() { check.Err = errors.Join(check.Err, n.Stop(ctx)) }()
	}
	if err != nil {
		check.Err, check.Hint = err, "the local chain does not boot here: please report this with the text above"
		return check
	}
	check.Found = fmt.Sprintf("three geth nodes booted and built blocks in %s", (c.Now() - began).Duration().Round(10*time.Millisecond))
	return check
}

type nothing struct{}

func (nothing) Block(chain.Block) {}
func (nothing) Head(chain.Head)   {}

func linkOpens(ctx context.Context) (check Check) {
	check.Name = "connection faults"
	l, err := links.New(links.Config{Service: "doctor", Regions: []fault.Region{{Name: "here", Share: 1}}, Seed: 1, DialTimeout: time.Second})
	if err != nil {
		check.Err = err
		return check
	}
	defer func() { check.Err = errors.Join(check.Err, l.Close()) }()
	if _, err := l.Open(ctx, "", "127.0.0.1:0", "127.0.0.1:9"); err != nil {
		check.Err = err
		return check
	}
	check.Found = "a toxiproxy link opens"
	return check
}

// privateNetwork is optional: without it an app runs in the machine's own network.
func privateNetwork(ctx context.Context, self Self) Check {
	c := Check{Name: "private network", Optional: true}
	switch err := private.Try(ctx, self.Executable, self.Enter...); {
	case err == nil:
		c.Found = "an app can be cut off from every network but the run's own"
	case errors.Is(err, private.ErrSystem):
		c.Err, c.Hint = err, "runs use this machine's own network: what an app dials beside its services leaves it, unseen"
	default:
		c.Err = err
		c.Hint = "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), or run as root; else runs use this machine's own network"
	}
	return c
}

func tool(ctx context.Context, name, why string, args ...string) Check {
	c := Check{Name: name, Optional: true}
	path, err := exec.LookPath(name)
	if err != nil {
		c.Err, c.Hint = fmt.Errorf("%s is not on the PATH", name), "only needed for: "+why
		return c
	}
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		c.Err = fmt.Errorf("%s %v: %w", path, args, err)
		return c
	}
	c.Found = string(trimLine(out))
	return c
}

func trimLine(b []byte) []byte {
	for i, ch := range b {
		if ch == '\n' || ch == '\r' {
			return b[:i]
		}
	}
	return b
}

package app

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// alive reports whether a process runs and is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func TestDescriptors(t *testing.T) {
	// A descriptor without close-on-exec, as a parent process may have left it to us.
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = syscall.Close(pipe[0]), syscall.Close(pipe[1]) }()
	cfg, _ := rig(t, "descriptors")
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := log(t, cfg)
	for line := range strings.Lines(text) {
		number, target, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch number {
		case "0":
			if target != "/dev/null" {
				t.Errorf("stdin is %s", target)
			}
		case "1", "2":
			if !strings.HasPrefix(target, "pipe:") {
				t.Errorf("descriptor %s is %s", number, target)
			}
		case "folder":
			if target != cfg.App.Dir {
				t.Errorf("it runs in %s, want %s", target, cfg.App.Dir)
			}
		default:
			// What else there is, the helper opened itself: the folder that it lists, its poller, the limits of its cgroup.
			if strings.HasPrefix(target, "pipe:") || strings.HasPrefix(target, "socket:") {
				t.Errorf("descriptor %s is inherited: %s", number, target)
			}
		}
	}
}

func TestRunsInGroup(t *testing.T) {
	for stat, want := range map[string]bool{
		"7 (sh) S 1 42 42 0":        true,
		"7 (a) b) R 42) S 1 42 1 0": true,
		"7 (sh) Z 1 42 42 0":        false,
		"7 (sh) S 42 7 42 0":        false,
		"7 (x) S 1 42":              true,
		"7 (x":                      false,
		"":                          false,
	} {
		if got := inGroup([]byte(stat), 42, ""); got != want {
			t.Errorf("%q: %t", stat, got)
		}
	}
}

// TestKilledHarness kills a process that runs an app, as a user might with kill -9: the app must not outlive it.
func TestKilledHarness(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = []string{"HELPER=harness", "FOLDER=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	_, scanErr := fmt.Fscan(out, &pid)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if scanErr != nil {
		t.Fatalf("the harness printed no process id: %v", scanErr)
	}
	for wait := 0; alive(pid); wait++ {
		if wait > 2000 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("process %d outlived the harness", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

package private

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A process whose parent has ended becomes a child of the first process of its PID namespace, here the inner process. Nobody but that can take its exit status, and
// until somebody does it is a zombie, which holds a process id. But the exit status of what this process has started itself belongs to whoever waits for it.
var children struct {
	starting sync.RWMutex // held for reading while a process is started and not in own yet
	own      sync.Map     // pid → nothing, of what was started here
}

// Start is cmd.Start, for every process that an inner process starts and waits for.
func Start(cmd *exec.Cmd) error {
	children.starting.RLock()
	defer children.starting.RUnlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	children.own.Store(cmd.Process.Pid, nil)
	return nil
}

// reapPause is how long zombies may stay: an app that leaves many does not keep this process busy.
const reapPause = 200 * time.Millisecond

// Reap takes the exit statuses of orphans, which nobody waits for, until the returned function is called. Whatever this process starts itself it has to start by Start.
func Reap() (stop func()) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer signal.Stop(ended)
		pause := time.NewTimer(0)
		defer pause.Stop()
		for {
			select {
			case <-ended:
			case <-ctx.Done():
				return
			}
			pause.Reset(reapPause)
			select {
			case <-pause.C:
			case <-ctx.Done():
				return
			}
			reapOrphans()
		}
	}()
	return func() { cancel(); <-done }
}

// reapOrphans takes the exit status of each child that has ended and was not started here, and forgets those that were and are gone.
func reapOrphans() {
	children.starting.Lock()
	defer children.starting.Unlock()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return
	}
	self, there := strconv.Itoa(os.Getpid()), map[int]bool{}
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it is gone
		}
		pid, state, parent := parseStat(stat)
		if parent != self {
			continue
		}
		there[pid] = true
		if _, own := children.own.Load(pid); !own && state == 'Z' {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) // one whose threads have not all ended yet comes up again
		}
	}
	children.own.Range(func(pid, _ any) bool {
		if !there[pid.(int)] { // waited for: its id may become an orphan's
			children.own.Delete(pid)
		}
		return true
	})
}

// parseStat reads a /proc/<pid>/stat: "pid (name) state ppid …", where the name may hold anything, brackets and spaces too. See proc_pid_stat(5).
func parseStat(stat []byte) (pid int, state byte, parent string) {
	first, _, _ := bytes.Cut(stat, []byte(" "))
	pid, err := strconv.Atoi(string(first))
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if err != nil || len(fields) < 2 {
		return 0, 0, ""
	}
	return pid, fields[0][0], string(fields[1])
}

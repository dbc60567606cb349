package app

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put a child into its own process group and have the kernel kill it when the thread that started it ends, so also when this process is killed.
// See prctl(2), PR_SET_PDEATHSIG: the "parent" is the thread, hence the starter.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitEnd returns when a child has ended and leaves it unreaped: until it is reaped its process id, and so the id of its group, belongs to nobody else, and a
// signal to the group cannot strike a stranger. An error means that nothing was waited for.
func awaitEnd(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// groupAlive reports whether a process group has a member that runs. Zombies do not count: they hold nothing, and in a container without an init process they
// stay for ever.
func groupAlive(pgid int) bool {
	if errors.Is(syscall.Kill(-pgid, 0), syscall.ESRCH) {
		return false
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return true // no /proc to ask
	}
	for _, file := range stats {
		if data, err := os.ReadFile(file); err == nil && runsInGroup(data, pgid) {
			return true
		}
	}
	return false
}

// runsInGroup reads one /proc/<pid>/stat: "pid (name) state ppid pgrp …", where the name may hold anything, brackets and spaces too. See proc_pid_stat(5).
func runsInGroup(stat []byte, pgid int) bool {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 {
		return false
	}
	state, group := fields[0][0], string(fields[2])
	return group == strconv.Itoa(pgid) && state != 'Z' && state != 'X'
}

// closeInherited marks every descriptor of this process but stdin, stdout and stderr as close-on-exec. Go opens its own that way; those that this process inherited
// are not, and the app must not get them. Kernels before 5.11 do not know the call, and the app then gets what they let through.
func closeInherited() {
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
}

package app

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	return anyInGroup(pgid, "")
}

// groupStands reports whether every member of a process group was stopped by a signal, or has ended; here that is always known.
func groupStands(pgid int) (stands, known bool) { return !anyInGroup(pgid, "T"), true }

// anyInGroup reports whether a group has a member in a state other than dead or one of these. Without /proc to ask it says yes.
func anyInGroup(pgid int, but string) bool {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return true
	}
	for _, file := range stats {
		if data, err := os.ReadFile(file); err == nil && inGroup(data, pgid, but) {
			return true
		}
	}
	return false
}

// inGroup reads one /proc/<pid>/stat: "pid (name) state ppid pgrp …", where the name may hold anything, brackets and spaces too. See proc_pid_stat(5).
func inGroup(stat []byte, pgid int, but string) bool {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 {
		return false
	}
	state, group := fields[0][0], string(fields[2])
	return group == strconv.Itoa(pgid) && state != 'Z' && state != 'X' && !strings.ContainsRune(but, rune(state))
}

// closeInherited marks every descriptor of this process but stdin, stdout and stderr as close-on-exec. Go opens its own that way; those that this process inherited
// are not, and the app must not get them. Kernels before 5.11 do not know the call, and the app then gets what they let through.
func closeInherited() {
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
}

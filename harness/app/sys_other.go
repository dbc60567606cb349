//go:build !linux

package app

import (
	"errors"
	"syscall"
)

// attributes put a child into its own process group. Only Linux can tie its life to ours as well.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitEnd cannot wait without reaping here; the caller reaps, and what it does to the group afterwards may in theory strike a stranger.
func awaitEnd(int) error { return errors.ErrUnsupported }

// groupAlive reports whether a process group has a member.
func groupAlive(pgid int) bool { return !errors.Is(syscall.Kill(-pgid, 0), syscall.ESRCH) }

// groupStands cannot be asked here: a signal is taken to have arrived.
func groupStands(int) (stands, known bool) { return true, false }

// closeInherited has nothing to do it with here: Go opens its own descriptors as close-on-exec.
func closeInherited() {}

//go:build !linux

package browser

import "syscall"

// ownGroup puts the browser into a process group of its own. Only Linux can tie its life to ours as well; elsewhere the end of the pipe ends it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// tight is about /dev/shm, which only Linux has.
func tight(string) bool { return false }

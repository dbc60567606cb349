package browser

import "syscall"

// ownGroup puts the browser into a process group of its own and has the kernel kill it when the thread that started it ends; chromedp starts it on a thread that it keeps.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// enoughShared is how much shared memory a browser with a few tabs is left alone with, in bytes: containers have 64 MiB, in which it crashes.
const enoughShared = 512 << 20

// tight reports whether a folder has too little room for the browser's shared memory.
func tight(folder string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(folder, &s) != nil || s.Bavail*uint64(s.Bsize) < enoughShared
}

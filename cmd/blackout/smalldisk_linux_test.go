package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// smallDisk mounts a small file system on a folder, runs a program, and copies what the folder holds then to another:
//
//	smalldisk LIMITS FOLDER COPY PROGRAM [ARG…]
//
// The limits are options of tmpfs(5): "size=64k,nr_inodes=20".
//
// It is started in a mount namespace of its own, so the file system ends with it.
func smallDisk() int {
	limits, folder, into := os.Args[1], os.Args[2], os.Args[3]
	if err := errors.Join(
		syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), // else the mount would be seen outside
		os.MkdirAll(folder, 0o755),
	); err != nil {
		fmt.Fprintln(os.Stderr, "smalldisk:", err)
		return 125
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, limits); err != nil {
		fmt.Fprintln(os.Stderr, "smalldisk: mount:", err)
		return 125
	}
	c := exec.Command(os.Args[4], os.Args[5:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	err := c.Run()
	if copied := os.CopyFS(into, os.DirFS(folder)); copied != nil {
		fmt.Fprintln(os.Stderr, "smalldisk: copy:", copied)
		return 125
	}
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		return ended.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "smalldisk:", err)
		return 125
	}
	return 0
}

// ownMounts gives a child a mount namespace: with root's rights where the test has them, else as root of a user namespace.
func ownMounts(c *exec.Cmd) {
	if os.Geteuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		return
	}
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

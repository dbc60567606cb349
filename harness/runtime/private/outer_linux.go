package private

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Prepare makes cmd start in a new private network. As root there is no user namespace, since real root needs none; anyone else is uid 0 inside. The network ends with
// the inner process, and whatever runs in it: the kernel kills what is left of a PID namespace whose first process has ended.
func Prepare(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	a := cmd.SysProcAttr
	a.Setpgid = true // the terminal's Ctrl-C goes to the outer process alone
	a.Cloneflags |= syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID
	if os.Geteuid() == 0 {
		return
	}
	a.Cloneflags |= syscall.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	a.GidMappingsEnableSetgroups = false
}

// AsUser makes cmd, started by the inner process, run under the user id that the outer process has: programs such as browsers and databases refuse to run as root. It
// does nothing where the inner process has that id already.
func AsUser(cmd *exec.Cmd, u User) {
	if u.UID == os.Getuid() {
		return
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	a := cmd.SysProcAttr
	a.Cloneflags |= syscall.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: u.UID, HostID: os.Getuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: u.GID, HostID: os.Getgid(), Size: 1}}
	a.GidMappingsEnableSetgroups = false
}

// Try goes through the whole sequence in a process of its own: executable with args has to call Enter with the folder that follows them, and end. The error says which
// step this machine forbids.
func Try(ctx context.Context, executable string, args ...string) error {
	// Any folder will do, since what is mounted there is seen inside only.
	cmd := exec.CommandContext(ctx, executable, append(args, os.TempDir())...)
	var said bytes.Buffer
	cmd.Stderr = &said
	Prepare(cmd)
	err := cmd.Run()
	if err == nil {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(said.String()), "Error: "), "\n")
	if first = strings.TrimPrefix(first, stepPrefix); first != "" {
		return errors.New(first)
	}
	return fmt.Errorf("make the namespaces: %w", err)
}

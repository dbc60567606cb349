package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	machine "github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/process"
)

// owner names a process in a label: where it runs, whose it is, and its id with the time of its start, since an id alone may come to be another's. An engine may be shared by
// machines, or by containers whose processes cannot see one another.
type owner struct {
	host  string // the machine, and the space of its process ids
	boot  string // of the machine
	user  int
	pid   int32
	began string
}

// String is the label's text.
func (o owner) String() string {
	return strings.Join([]string{o.host, o.boot, strconv.Itoa(o.user), strconv.Itoa(int(o.pid)), o.began}, " ")
}

func parseOwner(label string) (o owner, ok bool) {
	f := strings.Split(label, " ")
	if len(f) != 5 {
		return o, false
	}
	user, err := strconv.Atoi(f[2])
	pid, pidErr := strconv.ParseInt(f[3], 10, 32)
	return owner{f[0], f[1], user, int32(pid), f[4]}, errors.Join(err, pidErr) == nil
}

// thisProcess is the owner that this process is.
func thisProcess(ctx context.Context) (owner, error) {
	name, err := os.Hostname()
	if err != nil {
		return owner{}, err
	}
	space, err := os.Readlink("/proc/self/ns/pid") // there is none but on Linux
	if err != nil {
		space = "all"
	}
	boot, err := bootOf(ctx)
	if err != nil {
		return owner{}, err
	}
	pid := int32(os.Getpid())
	began, err := beginning(ctx, pid)
	if err != nil {
		return owner{}, err
	}
	return owner{strings.ReplaceAll(name, " ", "-") + "/" + space, boot, os.Getuid(), pid, began}, nil
}

// bootOf names the machine's present life.
func bootOf(ctx context.Context) (string, error) {
	if id, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return strings.TrimSpace(string(id)), nil
	}
	at, err := machine.BootTimeWithContext(ctx)
	return strconv.FormatUint(at, 10), err
}

// beginning is when a process started, in words that do not change while it lives: on Linux in ticks since the boot, which no change of the clock moves (field 22 of
// proc_pid_stat(5)).
func beginning(ctx context.Context, pid int32) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		if f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); len(f) > 19 {
			return f[19], nil
		}
		return "", fmt.Errorf("/proc/%d/stat: too short", pid)
	}
	if _, there := os.Stat("/proc/self/stat"); there == nil {
		return "", err
	}
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return "", err
	}
	at, err := p.CreateTimeWithContext(ctx)
	return strconv.FormatInt(at, 10), err
}

// knowsGone reports whether the process of a label runs no more. What this one cannot know of counts as running: another machine's, another user's, a label of another version.
func (o owner) knowsGone(ctx context.Context, label string) bool {
	of, ok := parseOwner(label)
	switch {
	case !ok, of.host != o.host:
		return false
	case of.boot != o.boot:
		return true
	case of.user != o.user && o.user != 0:
		return false
	}
	began, err := beginning(ctx, of.pid)
	if err != nil {
		return errors.Is(err, os.ErrNotExist) || errors.Is(err, process.ErrorProcessNotRunning)
	}
	return began != of.began
}

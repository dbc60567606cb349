package private

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Files are what the app reads of its network, by absolute path: the content stands over the machine's own file while the network lives. A path that does not exist is
// left out.
type Files map[string][]byte

// DefaultFiles send look-ups of names to the resolver alone: no hosts file of the machine, no daemon of the machine.
func DefaultFiles() Files {
	return Files{
		"/etc/resolv.conf":   []byte(resolvConf),
		"/etc/nsswitch.conf": []byte("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n"),
		"/etc/hosts":         []byte("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"),
	}
}

// doors are folders and sockets through which a process reaches daemons of the machine by path, whatever its network.
var doors = []string{
	"/run/nscd", "/var/run/nscd", "/run/systemd/resolve", "/run/dbus", "/run/avahi-daemon", "/run/docker.sock", "/var/run/docker.sock", "/run/containerd", "/run/podman",
}

// Enter makes the private network out of the namespaces that this process was started in. It has to be the first thing that the inner process does. scratch is an
// existing folder: a tmpfs is mounted on it. The steps are in the order in which a later one needs an earlier.
func Enter(scratch string, files Files) error {
	if os.Getpid() != 1 {
		return errors.New("enter a private network: this process was not started by Prepare")
	}
	// What was inherited is for this process, not for the app.
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"keep mounts to ourselves", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"mount /proc", func() error {
			return unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		}},
		{"mount a scratch file system", func() error {
			return unix.Mount("tmpfs", scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=256m,mode=0755")
		}},
		{"bring the loopback up", loopbackUp},
		{"connect two interfaces", interfaces},
		{"make every address ours", claimAddresses},
		{"lead strays to one door", func() error { return redirect() }},
		{"cover the resolver's files", func() error { return cover(scratch, files) }},
		{"mask sockets that lead outside", func() error { return mask(scratch) }},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf(stepPrefix+"%s: %w", step.name, err)
		}
	}
	return nil
}

// stepPrefix begins what Enter says of a step that failed.
const stepPrefix = "private network: "

// Leave gives the folder back that Enter was called with, empty as it was, so that it can be removed; the network stays. Nothing of the scratch file system may be in use
// any more but the files over the machine's own, which keep what they show.
func Leave(scratch string) error {
	if err := unix.Unmount(scratch, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("private network: give %s back: %w", scratch, err)
	}
	return nil
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// The two ends of the pair, with addresses of RFC 2544's range for benchmarks, which no network uses. /32, since a connected prefix would beat the route over all
// addresses.
const (
	nearEnd, farEnd         = "net0", "net1"
	nearAddress, farAddress = "198.19.255.1/32", "198.19.255.2/32"
)

func interfaces() error {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = nearEnd
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attributes, PeerName: farEnd}); err != nil {
		return err
	}
	for _, end := range []struct{ name, address string }{{nearEnd, nearAddress}, {farEnd, farAddress}} {
		link, err := netlink.LinkByName(end.name)
		if err != nil {
			return err
		}
		address, err := netlink.ParseAddr(end.address)
		if err != nil {
			return err
		}
		if err := errors.Join(netlink.AddrAdd(link, address), netlink.LinkSetUp(link)); err != nil {
			return fmt.Errorf("%s: %w", end.name, err)
		}
	}
	return nil
}

func claimAddresses() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.RouteReplace(&netlink.Route{
		LinkIndex: lo.Attrs().Index, Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, Scope: netlink.SCOPE_HOST, Type: unix.RTN_LOCAL,
		Table: unix.RT_TABLE_LOCAL,
	})
}

// cover mounts each file over the machine's own. A symbolic link is followed by hand: its target is what is read.
func cover(scratch string, files Files) error {
	for path, content := range files {
		target, err := filepath.EvalSymlinks(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // to make it would leave something on the machine, and every address is ours all the same
		}
		if err != nil {
			return err
		}
		own := filepath.Join(scratch, strings.ReplaceAll(strings.Trim(path, "/"), "/", "_"))
		if err := os.WriteFile(own, content, 0o644); err != nil {
			return err
		}
		if err := unix.Mount(own, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s over %s: %w", own, target, err)
		}
	}
	return nil
}

// mask puts something empty over each door that exists: a folder over a folder, a file over a socket.
func mask(scratch string) error {
	folder, file := filepath.Join(scratch, "nothing"), filepath.Join(scratch, "nobody")
	if err := errors.Join(os.Mkdir(folder, 0o755), os.WriteFile(file, nil, 0o644)); err != nil {
		return err
	}
	for _, door := range doors {
		target, err := filepath.EvalSymlinks(door)
		if err != nil {
			continue
		}
		info, err := os.Stat(target)
		if err != nil {
			continue
		}
		empty := file
		if info.IsDir() {
			empty = folder
		}
		if err := unix.Mount(empty, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("over %s: %w", target, err)
		}
	}
	return nil
}

//go:build unix

package ports

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"syscall"
)

// Bind binds a socket to a free port of an address, before it is connected, and gives the port.
func Bind(fd int, ip netip.Addr) (netip.AddrPort, error) {
	if err := syscall.Bind(fd, sockaddr(netip.AddrPortFrom(ip, 0))); err != nil {
		return netip.AddrPort{}, fmt.Errorf("bind a local port on %s: %w", ip, os.NewSyscallError("bind", err))
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read the local port: %w", os.NewSyscallError("getsockname", err))
	}
	switch sa := name.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(ip, uint16(sa.Port)), nil
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(ip, uint16(sa.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("read the local port: a %T", name)
}

// Reserve keeps a TCP address from everybody until the closer is called, by a socket that does not listen. Connecting to it is refused, and the kernel gives the port to
// nobody else meanwhile, neither when somebody asks for any free port nor as the local port of an outgoing connection. Linux lets a listener join it, since both allow reuse
// and this one does not listen.
func Reserve(addr netip.AddrPort) (io.Closer, error) {
	family := syscall.AF_INET
	if addr.Addr().Is6() {
		family = syscall.AF_INET6
	}
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = os.NewSyscallError("setsockopt", syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	if err == nil {
		err = os.NewSyscallError("bind", syscall.Bind(fd, sockaddr(addr)))
	}
	if err != nil {
		return nil, errors.Join(err, syscall.Close(fd))
	}
	return socket(fd), nil
}

type socket int

func (s socket) Close() error { return os.NewSyscallError("close", syscall.Close(int(s))) }

func sockaddr(a netip.AddrPort) syscall.Sockaddr {
	if a.Addr().Is4() {
		return &syscall.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &syscall.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

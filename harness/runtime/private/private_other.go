//go:build !linux

package private

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os/exec"
)

// Files are what the app reads of its network.
type Files map[string][]byte

// DefaultFiles are none.
func DefaultFiles() Files { return Files{} }

// Prepare does nothing.
func Prepare(*exec.Cmd) {}

// AsUser does nothing.
func AsUser(*exec.Cmd, User) {}

// Start is cmd.Start.
func Start(cmd *exec.Cmd) error { return cmd.Start() }

// Reap does nothing.
func Reap() (stop func()) { return func() {} }

// Enter fails.
func Enter(string, Files) error { return ErrSystem }

// Try fails.
func Try(context.Context, string, ...string) error { return ErrSystem }

// Inhabit fails.
func Inhabit(netip.Prefix, netip.Addr) error { return ErrSystem }

// Hold fails.
func Hold(netip.Addr) (io.Closer, error) { return nil, ErrSystem }

// Leave fails.
func Leave(string) error { return ErrSystem }

// OriginalDestination fails.
func OriginalDestination(*net.TCPConn) (netip.AddrPort, error) { return netip.AddrPort{}, ErrSystem }

// Datagrams fails.
func Datagrams() (map[netip.AddrPort]netip.AddrPort, error) { return nil, ErrSystem }

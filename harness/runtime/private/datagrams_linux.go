package private

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Datagrams is where the datagrams that the catch-all got were meant to go, by the address that sent them. The kernel tells a datagram's first destination to nobody, but
// its table of connections has both, for the 30 s after the last one (nf_conntrack_udp_timeout). Of a socket that sends to several addresses one is told.
func Datagrams() (map[netip.AddrPort]netip.AddrPort, error) {
	flows, err := netlink.ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
	if err != nil {
		return nil, fmt.Errorf("read the table of connections: %w", err)
	}
	meant := map[netip.AddrPort]netip.AddrPort{}
	for _, f := range flows {
		if f.Forward.Protocol == unix.IPPROTO_UDP && f.Reverse.SrcPort == CatchAllPort {
			meant[join(f.Forward.SrcIP, f.Forward.SrcPort)] = join(f.Forward.DstIP, f.Forward.DstPort)
		}
	}
	return meant, nil
}

func join(ip net.IP, port uint16) netip.AddrPort {
	address, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(address.Unmap(), port)
}

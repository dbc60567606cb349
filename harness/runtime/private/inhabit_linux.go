package private

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Inhabit makes the network of containers that this process's own is connected to ours, as Enter does for processes: gateway becomes an address of this container, and
// what the others send through it, to any address, is delivered here. subnet is theirs. It needs CAP_NET_ADMIN over this container, and nothing of the machine.
func Inhabit(subnet netip.Prefix, gateway netip.Addr) error {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"take the gateway's address", func() error { return takeAddress(subnet, gateway) }},
		{"leave no way out", dropDefaultRoutes},
		{"make every address ours", claimAddresses},
		{"lead strays to one door", func() error { return redirect(subnet) }},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("network of the containers: %s: %w", step.name, err)
		}
	}
	return nil
}

// takeAddress gives an address to the interface that has one of the subnet, whatever its name is.
func takeAddress(subnet netip.Prefix, gateway netip.Addr) error {
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	for _, link := range links {
		addresses, err := netlink.AddrList(link, unix.AF_INET)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			if ip, ok := netip.AddrFromSlice(a.IP.To4()); ok && subnet.Contains(ip) {
				return netlink.AddrAdd(link, alone(gateway))
			}
		}
	}
	return fmt.Errorf("no interface has an address in %s", subnet)
}

// alone is an address without a network around it: a connected prefix would beat the route over all addresses.
func alone(a netip.Addr) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}}
}

// dropDefaultRoutes takes away the routes out of here, which would beat the one over all addresses.
func dropDefaultRoutes() error {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range routes {
		if r.Dst == nil || r.Dst.IP.IsUnspecified() {
			errs = append(errs, netlink.RouteDel(&r))
		}
	}
	return errors.Join(errs...)
}

// Hold takes the address of a container that is gone, so that connecting to it is refused, as it is where a program has ended. Closing gives it back.
func Hold(a netip.Addr) (io.Closer, error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, err
	}
	if err := netlink.AddrAdd(lo, alone(a)); err != nil {
		return nil, fmt.Errorf("hold %s: %w", a, err)
	}
	return held{lo, alone(a)}, nil
}

type held struct {
	on netlink.Link
	a  *netlink.Addr
}

func (h held) Close() error { return netlink.AddrDel(h.on, h.a) }

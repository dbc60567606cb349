package private

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// redirect leads DNS questions to the resolver and everything else that no service has an address for to the catch-all, by rules in this network's own tables. They hold
// for what this network's own processes send, and for what comes in by its interfaces from other containers, whose addresses are in neighbours:
//
//	127.0.0.11, with neighbours    ──▶ as it is: there the engine answers for the names of containers
//	udp, tcp port 53, any address ──▶ :53
//	127.0.0.0/8, 198.18.0.0/15    ──▶ as it is, and neighbours too
//	all other udp, tcp            ──▶ :9, where OriginalDestination tells what was meant
func redirect(neighbours ...netip.Prefix) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "blackout"})
	protocols := []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP}
	own := append([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), Services}, neighbours...)
	hooks := map[string]*nftables.ChainHook{"output": nftables.ChainHookOutput}
	if len(neighbours) > 0 {
		hooks["prerouting"] = nftables.ChainHookPrerouting
	}
	for name, hook := range hooks {
		chain := c.AddChain(&nftables.Chain{Name: name, Table: table, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: nftables.ChainPriorityNATDest})
		add := func(parts ...[]expr.Any) {
			c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: slices.Concat(parts...)})
		}
		accept := []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}
		if len(neighbours) > 0 {
			add(destination(netip.PrefixFrom(EngineResolver, 32)), accept)
		}
		for _, p := range protocols {
			add(protocol(p), destinationPort(ResolverPort), to(ResolverPort))
		}
		for _, prefix := range own {
			add(destination(prefix), accept)
		}
		for _, p := range protocols {
			add(protocol(p), to(CatchAllPort))
		}
	}
	return c.Flush()
}

func protocol(number byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{number}},
	}
}

func destinationPort(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
	}
}

func destination(p netip.Prefix) []expr.Any {
	mask := net.CIDRMask(p.Bits(), 32)
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: mask, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: p.Addr().AsSlice()},
	}
}

func to(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.Redir{RegisterProtoMin: 1},
	}
}

// OriginalDestination is where a connection that the catch-all got was meant to go.
func OriginalDestination(conn *net.TCPConn) (netip.AddrPort, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	var found netip.AddrPort
	var failed error
	err = raw.Control(func(fd uintptr) {
		// The kernel fills in a sockaddr_in: family, port and address in network order. IPv6Mreq is as long as that and can be read without unsafe code.
		m, err := unix.GetsockoptIPv6Mreq(int(fd), unix.SOL_IP, unix.SO_ORIGINAL_DST)
		if err != nil {
			failed = err
			return
		}
		b := m.Multiaddr
		found = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:4]))
	})
	if err := errors.Join(err, failed); err != nil {
		return netip.AddrPort{}, fmt.Errorf("original destination of %s: %w", conn.RemoteAddr(), err)
	}
	return found, nil
}

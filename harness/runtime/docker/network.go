package docker

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// ranges is where the networks of cells lie. Nothing that a world names does, and a machine's own networks rarely: where one does, the engine says so and the next is tried.
var ranges = netip.MustParsePrefix("10.213.0.0/16")

// Within a cell's network of 256 addresses: the gateway, the container of the internet and the first instance. The upper half is the engine's to give.
const (
	gatewayAt, internetAt, instancesAt = 1, 2, 10
	mostInstances                      = 128 - instancesAt
)

// subnet is the network of one cell.
type subnet struct {
	id, name string
	prefix   netip.Prefix
}

func (s subnet) at(n int) netip.Addr {
	a := s.prefix.Addr().As4()
	a[3] = byte(n)
	return netip.AddrFrom4(a)
}

// newSubnet makes a network whose bridge has no address and lets nothing out. Several processes may do that at once: the engine refuses what another has.
func (e *Engine) newSubnet(ctx context.Context, name string, seed byte, labels map[string]string) (subnet, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), making)
	defer cancel()
	var last error
	for n := range 256 {
		a := ranges.Addr().As4()
		a[2] = seed + byte(n)
		s := subnet{name: name, prefix: netip.PrefixFrom(netip.AddrFrom4(a), 24)}
		made, err := e.client.NetworkCreate(ctx, name, client.NetworkCreateOptions{
			Driver: "bridge",
			IPAM: &network.IPAM{Driver: "default", Config: []network.IPAMConfig{{
				Subnet: s.prefix, IPRange: netip.PrefixFrom(s.at(128), 25), Gateway: s.at(gatewayAt),
			}}},
			Options: map[string]string{
				"com.docker.network.bridge.inhibit_ipv4":         "true", // the bridge, and so this machine, has no address in it
				"com.docker.network.bridge.enable_ip_masquerade": "false",
			},
			Labels: maps.Clone(labels),
		})
		if err == nil {
			s.id = made.ID
			return s, nil
		}
		if last = err; ctx.Err() != nil || !strings.Contains(err.Error(), "overlap") {
			break
		}
	}
	return subnet{}, fmt.Errorf("make a network for the containers: %w", last)
}

// endpoint gives a container its address in the network; without one the engine does.
func (s subnet) endpoint(a netip.Addr, aliases ...string) func(map[string]*network.EndpointSettings) {
	return func(all map[string]*network.EndpointSettings) {
		all[s.name] = &network.EndpointSettings{NetworkID: s.id, Aliases: aliases}
		if a.IsValid() {
			all[s.name].IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: a}
		}
	}
}

package compose

import (
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// Reasons why a cell cannot do what a service asks for.
const (
	ownNetwork = "all containers of a run are in its own network"
	apart      = "it would lower what keeps the container and this machine apart"
	devices    = "devices of this machine are not given to containers of a run"
	elsewhere  = "it is found by another program than the container engine"
)

// refusals keeps each key of a service that a cell cannot do. What is left out here and not used changes nothing that a run is about: ports, deploy, labels, logging and so
// on.
func (r *reader) refusals(c types.ServiceConfig) {
	reserved := c.Deploy != nil && c.Deploy.Resources.Reservations != nil && len(c.Deploy.Resources.Reservations.Devices) > 0
	for _, one := range []struct {
		key  string
		used bool
		why  string
	}{
		{"privileged", c.Privileged, apart},
		{"network_mode", c.NetworkMode != "" && c.NetworkMode != "bridge", ownNetwork},
		{"pid", c.Pid != "", apart},
		{"ipc", c.Ipc != "" && c.Ipc != "private" && c.Ipc != "shareable", apart},
		{"uts", c.Uts != "", apart},
		{"cgroup", c.Cgroup == "host", apart},
		{"cgroup_parent", c.CgroupParent != "", apart},
		{"userns_mode", c.UserNSMode != "", apart},
		{"device_cgroup_rules", len(c.DeviceCgroupRules) > 0, devices},
		{"devices", len(c.Devices) > 0, devices},
		{"gpus", len(c.Gpus) > 0, devices},
		{"deploy", reserved, devices},
		{"use_api_socket", c.UseAPISocket, "the container engine is not reached from a run"},
		{"volumes_from", len(c.VolumesFrom) > 0, "name the volumes themselves"},
		{"external_links", len(c.ExternalLinks) > 0, "containers outside of the run are not reached"},
		{"credential_spec", c.CredentialSpec != nil, elsewhere},
		{"runtime", c.Runtime != "", elsewhere},
		{"isolation", c.Isolation != "" && c.Isolation != "default", elsewhere},
		{"provider", c.Provider != nil, elsewhere},
		{"models", len(c.Models) > 0, elsewhere},
		{"post_start", len(c.PostStart) > 0, "hooks are not run"},
	} {
		if one.used {
			r.refuse(one.why, "services", c.Name, one.key)
		}
	}
	for name, n := range c.Networks {
		if n != nil && n.Ipv4Address != "" {
			r.refuse("the run has addresses of its own: use the service's name", "services", c.Name, "networks", name, "ipv4_address")
		}
	}
}

// harmless are capabilities that reach neither the network of the run nor this machine, beside those that the engine gives anyway.
var harmless = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	"IPC_LOCK", "SYS_NICE", "SYS_PTRACE", "SYS_RESOURCE",
}

func (r *reader) capabilities(c types.ServiceConfig) []string {
	for _, name := range c.CapAdd {
		if !slices.Contains(harmless, strings.TrimPrefix(strings.ToUpper(name), "CAP_")) {
			r.refuse(name+": "+apart, "services", c.Name, "cap_add")
		}
	}
	return c.CapAdd
}

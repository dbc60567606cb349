package compose

import (
	"cmp"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// service makes a service of what compose-go has read, and keeps what a cell cannot do.
func (r *reader) service(c types.ServiceConfig) *Service {
	r.refusals(c)
	s := &Service{
		Name: c.Name, Image: c.Image, Build: r.build(c), Entrypoint: c.Entrypoint, Command: c.Command, Env: map[string]string{},
		User: c.User, WorkingDir: c.WorkingDir, Hostname: c.Hostname, StopSignal: c.StopSignal, Restart: c.Restart, Init: c.Init, ReadOnly: c.ReadOnly, TTY: c.Tty,
		ShmSize: int64(c.ShmSize), CapAdd: r.capabilities(c), CapDrop: c.CapDrop, GroupAdd: c.GroupAdd, Sysctls: c.Sysctls,
		ExtraHosts: slices.Sorted(slices.Values(c.ExtraHosts.AsList(":"))), Tmpfs: map[string]string{}, Health: health(c.HealthCheck), Files: map[string][]byte{},
	}
	for name, value := range c.Environment {
		if value != nil { // else the file takes it from an environment that does not have it
			s.Env[name] = *value
		}
	}
	for _, entry := range c.Tmpfs {
		at, options, _ := strings.Cut(entry, ":")
		s.Tmpfs[at] = options
	}
	for _, name := range slices.Sorted(maps.Keys(c.Ulimits)) {
		u := c.Ulimits[name]
		s.Ulimits = append(s.Ulimits, Ulimit{name, int64(cmp.Or(u.Single, u.Soft)), int64(cmp.Or(u.Single, u.Hard))})
	}
	for _, option := range c.SecurityOpt {
		if s.NoNewPrivileges = s.NoNewPrivileges || strings.HasPrefix(option, "no-new-privileges"); !strings.HasPrefix(option, "no-new-privileges") {
			r.refuse(option+" would lower what keeps containers apart", "services", c.Name, "security_opt")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Networks)) {
		if n := c.Networks[name]; n != nil {
			s.Aliases = append(s.Aliases, n.Aliases...)
		}
	}
	for _, alias := range []string{c.ContainerName, c.Hostname} {
		if alias != "" && alias != c.Name {
			s.Aliases = append(s.Aliases, alias)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.DependsOn)) {
		d := c.DependsOn[name]
		s.Needs = append(s.Needs, Need{name, cmp.Or(d.Condition, Started), !d.Required})
	}
	for _, v := range c.Volumes {
		r.mount(s, v)
	}
	for _, secret := range c.Secrets {
		r.file(s, "secrets", types.FileObjectConfig(r.project.Secrets[secret.Source]), types.FileReferenceConfig(secret), "/run/secrets")
	}
	for _, config := range c.Configs {
		r.file(s, "configs", types.FileObjectConfig(r.project.Configs[config.Source]), types.FileReferenceConfig(config), "/")
	}
	return s
}

// links gives services the names by which others link to them.
func (r *reader) links() {
	for _, c := range r.project.Services {
		for _, link := range c.Links {
			if name, alias, ok := strings.Cut(link, ":"); ok && r.all[name] != nil && alias != name {
				r.all[name].Aliases = append(r.all[name].Aliases, alias)
			}
		}
	}
	for _, s := range r.all {
		slices.Sort(s.Aliases)
		s.Aliases = slices.Compact(s.Aliases)
	}
}

func health(h *types.HealthCheckConfig) *Health {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &Health{Test: []string{"NONE"}}
	}
	known := func(d *types.Duration) time.Duration {
		if d == nil {
			return 0
		}
		return time.Duration(*d)
	}
	out := &Health{Test: h.Test, Interval: known(h.Interval), Timeout: known(h.Timeout), StartPeriod: known(h.StartPeriod), StartInterval: known(h.StartInterval)}
	if h.Retries != nil {
		out.Retries = int(*h.Retries)
	}
	return out
}

func (r *reader) build(c types.ServiceConfig) *Build {
	b := c.Build
	if b == nil {
		return nil
	}
	refuse := func(key, why string) { r.refuse(why, "services", c.Name, "build", key) }
	for _, one := range []struct {
		key  string
		used bool
	}{
		{"additional_contexts", len(b.AdditionalContexts) > 0}, {"secrets", len(b.Secrets) > 0}, {"ssh", len(b.SSH) > 0},
		{"entitlements", len(b.Entitlements) > 0}, {"privileged", b.Privileged},
	} {
		if one.used {
			refuse(one.key, "such builds are not made here: build the image beforehand and name it in image")
		}
	}
	if b.DockerfileInline != "" {
		refuse("dockerfile_inline", "it is not read here: put it into a file and name that in dockerfile")
	}
	if info, err := os.Stat(b.Context); err != nil || !info.IsDir() {
		refuse("context", b.Context+" is no folder of this machine")
		return nil
	}
	file := cmp.Or(b.Dockerfile, "Dockerfile")
	if filepath.IsAbs(file) {
		if below, err := filepath.Rel(b.Context, file); err == nil {
			file = below
		}
	}
	if !filepath.IsLocal(file) {
		refuse("dockerfile", file+" does not lie in the build's context "+b.Context)
	}
	return &Build{Context: b.Context, Dockerfile: filepath.ToSlash(file), Target: b.Target, Args: b.Args, NoCache: b.NoCache}
}

func (r *reader) mount(s *Service, v types.ServiceVolumeConfig) {
	key := []string{"services", s.Name, "volumes"}
	m := Mount{Kind: v.Type, Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
	switch v.Type {
	case Bind:
		if info, err := os.Stat(v.Source); err == nil && info.Mode()&os.ModeSocket != 0 || strings.HasSuffix(v.Source, "docker.sock") {
			r.refuse(v.Source+" is a socket of this machine: it leads out of the run's network", key...)
			return
		} else if holdsSockets(v.Source) {
			r.refuse(v.Source+" holds sockets of this machine: they lead out of the run's network", key...)
			return
		} else if err != nil && (v.Bind == nil || !bool(v.Bind.CreateHostPath)) {
			r.refuse(v.Source+" is not there", key...)
			return
		}
		if v.Bind != nil {
			m.Options = strings.Join(slices.DeleteFunc([]string{v.Bind.SELinux, v.Bind.Propagation}, func(o string) bool { return o == "" }), ",")
		}
	case Volume:
		if v.Volume != nil {
			m.NoCopy = v.Volume.NoCopy
			if v.Volume.Subpath != "" {
				r.refuse("a part of a volume (subpath) is not mounted here", key...)
			}
		}
		of := r.project.Volumes[v.Source]
		switch {
		case bool(of.External):
			r.refuse("an external volume is no part of a run, which begins with empty ones: leave out external", "volumes", v.Source, "external")
		case of.Driver != "" && of.Driver != "local", len(of.DriverOpts) > 0:
			r.refuse("only the engine's own volumes can be made and removed with a run: leave out driver and driver_opts", "volumes", v.Source)
		}
	case Tmpfs:
		if v.Tmpfs != nil {
			m.Size, m.Mode = int64(v.Tmpfs.Size), v.Tmpfs.Mode
		}
	default:
		r.refuse("a mount of type "+v.Type+" is not made here", key...)
		return
	}
	s.Mounts = append(s.Mounts, m)
}

// holdsSockets reports whether a folder has below it where the container engine listens, or where runs do.
func holdsSockets(folder string) bool {
	for _, inside := range []string{"/var/run/docker.sock", "/run/docker.sock", os.TempDir()} {
		if rel, err := filepath.Rel(folder, inside); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return true
		}
	}
	return false
}

// file puts a secret or config where the service looks for it.
func (r *reader) file(s *Service, kind string, f types.FileObjectConfig, ref types.FileReferenceConfig, folder string) {
	if f.External {
		r.refuse("what is external is kept by a swarm, which a run has none of: name a file", kind, ref.Source, "external")
		return
	}
	content := []byte(f.Content)
	switch {
	case f.File != "":
		var err error
		if content, err = os.ReadFile(f.File); err != nil {
			r.refuse(err.Error(), kind, ref.Source, "file")
			return
		}
	case f.Environment != "":
		value, ok := r.project.Environment[f.Environment]
		if !ok {
			r.refuse("the environment has no "+f.Environment, kind, ref.Source, "environment")
			return
		}
		content = []byte(value)
	}
	target := cmp.Or(ref.Target, ref.Source)
	if !path.IsAbs(target) {
		target = path.Join(folder, target)
	}
	s.Files[target] = content
}

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"blackout/harness/runtime/compose"
	"blackout/harness/runtime/control"
)

// services are what a compose file has, and what of it is there.
type services struct {
	file   *compose.File
	images map[string]string                   // by service
	made   map[string]testcontainers.Container // those beside the app; the cell's mutex guards it
}

// UseCompose says what the app's instances are and what comes along, with the image of each service. It has to be called before the cell starts anything.
func (c *Cell) UseCompose(f *compose.File, images map[string]string) {
	c.Use(images[f.App.Name])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.services = &services{file: f, images: images, made: map[string]testcontainers.Container{}}
}

// BuildServices has the image of each service here: built by its Dockerfile, tagged with the app's name and that of the first service that has this build, or pulled where the
// engine does not have it. What builds print goes to log.
func (e *Engine) BuildServices(ctx context.Context, app string, f *compose.File, log io.Writer) (images map[string]string, err error) {
	images = map[string]string{}
	all := f.All()
	for i, s := range all {
		same := slices.IndexFunc(all[:i], func(o *compose.Service) bool { return s.Build != nil && reflect.DeepEqual(o.Build, s.Build) })
		if same >= 0 {
			images[s.Name] = images[all[same].Name]
		} else if s.Build != nil {
			images[s.Name], err = e.buildFrom(ctx, AppRepository(app), strings.ToLower(s.Name)+"-"+folderTag(s.Build.Context), s.Build, log)
		} else {
			images[s.Name], err = s.Image, e.Have(ctx, s.Image)
		}
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", s.Name, err)
		}
	}
	return images, nil
}

// Have pulls an image that is not here.
func (e *Engine) Have(ctx context.Context, image string) error {
	there, err := e.hasImage(ctx, image)
	if err != nil || there {
		return err
	}
	if err := e.provider.PullImage(ctx, image); err != nil {
		return fmt.Errorf("the image %s is not here, and cannot be pulled: %w", image, firstLine(err))
	}
	return nil
}

// StartServices starts what the compose file has beside the app: before its instances start, or once they take requests. Each one starts when what it needs is there; in
// the end what the app needs is there too.
func (c host) StartServices(ctx context.Context, when string, l control.Launch) error {
	select {
	case c.starting <- struct{}{}: // Close waits for it, and removes what it has made
		defer func() { <-c.starting }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	s, closed := c.services, c.closed
	c.mu.Unlock()
	switch {
	case closed:
		return errClosed
	case s == nil:
		return errors.New("there is no compose file")
	}
	list := s.file.After
	if when == control.Before {
		list = s.file.Before
		for _, name := range s.file.Volumes {
			if err := c.makeVolume(ctx, name); err != nil {
				return err
			}
		}
	}
	for _, one := range list {
		if err := c.await(ctx, s, one); err != nil {
			return err
		}
		if err := c.startService(ctx, s, one, l); err != nil {
			return fmt.Errorf("service %s: %w", one.Name, err)
		}
	}
	if when == control.Before {
		return c.await(ctx, s, s.file.App)
	}
	return nil
}

// volume is what the engine calls a volume of the file.
func (c *Cell) volume(name string) string { return c.name("volume-" + name) }

func (c *Cell) makeVolume(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), making) // as create
	defer cancel()
	if _, err := c.engine.client.VolumeCreate(ctx, client.VolumeCreateOptions{Name: c.volume(name), Labels: c.labelled("service")}); err != nil {
		return fmt.Errorf("volume %s: %w", name, firstLine(err))
	}
	return nil
}

// mostLog bounds what the engine keeps of what a service prints.
const mostLog = "16m"

func (c *Cell) startService(ctx context.Context, s *services, one *compose.Service, l control.Launch) error {
	req, err := c.request(one, s.images[one.Name], one.Name, l)
	if err != nil {
		return err
	}
	req.Name, req.Labels = c.name("service-"+one.Name), c.labelled("service")
	modify := req.HostConfigModifier
	req.HostConfigModifier = func(h *container.HostConfig) {
		modify(h)
		h.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": mostLog}}
		h.RestartPolicy = restart(one.Restart)
	}
	made, err := c.create(ctx, req, netip.Addr{}, append([]string{one.Name}, one.Aliases...)...)
	if err != nil {
		return err
	}
	c.mu.Lock()
	s.made[one.Name] = made
	c.mu.Unlock()
	if _, err := c.engine.client.ContainerStart(ctx, made.GetContainerID(), client.ContainerStartOptions{}); err != nil {
		return firstLine(err)
	}
	return nil
}

// restart reads a restart policy, "on-failure:3".
func restart(policy string) container.RestartPolicy {
	mode, count, _ := strings.Cut(policy, ":")
	most, _ := strconv.Atoi(count) // none is 0, and compose-go has checked the rest
	return container.RestartPolicy{Name: container.RestartPolicyMode(mode), MaximumRetryCount: most}
}

// request is what a container of a service is made by. What the cell launches with goes before what the file says.
func (c *Cell) request(s *compose.Service, image, folder string, l control.Launch) (testcontainers.ContainerRequest, error) {
	req := testcontainers.ContainerRequest{Image: image, Entrypoint: s.Entrypoint, Cmd: s.Command, Env: map[string]string{}, Tmpfs: s.Tmpfs}
	for name, value := range s.Env {
		req.Env[name] = value
	}
	for _, pair := range l.Env {
		name, value, _ := strings.Cut(pair, "=")
		req.Env[name] = value
	}
	files := map[string][]byte{}
	for path, content := range s.Files {
		files[path] = content
	}
	for path, content := range l.Files {
		files[path] = content
	}
	binds, err := c.files(folder, files)
	if err != nil {
		return req, err
	}
	var mounts []mount.Mount
	for _, m := range s.Mounts {
		switch m.Kind {
		case compose.Bind:
			options := "rw"
			if m.ReadOnly {
				options = "ro"
			}
			if m.Options != "" {
				options += "," + m.Options
			}
			binds = append(binds, m.Source+":"+m.Target+":"+options)
		case compose.Volume:
			v := mount.Mount{Type: mount.TypeVolume, Target: m.Target, ReadOnly: m.ReadOnly, VolumeOptions: &mount.VolumeOptions{NoCopy: m.NoCopy, Labels: c.labelled("service")}}
			if m.Source != "" {
				v.Source = c.volume(m.Source)
			}
			mounts = append(mounts, v)
		case compose.Tmpfs:
			mounts = append(mounts, mount.Mount{Type: mount.TypeTmpfs, Target: m.Target, TmpfsOptions: &mount.TmpfsOptions{SizeBytes: m.Size, Mode: os.FileMode(m.Mode)}})
		}
	}
	req.ConfigModifier = func(cfg *container.Config) {
		cfg.User, cfg.WorkingDir, cfg.Hostname, cfg.StopSignal, cfg.Tty = s.User, s.WorkingDir, s.Hostname, s.StopSignal, s.TTY
		if s.Entrypoint != nil && len(s.Entrypoint) == 0 {
			cfg.Entrypoint = []string{""} // which takes the image's away
		}
		cfg.Healthcheck = c.engine.health(s.Health)
	}
	req.HostConfigModifier = func(h *container.HostConfig) {
		h.Binds, h.Init, h.ReadonlyRootfs, h.ShmSize = binds, s.Init, s.ReadOnly, s.ShmSize
		h.Mounts = append(h.Mounts, mounts...)
		h.CapAdd, h.CapDrop, h.GroupAdd, h.Sysctls, h.ExtraHosts = s.CapAdd, s.CapDrop, s.GroupAdd, s.Sysctls, s.ExtraHosts
		for _, u := range s.Ulimits {
			h.Ulimits = append(h.Ulimits, &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
		}
		if s.NoNewPrivileges {
			h.SecurityOpt = append(h.SecurityOpt, "no-new-privileges")
		}
	}
	return req, nil
}

// health is a health check as the engine takes it.
func (e *Engine) health(h *compose.Health) *container.HealthConfig {
	if h == nil {
		return nil
	}
	out := &container.HealthConfig{Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, Retries: h.Retries}
	if !olderThan(e.API, 44) {
		out.StartInterval = h.StartInterval
	}
	return out
}

// olderThan reports whether a version of the engine's interface is older than 1.minor.
func olderThan(version string, minor int) bool {
	_, after, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(after)
	return err != nil || n < minor
}

// Logs gives what each service beside the app has printed, which is asked for before Close.
func (c *Cell) Logs(ctx context.Context, to func(service string) (io.WriteCloser, error)) error {
	c.mu.Lock()
	s := c.services
	c.mu.Unlock()
	if s == nil {
		return nil
	}
	var errs []error
	for _, one := range s.file.All() {
		made := c.service(s, one.Name)
		if made == nil {
			continue
		}
		out, err := to(one.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		logs, err := c.engine.client.ContainerLogs(ctx, made.GetContainerID(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
		if err == nil {
			err = errors.Join(copyLogs(out, logs, one.TTY), logs.Close())
		}
		if err = errors.Join(err, out.Close()); err != nil {
			errs = append(errs, fmt.Errorf("log of service %s: %w", one.Name, err))
		}
	}
	return errors.Join(errs...)
}

// copyLogs copies what a container printed; a terminal has one stream for all.
func copyLogs(to io.Writer, from io.Reader, terminal bool) (err error) {
	if terminal {
		_, err = io.Copy(to, from)
	} else {
		_, err = stdcopy.StdCopy(to, to, from)
	}
	return err
}

func (c *Cell) service(s *services, name string) testcontainers.Container {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.made[name]
}

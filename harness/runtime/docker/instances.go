package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"blackout/harness/runtime/compose"
	"blackout/harness/runtime/control"
)

// host runs the instances of a cell, as the cell asks.
type host struct{ *Cell }

var _ control.Host = host{}

// Start starts an instance: in a new container the first time, and in the same again.
func (c host) Start(ctx context.Context, instance string, l control.Launch, happened func(control.Event)) error {
	made, tty, err := c.instance(ctx, instance, l)
	if err != nil {
		return err
	}
	id := made.GetContainerID()
	attached, err := c.engine.client.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return fmt.Errorf("listen to the container: %w", err)
	}
	defer attached.Close()
	defer context.AfterFunc(ctx, attached.Close)() // reading heeds no context
	ended := c.engine.client.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := c.engine.client.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return firstLine(err)
	}
	happened(control.Event{Started: true})
	printed := teller(happened)
	copyErr := copyLogs(printed, attached.Reader, tty)
	if copyErr != nil {
		_, _ = io.Copy(io.Discard, attached.Reader) // so that the app can go on printing
	}
	select {
	case w := <-ended.Result:
		end := control.Event{Ended: status(w.StatusCode)}
		if copyErr != nil {
			end.Lost = copyErr.Error()
		}
		happened(end)
		return nil
	case err := <-ended.Error:
		return errors.Join(err, copyErr)
	}
}

// status words an exit status as for a program on this machine. An engine gives 128 and the signal's number for one that a signal ended.
func status(code int64) string {
	if code > 128 && code < 128+65 {
		return "signal: " + syscall.Signal(code-128).String()
	}
	return "exit status " + strconv.FormatInt(code, 10)
}

// teller tells what is written to it.
type teller func(control.Event)

func (t teller) Write(p []byte) (int, error) {
	t(control.Event{Out: p})
	return len(p), nil
}

// instance is the container of an instance, which is made when there is none. tty says that it has a terminal.
func (c *Cell) instance(ctx context.Context, name string, l control.Launch) (made testcontainers.Container, tty bool, err error) {
	c.mu.Lock()
	for c.underway[name] != nil {
		other := c.underway[name]
		c.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		c.mu.Lock()
	}
	service := &compose.Service{}
	if c.services != nil {
		service = c.services.file.App
	}
	there, closed, image := c.app[name], c.closed, c.image
	if there != nil || closed {
		c.mu.Unlock()
		if there != nil {
			return there, service.TTY, nil
		}
		return nil, false, errClosed
	}
	done := make(chan struct{})
	c.underway[name] = done
	c.mu.Unlock()
	made, err = c.makeInstance(ctx, service, image, name, l)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.underway, name)
	close(done)
	if err != nil {
		return nil, false, err
	}
	c.app[name] = made
	return made, service.TTY, nil
}

// makeInstance makes the container of an instance.
func (c *Cell) makeInstance(ctx context.Context, service *compose.Service, image, name string, l control.Launch) (testcontainers.Container, error) {
	index := slices.Index(c.cfg.Instances, name)
	if index < 0 || image == "" {
		return nil, fmt.Errorf("instance %s: there is no such instance, or no image yet", name)
	}
	req, err := c.request(service, image, name, l)
	if err != nil {
		return nil, err
	}
	modify := req.HostConfigModifier
	req.Name, req.Labels = c.name(name), c.labelled("app")
	req.HostConfigModifier = func(h *container.HostConfig) {
		modify(h)
		h.LogConfig = container.LogConfig{Type: "none"} // the run keeps what it prints
	}
	aliases := []string{name}
	if service.Name != "" {
		aliases = append(append(aliases, service.Name), service.Aliases...)
	}
	return c.create(ctx, req, c.net.at(instancesAt+index), aliases...)
}

// files writes what an instance finds in the place of its image's own files, and says how they are bound over them.
func (c *Cell) files(instance string, content map[string][]byte) ([]string, error) {
	folder := filepath.Join(c.cfg.Folder, "files", instance)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var binds []string
	for path, bytes := range content {
		own := filepath.Join(folder, url.PathEscape(strings.Trim(path, "/")))
		// Its user may be any, and this process's umask is no affair of the app's.
		if err := errors.Join(os.WriteFile(own, bytes, 0o644), os.Chmod(own, 0o644)); err != nil {
			return nil, err
		}
		binds = append(binds, own+":"+path+":ro")
	}
	slices.Sort(binds)
	return binds, nil
}

// Kill ends an instance at once.
func (c host) Kill(ctx context.Context, instance string) error {
	return c.on(instance, func(id string) error {
		_, err := c.engine.client.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "KILL"})
		return err
	})
}

// Pause stops an instance where it stands.
func (c host) Pause(ctx context.Context, instance string) error {
	return c.on(instance, func(id string) error {
		_, err := c.engine.client.ContainerPause(ctx, id, client.ContainerPauseOptions{})
		return err
	})
}

// Resume has it go on.
func (c host) Resume(ctx context.Context, instance string) error {
	return c.on(instance, func(id string) error {
		_, err := c.engine.client.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
		return err
	})
}

// Stop asks it to end, and kills it after the grace, in whole seconds.
func (c host) Stop(ctx context.Context, instance string, grace time.Duration) error {
	return c.on(instance, func(id string) error {
		seconds := int(max(grace, time.Second).Seconds())
		_, err := c.engine.client.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: &seconds})
		return err
	})
}

func (c *Cell) on(instance string, do func(id string) error) error {
	c.mu.Lock()
	made := c.app[instance]
	c.mu.Unlock()
	if made == nil {
		return fmt.Errorf("instance %s has no container", instance)
	}
	if err := do(made.GetContainerID()); err != nil {
		return fmt.Errorf("instance %s: %w", instance, firstLine(err))
	}
	return nil
}

package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"blackout/harness/clock"
)

// Labels of everything that this package makes.
const (
	labelOwner = "org.blackout.owner" // the process that made it: owner
	labelRun   = "org.blackout.run"   // the run's id
	labelRole  = "org.blackout.role"  // internet, app, service
	labelImage = "org.blackout.image" // of images: internet, app
	// labelFolder, of networks, is the cell's own folder on this machine.
	labelFolder = "org.blackout.folder"
)

// Removed counts what a sweep removed.
type Removed struct{ Containers, Networks, Volumes, Folders int }

// String tells what there was: "2 containers, 1 network".
func (r Removed) String() string {
	var parts []string
	for _, kind := range []struct {
		n    int
		name string
	}{{r.Containers, "container"}, {r.Networks, "network"}, {r.Volumes, "volume"}, {r.Folders, "folder"}} {
		switch kind.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+kind.name)
		default:
			parts = append(parts, strconv.Itoa(kind.n)+" "+kind.name+"s")
		}
	}
	return strings.Join(parts, ", ")
}

// Sweep removes what runs have left whose process is gone. Those that go on are not touched.
func (e *Engine) Sweep(ctx context.Context) (Removed, error) {
	here, err := thisProcess(ctx)
	if err != nil {
		return Removed{}, fmt.Errorf("find this process: %w", err)
	}
	return e.sweep(ctx, func(labels map[string]string) bool { return here.knowsGone(ctx, labels[labelOwner]) })
}

// sweepTries is how often something is tried that another holds who sweeps at the same time, or ends just now, and sweepPause the time in between.
const sweepTries, sweepPause = 50, 200 * time.Millisecond

// sweep removes what is labelled, and chosen by its labels. Another process may be at the same: what it removes is gone all the same, and what it still holds is tried again.
func (e *Engine) sweep(ctx context.Context, chosen func(labels map[string]string) bool) (Removed, error) {
	var all Removed
	for try := 1; ; try++ {
		r, left, err := e.sweepOnce(ctx, chosen)
		all = Removed{all.Containers + r.Containers, all.Networks + r.Networks, all.Volumes + r.Volumes, all.Folders + r.Folders}
		if err != nil || len(left) == 0 {
			return all, err
		}
		if try == sweepTries {
			return all, errors.Join(left...)
		}
		if err := clock.Sleep(ctx, sweepPause); err != nil {
			return all, errors.Join(append(left, err)...)
		}
	}
}

// sweepOnce goes through all once: containers first, since they hold the rest. left is why something is still there.
func (e *Engine) sweepOnce(ctx context.Context, chosen func(labels map[string]string) bool) (r Removed, left []error, err error) {
	count := func(n *int, err error) {
		switch {
		case err == nil:
			*n++
		case !errdefs.IsNotFound(err):
			left = append(left, err)
		}
	}
	ours := func() client.Filters { return make(client.Filters).Add("label", labelOwner) }
	containers, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours()})
	if err != nil {
		return r, nil, fmt.Errorf("list containers: %w", err)
	}
	for _, c := range containers.Items {
		if chosen(c.Labels) {
			_, err := e.client.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			count(&r.Containers, err)
		}
	}
	networks, err := e.client.NetworkList(ctx, client.NetworkListOptions{Filters: ours()})
	if err != nil {
		return r, nil, fmt.Errorf("list networks: %w", err)
	}
	for _, n := range networks.Items {
		if chosen(n.Labels) {
			_, err := e.client.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			if count(&r.Networks, err); err == nil && removeFolder(n.Labels[labelFolder]) {
				r.Folders++
			}
		}
	}
	volumes, err := e.client.VolumeList(ctx, client.VolumeListOptions{Filters: ours()})
	if err != nil {
		return r, nil, fmt.Errorf("list volumes: %w", err)
	}
	for _, v := range volumes.Items {
		if chosen(v.Labels) {
			_, err := e.client.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
			count(&r.Volumes, err)
		}
	}
	return r, left, nil
}

// removeFolder removes what a run had in the temporary folder, and nothing elsewhere, whatever a label says. What it may not remove belongs to another user.
func removeFolder(folder string) bool {
	if filepath.Dir(folder) != filepath.Clean(os.TempDir()) || !strings.HasPrefix(filepath.Base(folder), "blackout-") {
		return false
	}
	if _, err := os.Lstat(folder); err != nil {
		return false
	}
	return os.RemoveAll(folder) == nil
}

package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"
)

// Trial is what the container of Try is told: the network that it has to inhabit, see private.Inhabit.
type Trial struct {
	Subnet  netip.Prefix `json:"subnet"`
	Gateway netip.Addr   `json:"gateway"`
}

// removing is how long the engine may take to remove what was tried.
const removing = 20 * time.Second

// Try makes what every cell has and removes it again: a network, and a container of an image of the internet in it, which takes it over. command is what that runs; it
// finds a Trial as its order at the socket of the folder that it gets as its last argument. folder is an own one of this machine, to share that socket.
func (e *Engine) Try(ctx context.Context, image, folder string, command ...string) (err error) {
	c, err := e.NewCell(ctx, Config{ID: fmt.Sprintf("doctor-%d", os.Getpid()), Internet: image, Command: command, Folder: folder})
	if err != nil {
		return err
	}
	removed := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removing)
		defer cancel()
		return c.Close(ctx)
	}
	in, _, err := c.Start(ctx)
	if err != nil {
		return errors.Join(err, removed())
	}
	order, err := json.Marshal(Trial{c.Subnet(), c.Gateway()})
	if err != nil {
		return errors.Join(err, removed())
	}
	told, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := in.Write(append(order, '\n')) // waits until it is read, or the container has ended
		told <- err
	}()
	go func() { ended <- c.Wait(ctx) }()
	select {
	case err = <-ended:
		if err == nil {
			err = <-told
		}
	case <-ctx.Done():
		err = fmt.Errorf("the container of the internet did not end: %w", ctx.Err())
	}
	return errors.Join(err, removed())
}

// Room is how many bytes are free in the folder where the engine keeps images and containers; known is false where that cannot be told, as for an engine elsewhere.
func (e *Engine) Room(ctx context.Context) (bytes uint64, folder string, known bool) {
	info, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil || !strings.HasPrefix(e.client.DaemonHost(), "unix:") {
		return 0, "", false
	}
	var s unix.Statfs_t
	if err := unix.Statfs(info.Info.DockerRootDir, &s); err != nil {
		return 0, "", false
	}
	return s.Bavail * uint64(s.Bsize), info.Info.DockerRootDir, true
}

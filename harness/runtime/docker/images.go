package docker

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"golang.org/x/sys/unix"

	"blackout/harness/runtime/compose"
)

// repository is where the images of this project are tagged.
const repository = "blackout"

// What an image is: the value of its label.
const (
	WhatInternet = "internet"
	WhatApp      = "app"
)

// Image is an image that this project has built.
type Image struct {
	Name  string // "" for one whose name a later build has taken
	ID    string
	Bytes int64
	Built time.Time
	What  string
}

// String is the name, or the id of an image without one, as the engine's own list shows it.
func (i Image) String() string {
	if i.Name != "" {
		return i.Name
	}
	id := strings.TrimPrefix(i.ID, "sha256:")
	return id[:min(12, len(id))]
}

// InternetImage names the image of the container of the internet that a program makes: by its checksum, so that no other version is taken for it.
func InternetImage(program string) (string, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	return internetRepository + ":" + internetTag(content), nil
}

const internetRepository = repository + "/" + WhatInternet

func internetTag(program []byte) string {
	sum := sha256.Sum256(program)
	return hex.EncodeToString(sum[:6])
}

// AppRepository is where the images of an app are that BuildApp makes, one for each folder that they are built of.
func AppRepository(app string) string { return appRepository + "/" + strings.ToLower(app) }

func folderTag(folder string) string {
	sum := sha256.Sum256([]byte(folder))
	return hex.EncodeToString(sum[:6])
}

const appRepository = repository + "/" + WhatApp

// Images lists what this project has built here, newest first.
func (e *Engine) Images(ctx context.Context) ([]Image, error) {
	list, err := e.client.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("label", labelImage)})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var all []Image
	for _, i := range list.Items {
		one := Image{ID: i.ID, Bytes: i.Size, Built: time.Unix(i.Created, 0), What: i.Labels[labelImage]}
		named := false
		for _, name := range i.RepoTags {
			if name == "<none>:<none>" {
				continue
			}
			if named = true; strings.HasPrefix(name, repository+"/") { // another name is somebody's own
				one.Name = name
				all = append(all, one)
			}
		}
		if !named {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Image) int { return cmp.Or(b.Built.Compare(a.Built), cmp.Compare(a.String(), b.String())) })
	return all, nil
}

// RemoveImage removes an image that Images has listed. One that a container is of stays, and that is an error.
func (e *Engine) RemoveImage(ctx context.Context, i Image) error {
	if _, err := e.client.ImageRemove(ctx, cmp.Or(i.Name, i.ID), client.ImageRemoveOptions{PruneChildren: true}); err != nil {
		return fmt.Errorf("remove %s: %w", i, firstLine(err))
	}
	return nil
}

// BuildInternet makes the image of the container of the internet out of a program, which is this one, unless it is there: FROM scratch, with the loader and the libraries
// of this machine where the program is not static. It gives the image's name.
func (e *Engine) BuildInternet(ctx context.Context, program string) (string, error) {
	file, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer file.Close()
	done, err := e.startBuild(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	// Other processes of this program need the same image. The lock ends with the file, or with this process.
	if err := lock(ctx, file); err != nil {
		return "", err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	tag := internetTag(content)
	name := internetRepository + ":" + tag
	switch there, err := e.hasImage(ctx, name); {
	case err != nil:
		return "", err
	case there:
		return name, nil
	}
	needed, err := needs(program)
	if err != nil {
		return "", fmt.Errorf("make the image of the internet: %w", err)
	}
	files := map[string][]byte{"/blackout": content}
	for _, path := range needed {
		if files[path], err = os.ReadFile(path); err != nil {
			return "", err
		}
	}
	archive, err := archiveOf(files, `ENTRYPOINT ["/blackout"]`, WhatInternet)
	if err != nil {
		return "", err
	}
	_, err = e.provider.BuildImage(ctx, &testcontainers.ContainerRequest{FromDockerfile: testcontainers.FromDockerfile{
		ContextArchive: archive, Repo: internetRepository, Tag: tag, KeepImage: true,
	}})
	if err != nil {
		return "", fmt.Errorf("make the image of the internet: %w", err)
	}
	return name, nil
}

// BuildApp builds the image of an app by the Dockerfile in a folder, as "docker build" does, and gives its name. What the build prints goes to log.
func (e *Engine) BuildApp(ctx context.Context, app, folder string, log io.Writer) (string, error) {
	return e.buildFrom(ctx, AppRepository(app), folderTag(folder), &compose.Build{Context: folder}, log)
}

// buildFrom builds an image of an app, and gives its name.
func (e *Engine) buildFrom(ctx context.Context, to, tag string, b *compose.Build, log io.Writer) (string, error) {
	done, err := e.startBuild(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	_, err = e.provider.BuildImage(ctx, &testcontainers.ContainerRequest{FromDockerfile: testcontainers.FromDockerfile{
		Context: b.Context, Dockerfile: b.Dockerfile, BuildArgs: b.Args, Repo: to, Tag: tag, KeepImage: true, BuildLogWriter: log,
		BuildOptionsModifier: func(o *client.ImageBuildOptions) {
			if o.Labels == nil {
				o.Labels = map[string]string{}
			}
			o.Labels[labelImage], o.Target, o.NoCache = WhatApp, b.Target, b.NoCache
		},
	}})
	if err != nil {
		return "", fmt.Errorf("build %s: %w", b.Context, err)
	}
	return to + ":" + tag, nil
}

// startBuild waits until no other build goes on: of several at once each would make an image, and all but one lose their name.
func (e *Engine) startBuild(ctx context.Context) (done func(), err error) {
	select {
	case e.building <- struct{}{}:
		return func() { <-e.building }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lock waits until no other process holds the lock of a file. Where its file system has no locks there is none.
func lock(ctx context.Context, file *os.File) error {
	held := make(chan struct{})
	again, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0) // the same lock, and open for as long as it is waited for
	if err != nil {
		return err
	}
	go func() {
		for unix.Flock(again, unix.LOCK_EX) == unix.EINTR {
		}
		_ = unix.Close(again)
		close(held)
	}()
	select {
	case <-held:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Engine) hasImage(ctx context.Context, name string) (bool, error) {
	_, err := e.client.ImageInspect(ctx, name)
	switch {
	case err == nil:
		return true, nil
	case errdefs.IsNotFound(err):
		return false, nil
	}
	return false, fmt.Errorf("look for the image %s: %w", name, err)
}

// archiveOf is a build context of files by their path in the image, with a Dockerfile that puts them there.
func archiveOf(files map[string][]byte, last, what string) (io.ReadSeeker, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	lines := []string{"FROM scratch", "LABEL " + labelImage + "=" + what, "COPY root /", last, ""}
	add := func(name string, content []byte, mode int64) error {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content)), Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	err := add("Dockerfile", []byte(strings.Join(lines, "\n")), 0o644)
	for path, content := range files {
		err = errors.Join(err, add(filepath.ToSlash(filepath.Join("root", path)), content, 0o755))
	}
	return bytes.NewReader(buffer.Bytes()), errors.Join(err, w.Close())
}

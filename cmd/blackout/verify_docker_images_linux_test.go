//go:build verify

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"blackout/harness/runtime/docker"
)

// TestVerifyDockerImages builds, lists and removes images, and removes what a process has left that is gone, and nothing of one that lives. It names what it removes: others
// may use the engine meanwhile.
func TestVerifyDockerImages(t *testing.T) {
	e := needEngine(t)
	r := newRig(t)
	own := imageOf(t, r.binary)
	r.says("images", 0, own, "images", "build")
	r.says("a second build", 0, regexp.QuoteMeta(own)+`  [0-9.]+ MB  unchanged`, "images", "build")

	// Another program, by one byte.
	otherProgram := &rig{t: t, root: r.root, binary: filepath.Join(t.TempDir(), "blackout")}
	program, err := os.ReadFile(r.binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(otherProgram.binary, append(program, 0), 0o755); err != nil {
		t.Fatal(err)
	}
	other := imageOf(t, otherProgram.binary)
	otherProgram.says("build of another program", 0, regexp.QuoteMeta(other)+`  [0-9.]+ MB  built in `, "images", "build")
	t.Cleanup(func() { removeLeft(t, e, other) })
	r.says("list", 0, `(?m)^`+regexp.QuoteMeta(own)+` .*  internet, of this program$`, "images", "list")
	r.says("list", 0, `(?m)^`+regexp.QuoteMeta(other)+` .*  internet, of another program$`, "images", "list")
	otherProgram.says("list", 0, `(?m)^`+regexp.QuoteMeta(other)+` .*  internet, of this program$`, "images", "list")

	t.Run("sweep", func(t *testing.T) { r.beside(t).sweeps(e, own, other) })

	r.says("remove", 0, `^Removed `+regexp.QuoteMeta(other), "images", "remove", other)
	r.says("remove again", exitUsage, `no image `+regexp.QuoteMeta(other)+` was built here`, "images", "remove", other)
	if there := images(t, e); slices.ContainsFunc(there, func(i docker.Image) bool { return i.Name == other }) {
		t.Errorf("%s is still there", other)
	}
	t.Run("app", func(t *testing.T) { r.beside(t).buildsApp(e) })
}

// sweeps leaves behind what a killed run does, beside a cell that goes on.
func (r *rig) sweeps(e *docker.Engine, image, other string) {
	t := r.t
	living, err := e.NewCell(t.Context(), docker.Config{ID: "verify-images-" + strconv.Itoa(os.Getpid()), Internet: image, Command: []string{"inhabit"}, Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := living.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	if _, _, err := living.Start(t.Context()); err != nil { // it waits for its order
		t.Fatal(err)
	}
	beside := engineClient(t)
	id := strconv.Itoa(os.Getpid())
	before := ours(t, beside, "verify-images-"+id)
	if len(before) != 2 {
		t.Fatalf("the living cell has %q", before)
	}

	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "blackout-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	labels := map[string]string{"org.blackout.owner": ownedBy(t, beside, "verify-images-"+id, ended.ProcessState.Pid()), "org.blackout.folder": folder}
	if _, err := beside.NetworkCreate(t.Context(), "verify-gone-"+id, client.NetworkCreateOptions{Driver: "bridge", Labels: labels}); err != nil {
		t.Fatal(err)
	}
	if _, err := beside.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Name: "verify-gone-" + id, Config: &container.Config{Image: other, Cmd: []string{"version"}, Labels: labels}, HostConfig: &container.HostConfig{NetworkMode: container.NetworkMode("verify-gone-" + id)},
	}); err != nil {
		t.Fatal(err)
	}
	if left := ours(t, beside, "verify-gone-"+id); len(left) != 2 {
		t.Fatalf("left behind: %q", left)
	}

	said := r.says("remove an image in use", exitEnvironment, `remove `+regexp.QuoteMeta(other)+`: .*container`, "images", "remove", other)
	if !strings.Contains(said, "blackout clean") {
		t.Errorf("no hint:\n%s", said)
	}
	r.says("clean", 0, `^Removed .*\d+ containers?, \d+ networks?.*, \d+ folders?\.\n$`, "clean")
	if left := ours(t, beside, "verify-gone-"+id); len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the process that is gone: %v", err)
	}
	if after := ours(t, beside, "verify-images-"+id); !slices.Equal(before, after) {
		t.Errorf("of the process that lives: %q before, %q after", before, after)
	}
}

// buildsApp builds the image of an app twice, and again after a change.
func (r *rig) buildsApp(e *docker.Engine) {
	t := r.t
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const name = "verify-images"
	var image string // as the first build names it
	t.Cleanup(func() { removeLeft(t, e, image) })
	write("Dockerfile", "FROM scratch\nCOPY version /version\nENTRYPOINT [\"/version\"]\n")
	write("container.yaml", "schema: blackout/app/1\nname: "+name+"\nstart: {command: null, build: "+folder+", prepare: [cp, "+folder+"/source, "+folder+"/version]}\n")
	build := []string{"images", "build", "--app", "cmd/blackout/testdata/tiny", "--overlay", filepath.Join(folder, "container.yaml")}

	write("source", "one"+t.Name()+strconv.Itoa(os.Getpid()))
	said := r.says("build", 0, regexp.QuoteMeta(docker.AppRepository(name))+`:\w+  0\.0 MB  built in `, build...)
	image = regexp.MustCompile(regexp.QuoteMeta(docker.AppRepository(name)) + `:\w+`).FindString(said)
	r.says("build again", 0, regexp.QuoteMeta(image)+`  0\.0 MB  unchanged`, build...)
	first := slices.IndexFunc(images(t, e), func(i docker.Image) bool { return i.Name == image && i.What == docker.WhatApp })
	if first < 0 {
		t.Fatal("there is no such image")
	}
	replaced := images(t, e)[first]
	write("source", "two"+t.Name()+strconv.Itoa(os.Getpid()))
	r.says("build anew", 0, regexp.QuoteMeta(image)+`  0\.0 MB  built in `, build...)
	replaced.Name = ""
	r.says("list", 0, `(?m)^`+replaced.String()+` .*  app, replaced by a later build$`, "images", "list")
	r.says("remove by app", 0, `^Removed `+regexp.QuoteMeta(image), "images", "remove", "--app", name)
	r.says("remove by id", 0, `^Removed `+replaced.String(), "images", "remove", replaced.String())
	write("Dockerfile", "FROM scratch\nCOPY missing /version\n")
	r.says("a build that fails", exitEnvironment, `app `+name+`: build .*missing`, build...)
}

// TestVerifyDockerBuildsOnce has cells that start together need the same image: one is made, and none loses its name to another.
func TestVerifyDockerBuildsOnce(t *testing.T) {
	e := needEngine(t)
	folder := t.TempDir()
	const name = "verify-once"
	var named sync.Map                                                      // what the builds call it
	content := []byte(strings.Repeat(strconv.Itoa(os.Getpid())+"\n", 5000)) // of a size of its own
	if err := errors.Join(os.WriteFile(filepath.Join(folder, "content"), content, 0o644), os.WriteFile(filepath.Join(folder, "Dockerfile"), []byte("FROM scratch\nCOPY content /\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	var together sync.WaitGroup
	for range 4 {
		together.Go(func() {
			image, err := e.BuildApp(t.Context(), name, folder, io.Discard)
			if err != nil {
				t.Error(err)
			}
			named.Store(image, true)
		})
	}
	together.Wait()
	named.Range(func(image, _ any) bool {
		t.Cleanup(func() { removeLeft(t, e, image.(string)) })
		if made, want := alike(t, e, image.(string)), []string{image.(string)}; !slices.Equal(made, want) {
			t.Errorf("made %q, not %q", made, want)
		}
		return true
	})

	// Processes of one program, which nobody else has.
	r := newRig(t)
	program, err := os.ReadFile(r.binary)
	if err != nil {
		t.Fatal(err)
	}
	mine := &rig{t: t, root: r.root, binary: filepath.Join(t.TempDir(), "blackout")}
	if err := os.WriteFile(mine.binary, append(program, make([]byte, 1+os.Getpid()%4095)...), 0o755); err != nil {
		t.Fatal(err)
	}
	image := imageOf(t, mine.binary)
	t.Cleanup(func() { removeLeft(t, e, image) })
	for range 3 {
		together.Go(func() {
			cmd := exec.CommandContext(t.Context(), mine.binary, "images", "build")
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("images build: %v\n%s", err, text)
			}
		})
	}
	together.Wait()
	if made, want := alike(t, e, image), []string{image}; !slices.Equal(made, want) {
		t.Errorf("processes made %q, not %q", made, want)
	}
}

// alike are the images of the same size as one.
func alike(t *testing.T, e *docker.Engine, name string) (same []string) {
	t.Helper()
	all := images(t, e)
	one := slices.IndexFunc(all, func(i docker.Image) bool { return i.Name == name })
	if one < 0 {
		t.Fatalf("there is no %s", name)
	}
	for _, i := range all {
		if i.Bytes == all[one].Bytes {
			same = append(same, i.String())
		}
	}
	return same
}

// TestVerifyDockerDoctor has doctor try the engine, and the engine say what went wrong in a container.
func TestVerifyDockerDoctor(t *testing.T) {
	e := needEngine(t)
	r := newRig(t)
	r.says("doctor", 0, `(?m)^ok    containers +engine .*, API 1\.\d+: a network and a container that takes it over came and went in \d`, "doctor")
	image, err := e.BuildInternet(t.Context(), r.binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Try(t.Context(), image, t.TempDir(), "inhabit"); err != nil {
		t.Error(err)
	}
	if err := e.Try(t.Context(), image, t.TempDir(), "no-such-command"); err == nil || !strings.Contains(err.Error(), `there is no command "no-such-command"`) {
		t.Errorf("a container that cannot: %v", err)
	}
	if left := ours(t, engineClient(t), "doctor-"+strconv.Itoa(os.Getpid())); len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
}

// says runs the program, which has to end with a status and to say something.
func (r *rig) says(what string, status int, pattern string, args ...string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.binary, args...)
	cmd.Dir = r.root
	var both, stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &both
	err := cmd.Run()
	if cmd.ProcessState == nil {
		r.t.Fatalf("%s: %v", what, err)
	}
	said := stdout.String() + both.String()
	if cmd.ProcessState.ExitCode() != status || !regexp.MustCompile(pattern).MatchString(said) {
		r.t.Fatalf("%s: blackout %s ended with status %d, not %d, or did not say %q:\n%s", what, strings.Join(args, " "), cmd.ProcessState.ExitCode(), status, pattern, said)
	}
	return said
}

func imageOf(t *testing.T, program string) string {
	t.Helper()
	name, err := docker.InternetImage(program)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func images(t *testing.T, e *docker.Engine) []docker.Image {
	t.Helper()
	all, err := e.Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// removeLeft removes an image that a test which failed has left.
func removeLeft(t *testing.T, e *docker.Engine, name string) {
	ctx := context.WithoutCancel(t.Context())
	all, err := e.Images(ctx)
	for _, i := range all {
		if i.Name == name {
			err = errors.Join(err, e.RemoveImage(ctx, i))
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// engineClient sees what the engine has by other means than package docker.
func engineClient(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ownedBy is the owner's label of a run, as a process of that id would have it that has ended.
func ownedBy(t *testing.T, c *client.Client, run string, pid int) string {
	t.Helper()
	list, err := c.NetworkList(t.Context(), client.NetworkListOptions{Filters: make(client.Filters).Add("label", "org.blackout.run="+run)})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d networks of %s: %v", len(list.Items), run, err)
	}
	label := strings.Split(list.Items[0].Labels["org.blackout.owner"], " ")
	if len(label) != 5 {
		t.Fatalf("the owner's label is %q", label)
	}
	label[3] = strconv.Itoa(pid)
	return strings.Join(label, " ")
}

// ours are the containers and networks whose names have a part, in order.
func ours(t *testing.T, c *client.Client, part string) []string {
	t.Helper()
	named := make(client.Filters).Add("name", part)
	containers, err := c.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: named})
	if err != nil {
		t.Fatal(err)
	}
	networks, err := c.NetworkList(t.Context(), client.NetworkListOptions{Filters: named})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, one := range containers.Items {
		all = append(all, "container "+strings.Join(one.Names, " ")+" "+string(one.State))
	}
	for _, one := range networks.Items {
		all = append(all, "network "+one.Name)
	}
	return all
}

//go:build verify

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
)

// ordinary is the user id of one who is not root.
const ordinary = 65534

// users are those as whom the program has to work and can be tried: root can become an ordinary user, anyone else is one.
func users() []int {
	if os.Getuid() != 0 {
		return []int{os.Getuid()}
	}
	return []int{0, ordinary}
}

// stage is a folder that every user of the machine may enter, with the program and apps that are built already: what lies in the repository may be closed to them, and a
// build needs a home.
type stage struct {
	t      *testing.T
	root   string // the repository
	folder string
	binary string
}

func newStage(t *testing.T, r *rig) *stage {
	t.Helper()
	folder, err := os.MkdirTemp("", "stage") // not t.TempDir, whose parents an ordinary user cannot enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	s := &stage{t: t, root: r.root, folder: folder, binary: filepath.Join(folder, "blackout")}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s.copy(r.binary, s.binary)
	return s
}

func (s *stage) copy(from, to string) {
	s.t.Helper()
	if text, err := exec.Command("cp", "-r", from, to).CombinedOutput(); err != nil {
		s.t.Fatalf("%v\n%s", err, text)
	}
}

// The lines of an app file that say how the app is built: by go build, or in another way.
var (
	prepares = regexp.MustCompile(`(?m)^  prepare: .*\n`)
	goBuilds = regexp.MustCompile(`(?m)^  prepare: \[go, build, -o, (\S+), \.\]`)
)

// app puts an app into place, by its folder in the repository, and gives its folder there. Its file no longer tells how it is built, and is else what change
// makes of it; nil changes nothing.
func (s *stage) app(of string, change func(string) string) string {
	s.t.Helper()
	from, to := filepath.Join(s.root, of), filepath.Join(s.folder, "apps", filepath.Base(of))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.copy(from, to)
	file := filepath.Join(to, "app.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if built := goBuilds.FindSubmatch(text); built != nil {
		build := exec.Command("go", "build", "-o", filepath.Join(to, string(built[1])), ".")
		build.Dir = from
		if text, err := build.CombinedOutput(); err != nil {
			s.t.Fatalf("%v\n%s", err, text)
		}
	}
	ready := prepares.ReplaceAllString(string(text), "")
	if change != nil {
		ready = change(ready)
	}
	if err := os.WriteFile(file, []byte(ready), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return to
}

// command is the program with arguments as a user runs it under "env -i PATH=… HOME=…", in a home of its own. The user's runs go to out.
func (s *stage) command(uid int, args ...string) (cmd *exec.Cmd, out string) {
	s.t.Helper()
	home, err := os.MkdirTemp(s.folder, "home")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chmod(home, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chown(home, uid, -1); err != nil {
		s.t.Fatal(err)
	}
	out = filepath.Join(home, "runs")
	cmd = exec.CommandContext(s.t.Context(), s.binary, append(args, "--out", out)...)
	cmd.Env, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, home
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return cmd, out
}

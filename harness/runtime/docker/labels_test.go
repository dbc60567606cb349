package docker

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGone tells the processes that run from those that do not, from another one that has got the id of such a process, and from those that cannot be known of.
func TestGone(t *testing.T) {
	here, err := thisProcess(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	other := func(change func(*owner)) string {
		o := here
		change(&o)
		return o.String()
	}
	as := func(user int) owner { o := here; o.user = user; return o }
	for name, tt := range map[string]struct {
		label string
		here  owner
		want  bool
	}{
		"itself":                    {here.String(), here, false},
		"another with its id":       {other(func(o *owner) { o.began = "1" }), here, true},
		"ended":                     {other(func(o *owner) { o.pid = int32(ended.ProcessState.Pid()) }), here, true},
		"before the machine's boot": {other(func(o *owner) { o.boot = "before" }), here, true},
		"another machine's":         {other(func(o *owner) { o.host, o.boot = "elsewhere", "before" }), here, false},
		"another user's":            {other(func(o *owner) { o.user, o.began = 7, "1" }), as(8), false},
		"another user's, for root":  {other(func(o *owner) { o.user, o.began = 7, "1" }), as(0), true},
		"none":                      {"", here, false},
		"no owner":                  {"a b c d e", here, false},
	} {
		if got := tt.here.knowsGone(t.Context(), tt.label); got != tt.want {
			t.Errorf("%s (%q) is gone: %t", name, tt.label, got)
		}
	}
}

func TestRemovedSaysWhatThereWas(t *testing.T) {
	for want, r := range map[string]Removed{
		"1 container": {Containers: 1}, "2 containers, 1 network, 1 folder": {Containers: 2, Networks: 1, Folders: 1}, "3 volumes": {Volumes: 3},
	} {
		if got := r.String(); got != want {
			t.Errorf("%+v: %q, not %q", r, got, want)
		}
	}
}

// TestRemoveFolder takes what a cell had, and nothing that a label may say else.
func TestRemoveFolder(t *testing.T) {
	temporary, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	folder := func(path ...string) string {
		made := filepath.Join(path...)
		if err := os.MkdirAll(filepath.Join(made, "control"), 0o700); err != nil {
			t.Fatal(err)
		}
		return made
	}
	if cells := folder(temporary, "blackout-1"); !removeFolder(cells) || there(cells) {
		t.Error("a cell's folder is still there")
	}
	for _, other := range []string{folder(temporary, "other"), folder(temporary, "blackout-2", "inner"), folder(elsewhere, "blackout-3")} {
		if removeFolder(other) || !there(other) {
			t.Errorf("%s was removed", other)
		}
	}
	for _, none := range []string{"", ".", temporary, filepath.Join(temporary, "blackout-4"), temporary + "/blackout-5/../other"} {
		if removeFolder(none) {
			t.Errorf("%q counts as removed", none)
		}
	}
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestRecent(t *testing.T) {
	for api, want := range map[string]bool{"1.41": true, "1.50": true, "2.0": true, "1.40": false, "1.4": false, "": false, "new": false} {
		if got := recent(api); got != want {
			t.Errorf("API %q is recent: %t", api, got)
		}
	}
}

// TestConnectTakesNoOther wants an error where the engine that DOCKER_HOST names is not there, whatever else runs on this machine.
func TestConnectTakesNoOther(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none.sock"))
	e, err := Connect(t.Context())
	if err == nil {
		t.Fatalf("an engine was found: %s, %v", e.Version, e.Close())
	}
	if Advice(err) != Hint {
		t.Errorf("%v: %s", err, Advice(err))
	}
}

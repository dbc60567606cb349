package app

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

// TestMain makes the test binary an app when HELPER says so.
func TestMain(m *testing.M) {
	if mode := os.Getenv("HELPER"); mode != "" {
		os.Exit(helper(mode))
	}
	goleak.VerifyTestMain(m)
}

// helper is the app under test; mode says in which way it is a bad one. Words are joined by "+".
func helper(mode string) int {
	var ready atomic.Bool
	ready.Store(true)
	for _, word := range strings.Split(mode, "+") {
		switch word {
		case "crash":
			for n := range 30 {
				fmt.Printf("line %d\n", n)
			}
			fmt.Fprint(os.Stderr, "panic: no luck with ", os.Getenv("SECRET"))
			return 7
		case "never-ready":
			ready.Store(false)
		case "late":
			ready.Store(false)
			time.AfterFunc(200*time.Millisecond, func() { ready.Store(true) })
		case "ignores-term":
			signal.Ignore(syscall.SIGTERM)
		case "grandchild":
			// The middle process ends at once: a double fork within the group.
			c := exec.Command("/bin/sh", "-c", "trap '' TERM; sleep 300 & sleep 300 & exit 0")
			c.Stdout = os.Stdout
			if err := c.Run(); err != nil {
				fmt.Println(err)
				return 1
			}
		case "chatty":
			w := bufio.NewWriterSize(os.Stdout, 1<<20)
			line := strings.Repeat("x", 99) + "\n"
			for range 100 << 20 / 100 {
				_, _ = w.WriteString(line)
			}
			_, _ = w.WriteString("the last word\n")
			_ = w.Flush()
		case "lines":
			fmt.Println(strings.Repeat("long ", 100_000))
			fmt.Println("größe 余额 \x1b[31mred\x1b[0m \xff\xfe key=" + os.Getenv("SECRET"))
			fmt.Print(strings.Repeat("y", lineBuffer-5) + os.Getenv("SECRET") + strings.Repeat("z", 100_000) + "\n")
		case "once":
			if _, err := os.Stat("started"); err == nil {
				fmt.Println("a lock was left behind")
				return 4
			}
			if err := os.WriteFile("started", nil, 0o600); err != nil {
				fmt.Println(err)
				return 1
			}
		case "harness":
			return harness()
		case "environment":
			fmt.Println(strings.Join(os.Environ(), "\n"))
		case "descriptors":
			entries, _ := os.ReadDir("/proc/self/fd")
			for _, e := range entries {
				target, _ := os.Readlink("/proc/self/fd/" + e.Name())
				fmt.Println(e.Name(), target)
			}
			dir, _ := os.Getwd()
			fmt.Println("folder", dir)
		}
	}
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) {
		fmt.Println("out of memory")
		os.Exit(3)
	})
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil); err != nil {
		fmt.Println(err)
	}
	return 1
}

// harness starts an app that ignores SIGTERM, prints its process id and waits to be killed. Meanwhile it ends threads: the one that started the app must stay.
func harness() int {
	folder := os.Getenv("FOLDER")
	exe, err := os.Executable()
	if err != nil {
		return 1
	}
	spc := &spec.App{Dir: folder, Start: spec.Start{Command: []string{exe}}, Ready: spec.Ready{Request: spec.Request{Path: "/health"}}}
	instances, err := Plan(spc, folder, false)
	if err != nil {
		return 1
	}
	a, err := Start(context.Background(), Config{
		App: spc, Instances: instances, LogDir: folder, Clock: clock.Start(), Sink: &records{},
		Env: func(i Instance) (map[string]string, error) {
			return map[string]string{"HELPER": "ignores-term", "PORT": strconv.Itoa(i.Port)}, nil
		},
	})
	if err != nil {
		return 1
	}
	for range 50 {
		ended := make(chan struct{})
		go func() { defer close(ended); runtime.LockOSThread() }()
		<-ended
	}
	time.Sleep(50 * time.Millisecond)
	pid := a.began[0].process.Group()
	if !alive(pid) {
		return 1
	}
	fmt.Println(pid)
	select {}
}

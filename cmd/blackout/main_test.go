package main

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary three programs by the name that it is started under: blackout itself, the app that it is tried on, and what fills a disk. They lie
// in PATH, so that os.Executable of a run, which starts its cells as itself, is blackout as well.
func TestMain(m *testing.M) {
	// The runs of these tests wait most of the time; two at once, as on a small machine by default, would take minutes.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(8, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"blackout":   func() { os.Exit(fromProcess()) },
		"tinywallet": func() { os.Exit(tinyWallet()) },
		"smalldisk":  func() { os.Exit(smallDisk()) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands(),
	})
}

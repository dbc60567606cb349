package main

import (
	"flag"
	"maps"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary several programs by the name that it is started under: blackout itself, the app that it is tried on, and one that fills a disk. They
// lie in PATH, so that os.Executable of a run, which starts its cells as itself, is blackout as well.
func TestMain(m *testing.M) {
	programs := map[string]func(){
		"blackout":   func() { os.Exit(fromProcess()) },
		"tinywallet": func() { os.Exit(tinyWallet()) },
	}
	maps.Copy(programs, platformPrograms())
	testscript.Main(manyAtOnce{m}, programs)
}

// manyAtOnce runs more tests at once than there are processors: runs wait most of the time, and two at once would take minutes.
type manyAtOnce struct{ *testing.M }

func (m manyAtOnce) Run() int {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(8, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	return m.M.Run()
}

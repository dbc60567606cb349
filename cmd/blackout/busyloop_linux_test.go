package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// busyLoop takes one processor for itself, at ordinary priority: the last of those that it may use, for as many seconds as its argument says, or until its standard
// input ends, so that it does not outlive the test. It returns the exit status.
func busyLoop() int {
	seconds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Println(err)
		return 2
	}
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		fmt.Println(err)
		return 1
	}
	last := -1
	for cpu := range 1024 {
		if may.IsSet(cpu) {
			last = cpu
		}
	}
	var one unix.CPUSet
	one.Set(last)
	var over atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		over.Store(true)
	}()
	done := make(chan int)
	go func() { done <- spin(&one, time.Now().Add(time.Duration(seconds)*time.Second), &over) }()
	return <-done
}

// spin keeps its thread on one set of processors and does nothing there until a moment.
func spin(where *unix.CPUSet, until time.Time, over *atomic.Bool) int {
	runtime.LockOSThread()
	if err := unix.SchedSetaffinity(0, where); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("busy")
	for time.Now().Before(until) && !over.Load() {
		for range 1_000_000 {
			over.Load()
		}
	}
	return 0
}

//go:build bench && !linux

package main

import (
	"os"
	"testing"
)

// benchMemory says that there is nothing to read the memory of a process from.
func benchMemory(_ *testing.T, _ string, out *table) {
	out.section("A long run with 8 nodes")
	out.words("memory of the run's process", "not measured", "")
}

// mostOf is 0: every system counts in a unit of its own.
func mostOf(*os.ProcessState) float64 { return 0 }

package chain

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkStep is a block on eight nodes with 40 watched accounts: built, executed by the builder, told to the other seven, and read back. It ends with the memory
// of the process after all its blocks: -benchtime=160x gives the figure after 160.
func BenchmarkStep(b *testing.B) {
	cfg := ethereum(5)
	cfg.Watched = addresses("user ", 40)
	w := start(b, cfg)
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		began := time.Now()
		w.steps(b, 1)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	if mib, ok := residentMiB(); ok {
		b.ReportMetric(mib, "MiB-rss")
	}
}

// BenchmarkStart is how long it takes until eight nodes with 16 blocks each are up.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		w := start(b, ethereum(5))
		b.StopTimer()
		if err := w.Network.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// residentMiB reads the process's resident memory; it is known on Linux only.
func residentMiB() (mib float64, ok bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kib / 1024, err == nil
		}
	}
	return 0, false
}

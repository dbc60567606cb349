package history

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"blackout/harness/clock"
)

// FlushEvery is how often what was added reaches the file: the most that a killed run loses.
const FlushEvery = 250 * time.Millisecond

// Writer appends records to a file. Add only touches memory; one goroutine writes, so a slow or full disk delays no attempt. After a write error everything that
// is added is dropped, and Failed tells.
type Writer struct {
	redact *Redactor
	out    io.Writer
	tee    func(lines []byte)

	mu      sync.Mutex
	pending bytes.Buffer
	records int
	sum     hash.Hash
	sealed  bool
	err     error

	failed chan struct{}
	stop   chan struct{}
	done   chan struct{}
}

// NewWriter starts a writer. Every line passes through redact before it is kept anywhere. tee, if not nil, gets the same whole lines as the file, after the file,
// from the writing goroutine.
func NewWriter(out io.Writer, redact *Redactor, tee func(lines []byte)) *Writer {
	w := &Writer{
		redact: redact, out: out, tee: tee, sum: sha256.New(),
		failed: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go w.loop()
	return w
}

// Add appends a record. A record after the seal is dropped.
func (w *Writer) Add(r Record) {
	line, err := Encode(r)
	if err != nil { // every record type encodes; a value that does not is a programming error, kept for Seal
		w.fail(err)
		return
	}
	line = w.redact.line(line)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sealed || w.err != nil {
		return
	}
	w.put(line)
}

// put appends a line; the mutex is held.
func (w *Writer) put(line []byte) {
	w.pending.Write(line)
	w.sum.Write(line)
	w.records++
}

// Failed is closed at the first write error, so that a run can end early with a clear message instead of going on unrecorded.
func (w *Writer) Failed() <-chan struct{} { return w.failed }

// Err is the first write error.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Seal writes the last record and everything before it, and stops the writer. It returns the first error of the writer's life. A second call does nothing.
func (w *Writer) Seal(end, reason string, at clock.Micros) error {
	w.mu.Lock()
	if w.sealed {
		w.mu.Unlock()
		return w.Err()
	}
	w.sealed = true
	if w.err == nil {
		line, err := Encode(Seal{End: end, Reason: w.redact.String(reason), At: at, Records: w.records, SHA256: hex.EncodeToString(w.sum.Sum(nil))})
		if err == nil {
			w.pending.Write(line)
		} else {
			w.err = err
		}
	}
	w.mu.Unlock()
	close(w.stop)
	<-w.done
	return w.Err()
}

func (w *Writer) loop() {
	defer close(w.done)
	tick := time.NewTicker(FlushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.flush()
		case <-w.stop:
			w.flush()
			return
		}
	}
}

func (w *Writer) flush() {
	w.mu.Lock()
	if w.err != nil || w.pending.Len() == 0 {
		w.mu.Unlock()
		return
	}
	lines := bytes.Clone(w.pending.Bytes())
	w.pending.Reset()
	w.mu.Unlock()

	if _, err := w.out.Write(lines); err != nil {
		w.fail(fmt.Errorf("write history: %w", err))
		return
	}
	if w.tee != nil {
		w.tee(lines)
	}
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
		close(w.failed)
	}
}

// Wait blocks until the writer failed or ctx ends, and returns the writer's error or nil.
func (w *Writer) Wait(ctx context.Context) error {
	select {
	case <-w.failed:
		return w.Err()
	case <-ctx.Done():
		return nil
	}
}

// Discard is a sink that keeps nothing.
type Discard struct{}

// Add drops the record.
func (Discard) Add(Record) {}

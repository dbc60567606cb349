package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
)

// History is a whole record read into memory, each type in the order of the file.
type History struct {
	Header      Header
	Plan        json.RawMessage
	Timeline    *Timeline // nil when the baseline never began
	Blocks      []Block
	Heads       []Head
	Intents     []Intent
	Attempts    []Attempt
	Said        []Said
	Sent        []Sent
	Calls       []Call
	Lookups     []Lookup
	Faults      []Fault
	Connections []Connections
	Apps        []App
	Pools       []Pool
	Stages      []Stage
	Troubles    []Trouble
	Notes       []Note
	Seal        *Seal // nil for a run that was killed, or still goes on
	// Truncated says that the last line was not whole: it is left out.
	Truncated bool
	// Unknown counts records of types that this version does not know, which a newer one wrote.
	Unknown int
}

// maxLine bounds one record; the largest is the plan.
const maxLine = 64 << 20

// ErrFormat is in every error about a history's form; a reading error of the file itself is not one.
var ErrFormat = errors.New("not a readable history")

// Read reads a history, plain or gzip-compressed. A last line that is not whole is left out and noted, as a killed run leaves it; any other broken line is an
// error that names its number, and so are a missing header and a seal that does not fit.
func Read(r io.Reader) (*History, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		in = bufio.NewReaderSize(z, 1<<20)
	}
	d := NewDecoder()
	for n := 1; ; n++ {
		line, err := readLine(in)
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return d.finish()
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			d.h.Truncated = len(bytes.TrimSpace(line)) > 0 || errors.Is(err, io.ErrUnexpectedEOF)
			return d.finish()
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if err := d.Line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// readLine returns a line with its newline, or what is left with io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("%w: a line is longer than %d bytes", ErrFormat, maxLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// Decoder builds a history line by line, so that a run that still goes on can be judged.
type Decoder struct {
	h       History
	records int
	sum     hash.Hash
}

// NewDecoder starts an empty history.
func NewDecoder() *Decoder { return &Decoder{sum: sha256.New()} }

// History is what was read so far. It shares memory with the decoder: judge it before the next Line.
func (d *Decoder) History() *History { return &d.h }

// Line adds one line. An error leaves the history as it was.
func (d *Decoder) Line(line []byte) error {
	var head struct {
		Record string `json:"record"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if d.records == 0 && head.Record != "header" {
		return fmt.Errorf("%w: it starts with a %q record, not with a header", ErrFormat, head.Record)
	}
	if d.h.Seal != nil {
		return fmt.Errorf("%w: a %s record after the seal", ErrFormat, head.Record)
	}
	if err := d.decode(head.Record, line); err != nil {
		return fmt.Errorf("%w: %s record: %w", ErrFormat, head.Record, err)
	}
	if head.Record != "seal" {
		d.records++
		d.sum.Write(line)
	}
	return nil
}

func (d *Decoder) decode(kind string, line []byte) error {
	h := &d.h
	switch kind {
	case "header":
		if err := json.Unmarshal(line, &h.Header); err != nil {
			return err
		}
		if h.Header.Schema != Schema {
			return fmt.Errorf("schema %q is not %q, which this version reads", h.Header.Schema, Schema)
		}
		return nil
	case "plan":
		var p Plan
		err := json.Unmarshal(line, &p)
		h.Plan = p.Plan
		return err
	case "timeline":
		h.Timeline = new(Timeline)
		return json.Unmarshal(line, h.Timeline)
	case "block":
		return add(&h.Blocks, line)
	case "head":
		return add(&h.Heads, line)
	case "intent":
		return add(&h.Intents, line)
	case "attempt":
		return add(&h.Attempts, line)
	case "said":
		return add(&h.Said, line)
	case "sent":
		return add(&h.Sent, line)
	case "call":
		return add(&h.Calls, line)
	case "lookup":
		return add(&h.Lookups, line)
	case "fault":
		return add(&h.Faults, line)
	case "connections":
		return add(&h.Connections, line)
	case "app":
		return add(&h.Apps, line)
	case "pool":
		return add(&h.Pools, line)
	case "stage":
		return add(&h.Stages, line)
	case "trouble":
		return add(&h.Troubles, line)
	case "note":
		return add(&h.Notes, line)
	case "seal":
		var s Seal
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		if got := hex.EncodeToString(d.sum.Sum(nil)); s.Records != d.records || s.SHA256 != got {
			return fmt.Errorf("it seals %d records with sha256 %.12s…, but %d with %.12s… stand before it: the file was changed", s.Records, s.SHA256, d.records, got)
		}
		h.Seal = &s
		return nil
	default:
		h.Unknown++
		return nil
	}
}

// add decodes line onto the end of list, or leaves list as it was.
func add[T any](list *[]T, line []byte) error {
	var v T
	if err := json.Unmarshal(line, &v); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

func (d *Decoder) finish() (*History, error) {
	if d.records == 0 {
		return nil, fmt.Errorf("%w: it has no header", ErrFormat)
	}
	return &d.h, nil
}

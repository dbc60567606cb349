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
	Streams     []Stream
	Said        []Said
	Sent        []Sent
	Calls       []Call
	Lookups     []Lookup
	Strays      []Stray
	Faults      []Fault
	Connections []Connections
	Apps        []App
	Pools       []Pool
	Stages      []Stage
	Troubles    []Trouble
	Notes       []Note
	Pictures    []Picture
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

// Takers take the records of the types that a history has most of, one after the other, instead of its lists: a million attempts fit into little memory if only
// what somebody needs of each is kept. A nil taker leaves its type to the list.
//
// The record itself is the taker's only while the call lasts. What it points to is never used again, but equal answers share one map: no one may change it.
type Takers struct {
	Attempt func(*Attempt)
	Call    func(*Call)
	Said    func(*Said)
}

// Read reads a history, plain or gzip-compressed. A last line that is not whole is left out and noted, as a killed run leaves it; any other broken line is an
// error that names its number, and so are a missing header and a seal that does not fit.
//
// Equal texts and equal answers in it share memory: an answer's map must not be changed.
func Read(r io.Reader) (*History, error) { return ReadTo(r, Takers{}) }

// ReadTo is Read that hands records over to takers. What the takers got before an error is to be thrown away.
func ReadTo(r io.Reader, to Takers) (*History, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		in = bufio.NewReaderSize(z, 1<<20)
	}
	d := NewDecoder()
	d.to = to
	var long []byte
	for n := 1; ; n++ {
		line, err := readLine(in, &long)
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

// readLine returns a line with its newline, or what is left with io.EOF. It is good until the next call; long is where one is put that does not fit into the buffer.
func readLine(in *bufio.Reader, long *[]byte) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if err == nil {
		return line, nil
	}
	*long = append((*long)[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = in.ReadSlice('\n')
		*long = append(*long, line...)
		if len(*long) > maxLine {
			return nil, fmt.Errorf("%w: a line is longer than %d bytes", ErrFormat, maxLine)
		}
	}
	return *long, err
}

// Decoder builds a history line by line, so that a run that still goes on can be judged.
type Decoder struct {
	h       History
	to      Takers
	records int
	sum     hash.Hash

	names   names
	answers answers
	scanner scanner
	attempt Attempt // that a taker gets
	call    Call
	said    Said
}

// NewDecoder starts an empty history.
func NewDecoder() *Decoder { return &Decoder{sum: sha256.New()} }

// History is what was read so far. It shares memory with the decoder: judge it before the next Line.
func (d *Decoder) History() *History { return &d.h }

// Line adds one line. An error leaves the history as it was.
func (d *Decoder) Line(line []byte) error {
	kind, err := kindOf(line)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if d.records == 0 && kind != "header" {
		return fmt.Errorf("%w: it starts with a %q record, not with a header", ErrFormat, kind)
	}
	if d.h.Seal != nil {
		return fmt.Errorf("%w: a %s record after the seal", ErrFormat, kind)
	}
	if err := d.decode(kind, line); err != nil {
		return fmt.Errorf("%w: %s record: %w", ErrFormat, kind, err)
	}
	if kind != "seal" {
		d.records++
		d.sum.Write(line)
	}
	return nil
}

// kindOf is the type of a line's record. It is the first key of what Encode writes; another order is read too.
func kindOf(line []byte) (string, error) {
	if rest, ok := bytes.CutPrefix(line, []byte(`{"record":"`)); ok {
		for _, kind := range kinds {
			if len(rest) > len(kind) && rest[len(kind)] == '"' && string(rest[:len(kind)]) == kind {
				return kind, nil
			}
		}
	}
	var head struct {
		Record string `json:"record"`
	}
	err := json.Unmarshal(line, &head)
	return head.Record, err
}

// kinds are the types of records, the commonest first.
var kinds = []string{
	Call{}.Type(), Attempt{}.Type(), Said{}.Type(), Sent{}.Type(), Intent{}.Type(), Head{}.Type(), Block{}.Type(), Connections{}.Type(), Lookup{}.Type(), Fault{}.Type(),
	Stream{}.Type(), Stray{}.Type(), Header{}.Type(), Plan{}.Type(), Timeline{}.Type(), App{}.Type(), Pool{}.Type(), Stage{}.Type(), Trouble{}.Type(), Note{}.Type(), Picture{}.Type(), Seal{}.Type(),
}

// scan begins to read a line in the fast way.
func (d *Decoder) scan(line []byte) *scanner {
	d.scanner = scanner{line: line, names: &d.names, answers: &d.answers}
	return &d.scanner
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
		if err := add(&h.Blocks, line, nil); err != nil {
			return err
		}
		d.shareBlock(&h.Blocks[len(h.Blocks)-1])
		return nil
	case "head":
		return add(&h.Heads, line, nil)
	case "intent":
		return add(&h.Intents, line, d.scan(line).intent)
	case "attempt":
		if d.to.Attempt == nil {
			return add(&h.Attempts, line, d.scan(line).attempt)
		}
		return hand(d.to.Attempt, &d.attempt, line, d.scan(line).attempt)
	case "stream":
		return add(&h.Streams, line, nil)
	case "said":
		if d.to.Said == nil {
			return add(&h.Said, line, d.scan(line).said)
		}
		return hand(d.to.Said, &d.said, line, d.scan(line).said)
	case "sent":
		return add(&h.Sent, line, d.scan(line).sent)
	case "call":
		if d.to.Call == nil {
			return add(&h.Calls, line, d.scan(line).call)
		}
		return hand(d.to.Call, &d.call, line, d.scan(line).call)
	case "lookup":
		return add(&h.Lookups, line, nil)
	case "stray":
		return add(&h.Strays, line, nil)
	case "fault":
		return add(&h.Faults, line, nil)
	case "connections":
		return add(&h.Connections, line, nil)
	case "app":
		return add(&h.Apps, line, nil)
	case "pool":
		return add(&h.Pools, line, nil)
	case "stage":
		return add(&h.Stages, line, nil)
	case "trouble":
		return add(&h.Troubles, line, nil)
	case "note":
		return add(&h.Notes, line, nil)
	case "picture":
		return add(&h.Pictures, line, nil)
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

// add decodes line onto the end of list, or leaves list as it was. fast, if not nil, is tried first.
func add[T any](list *[]T, line []byte, fast func(*T) bool) error {
	var v T
	if err := read(&v, line, fast); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// hand decodes line for a taker.
func hand[T any](take func(*T), v *T, line []byte, fast func(*T) bool) error {
	var none T
	*v = none
	if err := read(v, line, fast); err != nil {
		return err
	}
	take(v)
	return nil
}

// read decodes a line into v, which is empty.
func read[T any](v *T, line []byte, fast func(*T) bool) error {
	if fast != nil {
		if fast(v) {
			return nil
		}
		var none T
		*v = none
	}
	return json.Unmarshal(line, v)
}

// shareBlock gives a block's texts that other records repeat the same memory.
func (d *Decoder) shareBlock(b *Block) {
	d.names.one(&b.Chain)
	d.names.one(&b.Parent)
	d.names.one(&b.Hash)
	for i := range b.Paid {
		d.names.one(&b.Paid[i].Intent)
		d.names.one(&b.Paid[i].Tx)
	}
}

func (d *Decoder) finish() (*History, error) {
	if d.records == 0 {
		return nil, fmt.Errorf("%w: it has no header", ErrFormat)
	}
	h := d.h // without the tables of what was shared
	return &h, nil
}

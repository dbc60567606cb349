package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Order is what a cell's own process is told: one line of JSON on its standard input. The input stays open while the run goes on; when it ends, or carries another
// line, the cell heals, seals and stops. So nothing outlives a parent that was killed.
type Order struct {
	ID         string   `json:"id"`
	Dir        string   `json:"dir"`
	Scratch    string   `json:"scratch"`
	App        string   `json:"app"`
	Scenario   string   `json:"scenario"`
	World      string   `json:"world,omitempty"`
	Overlays   []string `json:"overlays,omitempty"`
	Set        []string `json:"set,omitempty"`
	Seed       uint64   `json:"seed"`
	TimeScale  float64  `json:"time_scale"`
	Control    bool     `json:"control,omitempty"` // run the scenario without its faults
	PlanSHA256 string   `json:"plan_sha256"`       // the child's plan must be this one
}

// ReadOrder reads the order, and returns a context that ends when the parent asks for it or is gone.
func ReadOrder(ctx context.Context, in io.Reader) (Order, context.Context, error) {
	var o Order
	lines := bufio.NewReader(in)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return o, ctx, fmt.Errorf("read the order: %w", err)
	}
	if err := json.Unmarshal(line, &o); err != nil {
		return o, ctx, fmt.Errorf("read the order: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = lines.ReadByte() // anything, or the end, means stop
	}()
	return o, ctx, nil
}

// Fits says whether a plan is the one that was ordered: files that change between the two readings would otherwise go unnoticed.
func (o Order) Fits(planBytes []byte) error {
	if digest(planBytes) != o.PlanSHA256 {
		return errors.New("the app, scenario or world file changed while the run was starting: run it again")
	}
	return nil
}

// Digest is the checksum that Order.PlanSHA256 and a history's header carry.
func Digest(planBytes []byte) string { return digest(planBytes) }

// Child says how to start a cell's process.
type Child struct {
	Executable string
	Args       []string // "cell"
	Environ    []string
	Order      Order
	Grace      time.Duration // how long it may take to seal after it was asked to stop; then it is killed
	// Lines gets the history's lines as they are written, whole.
	Lines func(line []byte)
}

// Spawn runs a cell in a process of its own and waits for it. When ctx ends the cell is asked to stop, and killed when it takes longer than the grace period or when
// kill is closed. The error is what the child said on its standard error, or nil for exit status 0; the history tells the rest.
func Spawn(ctx context.Context, c Child, kill <-chan struct{}) error {
	order, err := json.Marshal(c.Order)
	if err != nil {
		return err
	}
	cmd := exec.Command(c.Executable, c.Args...)
	cmd.Env = c.Environ
	cmd.SysProcAttr = ownGroup() // the terminal's Ctrl-C goes to the parent alone
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return errors.Join(err, in.Close())
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := in.Write(append(order, '\n')); err != nil {
		return errors.Join(fmt.Errorf("tell the cell what to do: %w", err), cmd.Process.Kill(), cmd.Wait())
	}

	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			_ = in.Close() // a child that is gone already needs no asking
		}
		late := time.NewTimer(c.Grace)
		defer late.Stop()
		select {
		case <-ended:
			return
		case <-late.C:
		case <-kill:
		}
		_ = cmd.Process.Signal(os.Kill)
	}()
	readErr := eachLine(out, c.Lines)
	err = cmd.Wait()
	close(ended)
	if text := strings.TrimSpace(said.String()); err != nil && text != "" {
		if message, ok := strings.CutPrefix(text, "Error: "); ok {
			err = errors.New(message)
		} else { // a panic, or the system's loader
			err = fmt.Errorf("%w: %s", err, text)
		}
	}
	return errors.Join(err, readErr)
}

// eachLine hands out whole lines, newline included, until r ends. A last line without a newline is dropped: the child was killed.
func eachLine(r io.Reader, do func([]byte)) error {
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if err == nil {
			do(line)
			continue
		}
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return nil
		}
		return err
	}
}

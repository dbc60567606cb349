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

	"blackout/harness/runtime/private"
)

// Order is what a cell's own process is told: one line of JSON on its standard input. A second line says how the app's build ended, if there is one. The input stays open
// while the run goes on; when it ends, or carries another line, the cell heals, seals and stops. So nothing outlives a parent that was killed.
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
	Builds     bool     `json:"builds,omitempty"`  // a Built will follow
	// Private is whom the app runs as in the private network that the cell was started in and has to enter; nil for a cell in this machine's own.
	Private *private.User `json:"private,omitempty"`
	// Contained says that the cell runs in a container, and the app in others; nil for a cell on this machine.
	Contained *Contained `json:"contained,omitempty"`
	// Environ are the variables that a cell in a container may know: its own are those of its image.
	Environ []string `json:"environ,omitempty"`
	// Outside is a folder of sockets that lead to programs of this machine from a private network, one for each service of kind tcp, by its name; "" without one.
	Outside string `json:"outside,omitempty"`
	// Published is how many ports of this machine the cell has inherited to publish the app's instances at, one for each, from descriptor 3 on.
	Published int `json:"published,omitempty"`
}

// Built is how the app's build ended, which the parent does: a build may need the network that the cell does not have.
type Built struct {
	Error string `json:"error,omitempty"`
}

// ReadOrder reads the order. It returns a context that ends when the parent asks for it or is gone, and a channel that gets the outcome of the app's build; nil when
// there is none.
func ReadOrder(ctx context.Context, in io.Reader) (Order, context.Context, <-chan error, error) {
	var o Order
	lines := bufio.NewReader(in)
	if err := readLine(lines, &o); err != nil {
		return o, ctx, nil, fmt.Errorf("read the order: %w", err)
	}
	var built chan error
	if o.Builds {
		built = make(chan error, 1)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		if o.Builds {
			var b Built
			if readLine(lines, &b) != nil {
				return
			}
			var err error
			if b.Error != "" {
				err = errors.New(b.Error)
			}
			built <- err
		}
		_, _ = lines.ReadByte() // anything, or the end, means stop
	}()
	return o, ctx, built, nil
}

func readLine(r *bufio.Reader, to any) error {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, to)
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
	// Runner is where the cell runs; nil: in a process of its own on this machine, by Executable, Args and Environ.
	Runner Runner
	// Build runs beside the cell's first stages, in this process; its context ends with the cell. Nil for an app that is there already.
	Build func(ctx context.Context) error
	// Ports are what the cell publishes the app's instances at. Spawn closes their files: the ports end with the cell.
	Ports []private.Port
	Grace time.Duration // how long it may take to seal after it was asked to stop; then it is killed
	// Lines gets the history's lines as they are written, whole.
	Lines func(line []byte)
}

// Runner is where a cell runs: in a process of this machine's, or elsewhere.
type Runner interface {
	// Start starts it. What is written to in is what the cell is told; out has the history's lines, and ends with the cell.
	Start(ctx context.Context) (in io.WriteCloser, out io.Reader, err error)
	// Wait waits until it has ended, or ctx has. The error is what it said, or nil for exit status 0.
	Wait(ctx context.Context) error
	// Kill ends it at once.
	Kill(ctx context.Context) error
}

// Spawn runs a cell and waits for it. When ctx ends the cell is asked to stop, and killed when it takes longer than the grace period or when kill is closed. The error is
// what the cell said, or nil for exit status 0; the history tells the rest. A cell that is not gone killBound after it was killed is left to itself, and the error says so.
func Spawn(ctx context.Context, c Child, kill <-chan struct{}) error {
	defer c.closePorts()
	c.Order.Builds, c.Order.Published = c.Build != nil, len(c.Ports)
	order, err := json.Marshal(c.Order)
	if err != nil {
		return err
	}
	runner := c.Runner
	if runner == nil {
		runner = &process{child: c}
	}
	in, out, err := runner.Start(ctx)
	if err != nil {
		return err
	}
	c.closePorts()
	e := newEnding(ctx, runner)
	defer e.abandon()
	lines := &lines{do: c.Lines}
	defer lines.end()
	read := make(chan error, 1)
	go func() { read <- eachLine(out, lines.take) }()
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
		e.kill()
	}()
	building := func() {}
	_, toldErr := in.Write(append(order, '\n'))
	if toldErr != nil {
		toldErr = fmt.Errorf("tell the cell what to do: %w", toldErr)
		e.kill() // if it has not ended, which is why it could not be told
	} else {
		building = c.startBuild(ctx, in)
	}
	waited := make(chan error, 1)
	go func() { waited <- runner.Wait(e.ctx) }()
	err = errors.Join(e.see(waited), toldErr, e.see(read))
	if e.ctx.Err() != nil {
		err = errors.Join(toldErr, e.lost())
	}
	close(ended)
	building()
	return err
}

// process is a cell's own process on this machine.
type process struct {
	child Child
	cmd   *exec.Cmd
	said  bytes.Buffer
	read  chan struct{} // closed when its output has ended
}

func (p *process) Start(context.Context) (io.WriteCloser, io.Reader, error) {
	p.cmd = exec.Command(p.child.Executable, p.child.Args...)
	p.cmd.Env = p.child.Environ
	p.cmd.SysProcAttr = ownGroup() // the terminal's Ctrl-C goes to the parent alone
	if p.child.Order.Private != nil {
		private.Prepare(p.cmd)
	}
	for _, port := range p.child.Ports {
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, port.File)
	}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	p.cmd.Stderr, p.read = &p.said, make(chan struct{})
	return in, &untilEnd{out, p.read}, p.cmd.Start()
}

// Wait reaps the process when its output was read: os/exec would close it before. That it heeds no context is made up for by Spawn.
func (p *process) Wait(context.Context) error {
	<-p.read
	err := p.cmd.Wait()
	if text := strings.TrimSpace(p.said.String()); err != nil && text != "" {
		if message, ok := strings.CutPrefix(text, "Error: "); ok {
			return errors.New(message)
		}
		return fmt.Errorf("%w: %s", err, text) // a panic, or the system's loader
	}
	return err
}

func (p *process) Kill(context.Context) error { return p.cmd.Process.Signal(os.Kill) }

// untilEnd closes a channel when there is nothing more to read.
type untilEnd struct {
	io.Reader
	end chan struct{}
}

func (u *untilEnd) Read(b []byte) (int, error) {
	n, err := u.Reader.Read(b)
	if err != nil && u.end != nil {
		close(u.end)
		u.end = nil
	}
	return n, err
}

// Discard gives up what a child that is not started would have had.
func (c Child) Discard() { c.closePorts() }

// closePorts leaves the ports to the cell.
func (c Child) closePorts() {
	for _, p := range c.Ports {
		_ = p.File.Close() // twice, when all goes well
	}
}

// startBuild runs the build and tells the cell how it ended. What it returns ends the build and waits for that.
func (c Child) startBuild(ctx context.Context, in io.Writer) (end func()) {
	if c.Build == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b Built
		if err := c.Build(ctx); err != nil {
			if ctx.Err() != nil {
				return // the cell was asked to stop, or has ended
			}
			b.Error = err.Error()
		}
		line, err := json.Marshal(b)
		if err == nil {
			_, _ = in.Write(append(line, '\n')) // a cell that is gone needs no telling
		}
	}()
	return func() {
		cancel()
		<-done
	}
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

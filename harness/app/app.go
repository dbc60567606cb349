// Package app runs the app under test, as child processes or through another Machine, such as one of containers: it starts each instance with a scrubbed environment, waits
// until it is ready, keeps what it prints, says when it ends by itself, and stops the whole of it.
//
//	Plan ──▶ Prepare ──▶ Start ──▶ (Exited) ──▶ Stop
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/runtime/private"
	"blackout/harness/spec"
)

// DefaultGrace is how long an instance has to end after SIGTERM.
const DefaultGrace = 5 * time.Second

// Config is what Start needs.
type Config struct {
	App       *spec.App
	Instances []Instance // from Plan
	// Env gives the variables that the app file declares for an instance, expanded. Their values appear in no error, log or history. Nil: start.env as it stands.
	Env func(i Instance) (map[string]string, error)
	// Lookup gives the variables but ${instance.…} that start.command and ready may use, such as ${service.infura.url}. Their values are kept out of errors, log and
	// history as well. Nil: there are none.
	Lookup func(i Instance, name string) (string, bool)
	// Hidden are further values that appear nowhere, by name: the variables of a compose file. A name that Env has too is another value's there: both are taken out.
	Hidden map[string]string
	// LogDir gets <instance>.log, at most 16 MiB each.
	LogDir string
	// ScratchDir holds the folder of an instance that has none of its own.
	ScratchDir string
	Clock      clock.Clock
	Sink       history.Sink
	// Path, Home and Lang are PATH, HOME and LANG of the app; "" leaves one out. An empty Home is the instance's scratch folder.
	Path, Home, Lang string
	// Redact is applied to what the app prints before it is kept, after the values of Env were taken out. Nil: nothing more is taken out.
	Redact func(string) string
	// As is whom the app runs as in a private network, where this process has another user id; nil: as this process.
	As *private.User
	// Machine is where the instances run; nil: here, as child processes.
	Machine Machine
	// Grace is how long an instance has to end after SIGTERM; 0 is DefaultGrace.
	Grace time.Duration
}

// Exit says that an instance ended by itself while it should run.
type Exit struct {
	Instance  Instance
	Status    string   // "exit status 1", "signal: killed"
	LastLines []string // of what it printed, at most 20, oldest first
}

// App is the app under test while it runs. It is safe for concurrent use.
type App struct {
	cfg      Config
	urls     []string
	at       []string // host:port of each
	exited   chan Exit
	machine  Machine // nil for an app that ran already
	stopOnce sync.Once
	stopErr  error

	mu     sync.Mutex // guards what follows
	slots  []*slot
	began  []*running // every process that was started, in order
	ending bool
	took   time.Duration
}

// running is one instance from the moment it was started.
type running struct {
	Instance
	process Process
	out     *output
	started clock.Micros
	watched chan struct{} // closed when its end is on record
}

// launch is everything that starting an instance needs, made ready beforehand.
type launch struct {
	Launch
	url   *url.URL
	scrub *scrubber
}

// Start starts all instances and returns when all are ready, or with the error of the first that is not: which one, how it ended or what its last answer was, and the
// last 20 lines of its output. The App is never nil and has to be stopped in either case. With start.url nothing is started, and only the readiness is waited for.
func Start(ctx context.Context, cfg Config) (*App, error) {
	a := &App{cfg: cfg, exited: make(chan Exit, len(cfg.Instances))}
	defer func() {
		for _, i := range cfg.Instances {
			i.Release()
		}
	}()
	if err := supported(cfg.App, cfg.Machine != nil); err != nil {
		return a, err
	}
	if len(cfg.Instances) == 0 {
		return a, errors.New("start the app: no instances")
	}
	if cfg.App.Start.URL == "" {
		if a.machine = cfg.Machine; a.machine == nil {
			a.machine = own{newStarter(), cfg.Clock, cfg.As}
		}
	}
	launches, err := a.launches()
	if err != nil {
		return a, err
	}
	if cfg.App.Start.URL == "" {
		for i, l := range launches {
			if err := ctx.Err(); err != nil {
				return a, err
			}
			s := newSlot(cfg.Instances[i], l)
			a.mu.Lock()
			a.slots = append(a.slots, s)
			err := a.startInstance(ctx, s)
			a.mu.Unlock()
			if err != nil {
				return a, fmt.Errorf("instance %s: start %s: %w", cfg.Instances[i].Name, what(cfg.App), err)
			}
		}
	}
	return a, a.awaitReady(ctx, launches)
}

// launches finds out all that can be wrong before anything runs.
func (a *App) launches() ([]launch, error) {
	if err := os.MkdirAll(a.cfg.LogDir, 0o755); err != nil {
		return nil, fmt.Errorf("folder for the app's logs: %w", err)
	}
	owner := map[string]string{} // address → instance
	var all []launch
	for _, i := range a.cfg.Instances {
		l, err := a.launch(i)
		if err != nil {
			return nil, fmt.Errorf("instance %s: %w", i.Name, err)
		}
		address := net.JoinHostPort(l.url.Hostname(), portOf(l.url))
		if other, taken := owner[address]; taken {
			return nil, fmt.Errorf("instances %s and %s have the same address %s: use ${instance.port} in url and start", other, i.Name, address)
		}
		owner[address] = i.Name
		if a.cfg.App.Start.URL == "" && a.cfg.Machine == nil {
			if err := free(i, l.url); err != nil {
				return nil, fmt.Errorf("instance %s: %w", i.Name, err)
			}
		}
		all = append(all, l)
		a.urls, a.at = append(a.urls, strings.TrimRight(l.url.String(), "/")), append(a.at, address)
	}
	return all, nil
}

func (a *App) launch(i Instance) (launch, error) {
	spc := a.cfg.App
	if spc.Start.URL != "" {
		u, err := loopbackURL("start.url", spc.Start.URL)
		return launch{url: u}, err
	}
	if i.Dir == "" {
		i.Dir = filepath.Join(a.cfg.ScratchDir, i.Name)
	}
	if a.cfg.Machine != nil {
		i.Dir = "/tmp" // of its own file system
	}
	text := spc.URL
	if text == "" {
		text = "http://127.0.0.1:${instance.port}"
	}
	text, err := spec.Expand(text, i.Variable)
	if err != nil {
		return launch{}, fmt.Errorf("url: %w", err)
	}
	u, err := loopbackURL("url", text)
	if err != nil {
		return launch{}, err
	}
	if host := a.machine.Host(i); host != "" {
		u.Host = net.JoinHostPort(host, portOf(u))
	}
	dir, err := filepath.Abs(spc.Dir)
	if err != nil {
		return launch{}, fmt.Errorf("folder of the app file: %w", err)
	}
	declared := spc.Start.Env
	if a.cfg.Env != nil {
		if declared, err = a.cfg.Env(i); err != nil {
			return launch{}, fmt.Errorf("start.env: %w", err)
		}
	}
	home := a.cfg.Home
	if home == "" && a.cfg.Machine == nil {
		home = i.Dir
	}
	env, err := environment(a.cfg.Path, home, a.cfg.Lang, declared)
	if err != nil {
		return launch{}, err
	}
	hidden := maps.Clone(declared)
	if hidden == nil {
		hidden = map[string]string{}
	}
	argv := make([]string, len(spc.Start.Command))
	for k, word := range spc.Start.Command {
		if argv[k], err = spec.Expand(word, func(name string) (string, bool) {
			value, ok := a.lookup(i, name)
			if ok && !strings.HasPrefix(name, "instance.") {
				hidden[name] = value
			}
			return value, ok
		}); err != nil {
			return launch{}, fmt.Errorf("start.command: %w", err)
		}
	}
	if a.cfg.Machine == nil {
		if argv[0], err = findCommand(argv[0], dir, lookupEnv(env, "PATH")); err != nil {
			return launch{}, fmt.Errorf("start.command: %w", err)
		}
		if err := os.MkdirAll(i.Dir, 0o700); err != nil {
			return launch{}, fmt.Errorf("scratch folder: %w", err)
		}
	}
	return launch{Launch{i, argv, env, dir}, u, newScrubber(a.cfg.Redact, hidden, a.cfg.Hidden)}, nil
}

// what names what is started.
func what(a *spec.App) string {
	s := a.Start
	if len(s.Command) > 0 {
		return s.Command[0]
	}
	return cmp.Or(s.Image, s.Build, s.Compose)
}

// lookup gives the variables of an instance and those of the config.
func (a *App) lookup(i Instance, name string) (string, bool) {
	value, ok := i.Variable(name)
	if !ok && a.cfg.Lookup != nil {
		value, ok = a.cfg.Lookup(i, name)
	}
	return value, ok
}

// Variable gives the value of an ${instance.…}; false for any other name.
func (i Instance) Variable(name string) (string, bool) {
	switch name {
	case "instance.port":
		return strconv.Itoa(i.Port), true
	case "instance.index":
		return strconv.Itoa(i.Index), true
	case "instance.region":
		return i.Region, true
	case "instance.dir":
		return i.Dir, true
	}
	return "", false
}

// free makes sure that nothing listens where the instance will: a program left over from before would answer in its stead.
func free(i Instance, u *url.URL) error {
	port := portOf(u)
	if i.hold != nil && port == strconv.Itoa(i.Port) {
		return nil // it is ours
	}
	l, err := net.Listen("tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return fmt.Errorf("port %s is taken (%w): stop the program that listens there, or use ${instance.port} in url and start, which is always free", port, err)
	}
	return l.Close()
}

// startInstance starts the process of a slot, for the first time or again. It needs mu.
func (a *App) startInstance(ctx context.Context, s *slot) error {
	i, l, mode := s.Instance, s.launch, os.O_TRUNC
	if s.starts > 0 {
		mode = os.O_APPEND
	}
	log, err := os.OpenFile(filepath.Join(a.cfg.LogDir, i.Name+".log"), os.O_CREATE|os.O_WRONLY|mode, 0o644)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	out := newOutput(log, l.scrub)
	i.Release()
	if err := s.letGo(); err != nil {
		return errors.Join(fmt.Errorf("give back port %s: %w", portOf(l.url), err), log.Close())
	}
	r := &running{Instance: i, out: out, started: a.cfg.Clock.Now(), watched: make(chan struct{})}
	if r.process, err = a.machine.Start(ctx, l.Launch, logged{out, log}); err != nil {
		return err
	}
	a.cfg.Sink.Add(history.App{Instance: i.Name, Event: history.AppStarted, Group: r.process.Group(), At: r.started})
	s.now, s.starts = r, s.starts+1
	a.began = append(a.began, r)
	go a.watch(r)
	return nil
}

// logged is what an instance prints, with its log file.
type logged struct {
	*output
	log *os.File
}

func (l logged) Close() error { return errors.Join(l.output.Close(), l.log.Close()) }

// watch puts the end of an instance on record.
func (a *App) watch(r *running) {
	defer close(r.watched)
	<-r.process.Gone()
	ended := r.process.End()
	if ended.LogErr != nil {
		a.cfg.Sink.Add(history.Note{Text: fmt.Sprintf("the log of instance %s is incomplete: %v", r.Name, ended.LogErr), At: a.cfg.Clock.Now()})
	}
	end := history.App{Instance: r.Name, Event: history.AppStopped, Detail: ended.Status, Group: r.process.Group(), At: ended.At}
	if !ended.ByItself {
		a.cfg.Sink.Add(end)
		return
	}
	end.Event = history.AppExited
	a.cfg.Sink.Add(end)
	select {
	case a.exited <- Exit{Instance: r.Instance, Status: ended.Status, LastLines: r.out.Last()}:
	default: // an instance that was started again and again, and nobody listens any more
	}
}

// awaitReady waits for all instances at once.
func (a *App) awaitReady(ctx context.Context, launches []launch) error {
	group, ctx := errgroup.WithContext(ctx)
	for n, i := range a.cfg.Instances {
		var r *running
		if n < len(a.began) {
			r = a.began[n]
		}
		group.Go(func() error {
			if err := a.ready(ctx, i, r, launches[n].url); err != nil {
				return fmt.Errorf("instance %s: %w", i.Name, err)
			}
			at := a.cfg.Clock.Now()
			shown := *launches[n].url
			shown.User = nil
			a.cfg.Sink.Add(history.App{Instance: i.Name, Event: history.AppReady, URL: strings.TrimRight(shown.String(), "/"), At: at})
			if r != nil {
				a.mu.Lock()
				a.took = max(a.took, (at - r.started).Duration())
				a.mu.Unlock()
			}
			return nil
		})
	}
	return group.Wait()
}

// URL is the address of the instance that a session uses, without a slash at the end; "" when Start failed before it was known.
func (a *App) URL(session int) string {
	if len(a.urls) == 0 {
		return ""
	}
	return a.urls[session%len(a.urls)]
}

// Addresses are where the instances listen, as host:port, in their order.
func (a *App) Addresses() []string { return a.at }

// Exited gives the instances that ended by themselves while they should run. It is buffered, so that nobody has to listen, and closed by Stop.
func (a *App) Exited() <-chan Exit { return a.exited }

// Took is the app's own start: from the start of its process until it was ready, of the slowest instance. It is 0 for an app that ran already.
func (a *App) Took() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.took
}

// Stop ends all instances with everything that they started in their process groups: SIGTERM, and SIGKILL after the grace or when ctx ends. It is bounded by the grace
// and a few seconds, ctx or not, and safe to call again and concurrently; later calls give the first one's error.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() { a.stopErr = a.stop(ctx) })
	return a.stopErr
}

func (a *App) stop(ctx context.Context) error {
	grace := a.cfg.Grace
	if grace <= 0 {
		grace = DefaultGrace
	}
	a.mu.Lock()
	a.ending = true
	began := a.began
	errs := make([]error, len(began))
	for _, s := range a.slots {
		errs = append(errs, s.letGo())
	}
	a.mu.Unlock()
	var wait sync.WaitGroup
	for n, r := range began {
		wait.Go(func() {
			if err := r.process.Stop(ctx, grace); err != nil {
				errs[n] = fmt.Errorf("stop instance %s: %w", r.Name, err)
			}
		})
	}
	wait.Wait()
	if a.machine != nil {
		a.machine.Close()
	}
	for _, r := range began {
		select {
		case <-r.process.Gone():
			<-r.watched
		default:
			return errors.Join(errs...) // it may still report its end: Exited stays open
		}
	}
	close(a.exited)
	return errors.Join(errs...)
}

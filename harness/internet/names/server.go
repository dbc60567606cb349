// Package names is the resolver of a run. It answers for the host names of the services that the run serves with the addresses where these are found, says of every
// other name that it does not exist, applies the faults of the layer names, and records each question of the app.
//
//	question ─▶ service ─▶ region of the n-th look-up ─▶ the first rule that takes it ─▶ answer, perhaps late, wrong or none
//
// It speaks the DNS over UDP and TCP (github.com/miekg/dns). Where it listens and which addresses it gives is the caller's: the package knows nothing of them.
package names

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// DefaultTTL is how long an answer may be kept unless a service says otherwise. Load balancers of clouds mostly say 60 s; an outage of half a minute needs less.
const DefaultTTL = 5 * time.Second

// Service is a service with the names by which an app finds it.
type Service struct {
	Name    string
	Regions []fault.Region
	// TTL is how long an answer may be kept, in whole seconds. Zero: answers may not be kept.
	TTL   time.Duration
	Hosts []Host
}

// Host is one name of a service, and where it leads.
type Host struct {
	Name      string
	Chain     string // "" for a service without chains
	Addresses []netip.Addr
}

// Config is a resolver. Sink and Clock are needed.
type Config struct {
	Services []Service
	Seed     uint64
	// ProbeToken is the run's secret by which probes are told from the app's questions. Empty: no question is a probe.
	ProbeToken string
	// Neighbours are found beside the app, and are no part of the world.
	Neighbours Neighbours
	Sink       history.Sink
	Clock      clock.Clock
}

// Server is the resolver of one run. It is safe for concurrent use.
type Server struct {
	cfg        Config
	zones      map[string]*Zone // by service
	hosts      map[string]*host // by name in lower case, without the last dot
	neighbours map[string]bool  // by such a name

	ctx  context.Context // ends when the server closes
	stop context.CancelFunc

	mu      sync.Mutex // guards what follows, and the zones
	closed  bool
	servers []*dns.Server
	work    sync.WaitGroup // serving
	address string         // of the first Open
}

// Zone is what one service has in the resolver. It satisfies the part of fault.Names that is about answers.
type Zone struct {
	server  *Server
	service Service
	// The server's mutex guards the rest.
	asked map[uint16]uint64 // how many questions of a type there were: the number of the next one
	rules []*rule           // sorted by effect id
}

type host struct {
	Host
	zone *Zone
}

// New makes a resolver that listens nowhere yet. The error says which name is there twice.
func New(cfg Config) (*Server, error) {
	if cfg.Sink == nil {
		return nil, errors.New("a resolver needs a sink")
	}
	s := &Server{cfg: cfg, zones: map[string]*Zone{}, hosts: map[string]*host{}}
	for _, service := range cfg.Services {
		z := &Zone{server: s, service: service, asked: map[uint16]uint64{}}
		if _, ok := s.zones[service.Name]; ok {
			return nil, fmt.Errorf("service %q is there twice", service.Name)
		}
		s.zones[service.Name] = z
		for _, h := range service.Hosts {
			name := plain(h.Name)
			if other, ok := s.hosts[name]; ok {
				return nil, fmt.Errorf("host %q is there twice: of %s and of %s", name, other.zone.service.Name, service.Name)
			}
			s.hosts[name] = &host{Host: h, zone: z}
		}
	}
	s.neighbours = map[string]bool{}
	for _, name := range cfg.Neighbours.Names {
		if name = plain(name); s.hosts[name] == nil {
			s.neighbours[name] = true
		}
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Zone is what a service has in the resolver.
func (s *Server) Zone(service string) (*Zone, error) {
	z, ok := s.zones[service]
	if !ok {
		return nil, fmt.Errorf("the resolver knows no service %q", service)
	}
	return z, nil
}

// Point makes a name lead to other addresses from the next look-up on. What resolvers and apps remember stays with them.
func (s *Server) Point(name string, addresses ...netip.Addr) error {
	h, ok := s.hosts[plain(name)]
	if !ok {
		return fmt.Errorf("the resolver knows no host %q", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Addresses = addresses
	return nil
}

// attempts is how often Open looks for a port that is free for UDP and for TCP.
const attempts = 20

// maxQuery is the longest question over UDP, in bytes. Without it the library reads 512, and drops what is longer.
const maxQuery = 4096

// keepTCP is how long a connection may rest between questions.
const keepTCP = 5 * time.Minute

// Open listens on an address ("127.0.0.1:0"), over UDP and over TCP on one port, and gives the address with its port. It may be called for several addresses.
func (s *Server) Open(ctx context.Context, listen string) (string, error) {
	packets, stream, err := listenBoth(ctx, listen)
	if err != nil {
		return "", fmt.Errorf("resolver on %s: %w", listen, err)
	}
	pair := []*dns.Server{
		{PacketConn: packets, Handler: s, MsgAcceptFunc: accept, UDPSize: maxQuery},
		{Listener: stream, Handler: s, MsgAcceptFunc: accept, ReadTimeout: keepTCP, IdleTimeout: func() time.Duration { return keepTCP }, MaxTCPQueries: -1},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", errors.Join(fmt.Errorf("resolver on %s: %w", listen, net.ErrClosed), packets.Close(), stream.Close())
	}
	for n, server := range pair {
		if err := s.start(ctx, server); err != nil {
			for _, running := range pair[:n] {
				err = errors.Join(err, running.ShutdownContext(ctx))
			}
			return "", errors.Join(fmt.Errorf("resolver on %s: %w", listen, err), ignoreClosed(packets.Close()), ignoreClosed(stream.Close()))
		}
	}
	s.servers = append(s.servers, pair...)
	if s.address == "" {
		s.address = packets.LocalAddr().String()
	}
	return packets.LocalAddr().String(), nil
}

// start begins to serve, and returns when the server listens: a Close that came first would find nothing to stop.
func (s *Server) start(ctx context.Context, server *dns.Server) error {
	started, failed := make(chan struct{}), make(chan error, 1)
	server.NotifyStartedFunc = func() { close(started) }
	s.work.Go(func() {
		err := server.ActivateAndServe()
		failed <- err
		select {
		case <-started:
			if err != nil && s.ctx.Err() == nil {
				s.note("stopped listening: %v", err)
			}
		default: // start tells it
		}
	})
	select {
	case <-started:
		return nil
	case err := <-failed:
		return cmp.Or(err, net.ErrClosed)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ignoreClosed leaves out that something was closed before.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func listenBoth(ctx context.Context, listen string) (net.PacketConn, net.Listener, error) {
	ip, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, nil, err
	}
	var lc net.ListenConfig
	var last error
	for range attempts {
		packets, err := lc.ListenPacket(ctx, "udp", listen)
		if err != nil {
			return nil, nil, err
		}
		at := packets.LocalAddr().(*net.UDPAddr)
		stream, err := lc.Listen(ctx, "tcp", net.JoinHostPort(ip, strconv.Itoa(at.Port)))
		if err == nil {
			return packets, stream, nil
		}
		last = errors.Join(err, packets.Close())
		if port != "0" {
			break
		}
	}
	return nil, nil, last
}

// Address is where the server listens first, "" before that.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// Close stops listening, gives up answers that are late, and waits until nothing of the server runs, or until ctx ends. It may be called more than once.
func (s *Server) Close(ctx context.Context) error {
	s.stop()
	s.mu.Lock()
	s.closed = true
	servers := s.servers
	s.servers = nil
	s.mu.Unlock()
	var errs []error
	for _, server := range servers {
		errs = append(errs, server.ShutdownContext(ctx))
	}
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, ctx.Err())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the resolver: %w", err)
	}
	return nil
}

func (s *Server) note(format string, args ...any) {
	s.cfg.Sink.Add(history.Note{Text: "resolver: " + fmt.Sprintf(format, args...), At: s.cfg.Clock.Now()})
}

package internet

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"blackout/harness/fault"
	"blackout/harness/internet/gateways"
)

// probeTimeout bounds a probe that has no bound of its own.
const probeTimeout = 5 * time.Second

// methodBlockNumber is what a probe asks for unless it is told otherwise.
const methodBlockNumber = "eth_blockNumber"

// probeBody is how much of a reply a probe reads, in bytes.
const probeBody = 1 << 20

// Probe is one marked request on the app's own path: only one effect can touch it, and it leaves no trace in the counts.
type Probe struct {
	Service string
	Chain   string // "": the service's first
	Region  string // "": the service's first
	Effect  string
	ByName  bool          // it asks the resolver for the service's host, and goes where that leads
	Method  string        // the JSON-RPC method to call; "" asks for the block number
	Params  []any         // what it is called with; nil: nothing
	Timeout time.Duration // from dialling to the last byte; 5 s when zero
}

// Probe asks a service for its block number, for what else it is told to, a storage service for a file, or one that has no such thing for nothing in particular, over a
// new connection and tells what it saw. Reference,
// HeadAge and BlockTime are left to the caller. What keeps the probe from being made at all (an unknown service) is in DialError.
func (i *Internet) Probe(ctx context.Context, p Probe) (o fault.Observation) {
	o = fault.Observation{Service: p.Service, Chain: p.Chain}
	s, err := i.service(p.Service)
	if err != nil {
		o.DialError = err
		return o
	}
	if o.Chain == "" && len(s.plan.Hosts) > 0 {
		o.Chain = s.plan.Hosts[0].Chain
	}
	if p.Region == "" && len(s.plan.Placement) > 0 {
		p.Region = s.plan.Placement[0].Region
	}
	if p.Timeout <= 0 {
		p.Timeout = probeTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	from := i.cfg.Clock.Now()
	defer func() { o.Took = (i.cfg.Clock.Now() - from).Duration() }()

	conn, err := i.dial(ctx, s, p, &o)
	if err != nil {
		o.DialError = err
		explain(&o, err)
		return o
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := i.ask(ctx, conn, s, p, &o); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		o.Error = err
		explain(&o, err)
	}
	return o
}

func (i *Internet) dial(ctx context.Context, s *service, p Probe, o *fault.Observation) (net.Conn, error) {
	chain := o.Chain
	if _, ok := s.fronts[chain]; !ok {
		return nil, fmt.Errorf("service %s does not serve chain %q", p.Service, chain)
	}
	if p.ByName {
		return i.dialByName(ctx, s, p, o)
	}
	if s.link != nil {
		return s.link.Dial(ctx, chain, p.Effect, p.Region)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.doors[chain])
}

// ask sends the request and reads the reply on this very connection: http.Transport would hide which error a connection died of.
func (i *Internet) ask(ctx context.Context, conn net.Conn, s *service, p Probe, o *fault.Observation) error {
	method := p.Method
	if method == "" {
		method = methodBlockNumber
	}
	params, err := json.Marshal(append([]any{}, p.Params...))
	if err != nil {
		return err
	}
	to := s.fronts[o.Chain]
	if p.ByName {
		to = s.name(o.Chain).hostPort()
	}
	if s.plan.Kind == fault.KindTCP {
		return echo(conn)
	}
	stored, plain := s.plan.Kind == fault.KindStorage, s.plan.Kind == fault.KindHTTP
	verb, url, body := http.MethodPost, s.gateway.URL(to), fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	if stored {
		verb, url, body = http.MethodGet, url+gateways.At(s.plan.Dialect, i.cfg.Files[0]), ""
	}
	if plain {
		verb, body = http.MethodGet, ""
	}
	req, err := http.NewRequestWithContext(ctx, verb, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Close = true
	if !stored && !plain {
		req.Header.Set("Content-Type", "application/json")
	}
	gateways.Mark(req.Header, i.token, p.Effect, p.Region)
	if err := req.Write(conn); err != nil {
		return fmt.Errorf("send the request: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	defer resp.Body.Close()
	o.Status = resp.StatusCode
	o.ContentType = resp.Header.Get("Content-Type")
	reply, err := io.ReadAll(io.LimitReader(resp.Body, probeBody))
	if err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	if stored {
		o.Mismatch = o.Status == http.StatusOK && !bytes.Equal(reply, i.cfg.Files[0].Bytes)
		return nil
	}
	if plain {
		return nil
	}
	return readCall(reply, method, o)
}

// echo sends the line that a service of kind tcp gives back to probes.
func echo(conn net.Conn) error {
	if _, err := io.WriteString(conn, gateways.ProbeLine); err != nil {
		return fmt.Errorf("send the line: %w", err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len(gateways.ProbeLine))); err != nil {
		return fmt.Errorf("read the line: %w", err)
	}
	return nil
}

// readCall reads the reply to a JSON-RPC call.
func readCall(reply []byte, method string, o *fault.Observation) error {
	var msg struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	err := json.Unmarshal(reply, &msg)
	switch {
	case msg.Error != nil:
		o.RPCCode, o.RPCMessage = msg.Error.Code, msg.Error.Message
	case o.Status == http.StatusOK && err != nil:
		return fmt.Errorf("the reply is not JSON-RPC: %w", err)
	case method == methodBlockNumber && msg.Result != nil:
		var head hexutil.Uint64
		if err := json.Unmarshal(msg.Result, &head); err != nil {
			return fmt.Errorf("the block number is not one: %w", err)
		}
		o.Head = uint64(head)
	case method == fault.MethodBlock && msg.Result != nil:
		var block *struct{ Hash string } // null where there is none
		if err := json.Unmarshal(msg.Result, &block); err != nil {
			return fmt.Errorf("the block is not one: %w", err)
		}
		if block != nil {
			o.Block = block.Hash
		}
	default:
		o.Result = msg.Result
	}
	return nil
}

// explain says of a transport error what kind it is.
func explain(o *fault.Observation, err error) {
	var ne net.Error
	o.Refused = errors.Is(err, syscall.ECONNREFUSED)
	o.Reset = errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	o.TimedOut = errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

package internet

import (
	"bufio"
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
	Method  string        // the JSON-RPC method to call, without parameters; "" asks for the block number
	Timeout time.Duration // from dialling to the last byte; 5 s when zero
}

// Probe asks a service for its block number over a new connection and tells what it saw. Reference, HeadAge and BlockTime are left to the caller. What keeps the
// probe from being made at all (an unknown service) is in DialError.
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

	conn, err := s.dial(ctx, o.Chain, p)
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

func (s *service) dial(ctx context.Context, chain string, p Probe) (net.Conn, error) {
	if _, ok := s.fronts[chain]; !ok {
		return nil, fmt.Errorf("service %s does not serve chain %q", p.Service, chain)
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
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":[]}`, method)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.gateway.URL(s.fronts[o.Chain]), strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/json")
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
	reply, err := io.ReadAll(io.LimitReader(resp.Body, probeBody))
	if err != nil {
		return fmt.Errorf("read the reply: %w", err)
	}
	var msg struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	err = json.Unmarshal(reply, &msg)
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

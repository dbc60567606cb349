// Wallet-calibration is a custodial wallet with a defence against each outage that its users could feel, and with switches that take the defences away one by one.
// What a judge of wallets says of it is known beforehand: nothing as it is, and the flaw's own words without a defence.
package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("wallet stopped", "err", err)
		os.Exit(1)
	}
}

// config is what the environment says.
type config struct {
	listen    string
	key       *ecdsa.PrivateKey
	rpc, ws   []string // in order of preference
	gateways  []string // the same
	chainID   uint64
	blockTime time.Duration
	token     common.Address // whose transfers are deposits
	resolver  string         // host:port; "": the system's
	flaws     flaws
}

func configFromEnv(get func(string) string) (config, error) {
	var c config
	var problems []error
	problem := func(format string, a ...any) { problems = append(problems, fmt.Errorf(format, a...)) }
	if get("PORT") == "" {
		problem("PORT is not set")
	}
	c.listen = net.JoinHostPort("127.0.0.1", get("PORT"))
	var err error
	if c.key, err = crypto.HexToECDSA(strings.TrimPrefix(get("HOT_KEY"), "0x")); err != nil {
		problem("HOT_KEY is no private key in hex")
	}
	c.rpc, c.ws, c.gateways = list(get("RPC_URLS")), list(get("WS_URLS")), list(get("GATEWAYS"))
	if len(c.rpc) == 0 {
		problem("RPC_URLS is not set")
	}
	if len(c.ws) > 0 && len(c.ws) != len(c.rpc) {
		problem("WS_URLS has %d entries and RPC_URLS has %d: each provider needs one, or none has", len(c.ws), len(c.rpc))
	}
	if c.chainID, err = strconv.ParseUint(get("CHAIN_ID"), 10, 64); err != nil || c.chainID == 0 {
		problem("CHAIN_ID %q is no positive number", get("CHAIN_ID"))
	}
	if c.blockTime, err = time.ParseDuration(get("BLOCK_TIME")); err != nil || c.blockTime < time.Second {
		problem("BLOCK_TIME %q is not a duration of at least a second", get("BLOCK_TIME"))
	}
	if token := get("TOKEN"); token != "" && !common.IsHexAddress(token) {
		problem("TOKEN %q is not an address", token)
	}
	c.token, c.resolver = common.HexToAddress(get("TOKEN")), get("DNS")
	if c.flaws, err = parseFlaws(get("FLAWS")); err != nil {
		problem("%w", err)
	}
	return c, errors.Join(problems...)
}

func list(text string) []string {
	var all []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			all = append(all, entry)
		}
	}
	return all
}

// wallet is the whole app.
type wallet struct {
	flaws        flaws
	token        common.Address
	names        *names
	heads        *heads
	payments     *payments
	gateways     *pool
	users        *status
	lastBalances last[*big.Int]
	lastDeposits last[[]deposit]
}

// newWallet makes a wallet that stands still until start. It asks nobody.
func newWallet(c config, now func() time.Time) (*wallet, error) {
	o := newOutside(c.flaws, c.resolver, now)
	sources := func(addresses, ws []string) (*pool, error) {
		p := &pool{flaws: c.flaws}
		for i, address := range addresses {
			if i > 0 && c.flaws[oneProvider] {
				break
			}
			socket := ""
			if i < len(ws) {
				socket = ws[i]
			}
			s, err := newSource(o, address, socket)
			if err != nil {
				return nil, err
			}
			p.all = append(p.all, s)
		}
		return p, nil
	}
	providers, err := sources(c.rpc, c.ws)
	if err != nil {
		return nil, fmt.Errorf("RPC_URLS: %w", err)
	}
	gateways, err := sources(c.gateways, nil)
	if err != nil {
		return nil, fmt.Errorf("GATEWAYS: %w", err)
	}
	users := newStatus(now)
	h := newHeads(providers, c.chainID, c.blockTime, now)
	return &wallet{
		flaws: c.flaws, token: c.token, names: o.names, heads: h, payments: newPayments(h, c.key, users), gateways: gateways, users: users,
	}, nil
}

// start runs what goes on beside the requests. It ends, and calls done, when ctx does.
func (w *wallet) start(ctx context.Context) (done *sync.WaitGroup) {
	done = new(sync.WaitGroup)
	w.heads.start(ctx, done)
	w.payments.start(ctx, done)
	return done
}

func run(ctx context.Context) error {
	c, err := configFromEnv(os.Getenv)
	if err != nil {
		return err
	}
	w, err := newWallet(c, time.Now)
	if err != nil {
		return err
	}
	if c.flaws[diesCold] {
		limited, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if err := w.heads.poll(limited, w.heads.all[0]); err != nil {
			return fmt.Errorf("the first provider does not answer: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	background := w.start(ctx)
	defer background.Wait()
	defer cancel()

	server := &http.Server{Addr: c.listen, Handler: w.handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe() }()
	slog.Info("wallet listens", "address", c.listen)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, release := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer release()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(server.Close(), fmt.Errorf("requests were still open after 3 s: %w", err))
	}
	return nil
}

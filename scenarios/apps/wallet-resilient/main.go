// Wallet-resilient is a custodial wallet that goes on telling the truth while its RPC providers fail: it reads through several of them, marks what is old, and
// re-sends a payment by the bytes that it signed once.
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
	"strings"
	"sync"
	"syscall"
	"time"

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
	rpcURLs   []string // in order of preference
	key       *ecdsa.PrivateKey
	chainID   *big.Int      // nil: the providers are asked
	blockTime time.Duration // of the chain
}

func configFromEnv() (config, error) {
	host := os.Getenv("HOST")
	if host == "" {
		host = "127.0.0.1"
	}
	port := os.Getenv("PORT")
	if port == "" {
		return config{}, errors.New("PORT is not set")
	}
	c := config{listen: net.JoinHostPort(host, port), blockTime: 12 * time.Second}
	for url := range strings.SplitSeq(os.Getenv("RPC_URLS"), ",") {
		if url = strings.TrimSpace(url); url != "" {
			c.rpcURLs = append(c.rpcURLs, url)
		}
	}
	if len(c.rpcURLs) == 0 {
		return config{}, errors.New("RPC_URLS is not set")
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(os.Getenv("HOT_KEY"), "0x"))
	if err != nil {
		return config{}, fmt.Errorf("HOT_KEY: %w", err)
	}
	c.key = key
	if id := os.Getenv("CHAIN_ID"); id != "" {
		n, ok := new(big.Int).SetString(id, 10)
		if !ok || n.Sign() <= 0 {
			return config{}, fmt.Errorf("CHAIN_ID %q is not a positive decimal number", id)
		}
		c.chainID = n
	}
	if text := os.Getenv("BLOCK_TIME"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Second {
			return config{}, fmt.Errorf("BLOCK_TIME %q is not a duration of at least a second", text)
		}
		c.blockTime = d
	}
	return c, nil
}

// wallet is the whole app.
type wallet struct {
	heads    *heads
	balances *balances
	outbox   *outbox
}

// newWallet makes a wallet that stands still until start. It asks no provider.
func newWallet(c config, now func() time.Time) (*wallet, error) {
	var ps []*provider
	for i, url := range c.rpcURLs {
		p, err := newProvider(url, i, now)
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	h := newHeads(ps, c.chainID, c.blockTime, now)
	return &wallet{heads: h, balances: newBalances(h), outbox: newOutbox(h, c.key)}, nil
}

// start runs what goes on beside the requests. It ends, and calls done, when ctx does.
func (w *wallet) start(ctx context.Context) (done *sync.WaitGroup) {
	done = new(sync.WaitGroup)
	w.heads.start(ctx, done)
	w.outbox.start(ctx, done)
	return done
}

func run(ctx context.Context) error {
	c, err := configFromEnv()
	if err != nil {
		return err
	}
	w, err := newWallet(c, time.Now)
	if err != nil {
		return err
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

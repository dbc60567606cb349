// Wallet-single is a small custodial wallet: it shows balances and pays out of one hot key, all through one RPC provider.
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
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
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
	listen  string
	rpcURL  string
	key     *ecdsa.PrivateKey
	chainID *big.Int // nil: the provider is asked
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
	c := config{listen: net.JoinHostPort(host, port), rpcURL: os.Getenv("RPC_URL")}
	if c.rpcURL == "" {
		return config{}, errors.New("RPC_URL is not set")
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(os.Getenv("HOT_KEY"), "0x"))
	if err != nil {
		return config{}, fmt.Errorf("HOT_KEY: %w", err)
	}
	c.key = key
	if id := os.Getenv("CHAIN_ID"); id != "" {
		n, ok := new(big.Int).SetString(id, 10)
		if !ok {
			return config{}, fmt.Errorf("CHAIN_ID %q is not a decimal number", id)
		}
		c.chainID = n
	}
	return c, nil
}

func run(ctx context.Context) error {
	c, err := configFromEnv()
	if err != nil {
		return err
	}
	client, err := ethclient.DialContext(ctx, c.rpcURL)
	if err != nil {
		return fmt.Errorf("RPC_URL: %w", err)
	}
	defer client.Close()

	server := &http.Server{
		Addr:              c.listen,
		Handler:           newWallet(client, c.key, c.chainID).handler(),
		ReadHeaderTimeout: 5 * time.Second,
	}
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe() }()
	slog.Info("wallet listens", "address", c.listen)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(server.Close(), fmt.Errorf("requests were still open after 3 s: %w", err))
	}
	return nil
}

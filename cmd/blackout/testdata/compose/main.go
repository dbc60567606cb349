// Payments is a wallet in parts, by its argument: web shows balances and pays, worker looks after the payments' receipts, and migrate makes the table in which both keep
// them. They find one another, and the Postgres called store, by the names that compose.yaml gives them.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	parts := map[string]func(context.Context) error{"web": web, "worker": worker, "migrate": migrate}
	var part func(context.Context) error
	if len(os.Args) == 2 {
		part = parts[os.Args[1]]
	}
	if part == nil {
		fmt.Fprintln(os.Stderr, "usage: payments web|worker|migrate")
		os.Exit(2)
	}
	if err := part(ctx); err != nil {
		slog.Error("stopped", "part", os.Args[1], "err", err)
		os.Exit(1)
	}
}

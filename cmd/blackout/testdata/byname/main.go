// Byname shows balances from one RPC provider that it finds by host name, looked up at the resolver in DNS for each request: nothing is kept, no address and no
// connection. What it does not know it declines.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// The provider gets so long, so that a refusal is in time for the user's deadline.
const patience = 1500 * time.Millisecond

func main() {
	dialer := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, os.Getenv("DNS"))
	}}}
	anew := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	client, err := rpc.DialOptions(context.Background(), os.Getenv("RPC_URL"), rpc.WithHTTPClient(anew))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	http.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("GET /balance/{address}", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		w.Header().Set("Content-Type", "application/json")
		wei, err := ethclient.NewClient(client).BalanceAt(ctx, common.HexToAddress(r.PathValue("address")), nil)
		if err != nil {
			fmt.Println("declined:", err)
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "the provider does not answer"})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"balance": wei.String()})
	})
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

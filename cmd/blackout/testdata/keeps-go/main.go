// Keeps shows balances from Infura over one connection that it keeps, and from Alchemy over one that it opens for each request. It looks names up and checks certificates by
// the system's means.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// A provider gets so long: within the user's patience, and so much that a busy machine alone does not use it up.
const patience = 5 * time.Second

func main() {
	http.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	for path, provider := range map[string]struct {
		address   string
		transport *http.Transport
	}{
		"GET /kept/{address}":  {"https://mainnet.infura.io/v3/84842078b09946638c03157f83405213", &http.Transport{MaxConnsPerHost: 1}},
		"GET /fresh/{address}": {"https://eth-mainnet.g.alchemy.com/v2/demo", &http.Transport{DisableKeepAlives: true}},
	} {
		client, err := rpc.DialOptions(context.Background(), provider.address, rpc.WithHTTPClient(&http.Client{Transport: provider.transport}))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		http.HandleFunc(path, balance(ethclient.NewClient(client)))
	}
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}

// balance answers with what the provider says, its error included.
func balance(client *ethclient.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		w.Header().Set("Content-Type", "application/json")
		wei, err := client.BalanceAt(ctx, common.HexToAddress(r.PathValue("address")), nil)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"balance": wei.String()})
	}
}

// Production shows balances as it would in production: the addresses and keys of its providers are compiled in, names are looked up and certificates checked by the
// system's means, and nothing in its environment says anything about any of it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
)

// providers are in the order of preference.
var providers = []string{
	"https://mainnet.infura.io/v3/84842078b09946638c03157f83405213",
	"https://eth-mainnet.g.alchemy.com/v2/demo",
}

// Each provider gets so long, so that both fit into the user's deadline.
const patience = 800 * time.Millisecond

func main() {
	var clients []*ethclient.Client
	for _, p := range providers {
		c, err := ethclient.Dial(p)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		clients = append(clients, c)
	}
	http.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("GET /balance/{address}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		wei, err := balance(r.Context(), clients, common.HexToAddress(r.PathValue("address")))
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "no provider answers"})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"balance": wei.String()})
	})
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}

// balance asks one provider after the other.
func balance(ctx context.Context, clients []*ethclient.Client, of common.Address) (wei *big.Int, err error) {
	for _, c := range clients {
		asking, cancel := context.WithTimeout(ctx, patience)
		wei, err = c.BalanceAt(asking, of, nil)
		cancel()
		if err == nil {
			return wei, nil
		}
		fmt.Println(err)
	}
	return nil, err
}

// Contained shows balances from its providers at the addresses that are compiled in, and tries meanwhile to get out of its container: it dials what PROBES lists, and the
// gateway of its network, and says how that went.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
)

func main() {
	client, err := ethclient.Dial("https://mainnet.infura.io/v3/84842078b09946638c03157f83405213")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go probe()
	http.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("GET /balance/{address}", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		wei, err := client.BalanceAt(ctx, common.HexToAddress(r.PathValue("address")), nil)
		if err != nil {
			fmt.Println(err)
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "no provider answers"})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"balance": wei.String()})
	})
	fmt.Println(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}

// probe dials, says something, and prints what came back.
func probe() {
	for target := range strings.SplitSeq(os.Getenv("PROBES"), ",") {
		if port, ok := strings.CutPrefix(target, "gateway:"); ok {
			target = net.JoinHostPort(gateway(), port)
		}
		conn, err := net.DialTimeout("tcp", target, 2*time.Second)
		if err != nil {
			fmt.Printf("probe %s: %v\n", target, err)
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
		_, _ = conn.Write([]byte("hello\n"))
		said, err := bufio.NewReader(conn).ReadString('\n')
		fmt.Printf("probe %s: heard %q, %v\n", target, said, err)
		_ = conn.Close()
	}
	fmt.Println("probed")
}

// gateway is where the container's default route leads: /proc/net/route has it in hexadecimal, the last byte first.
func gateway() string {
	text, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return "0.0.0.0"
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "00000000" {
			if b, err := hex.DecodeString(f[2]); err == nil && len(b) == 4 {
				return net.IPv4(b[3], b[2], b[1], b[0]).String()
			}
		}
	}
	return "0.0.0.0"
}

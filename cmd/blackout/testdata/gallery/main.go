// Gallery shows files that lie on IPFS: GET /picture/<content id>. It asks the gateways in turn until one gives bytes that match the id, and says no when none does.
// With TRUSTING set it takes whatever the first gateway calls 200.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// A gateway gets so long, so that three of them fit into the user's deadline.
const patience = 600 * time.Millisecond

func main() {
	gateways, trusting := strings.Split(os.Getenv("GATEWAYS"), ","), os.Getenv("TRUSTING") != ""
	http.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("GET /picture/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, gateway := range gateways {
			mediaType, data, err := fetch(r.Context(), gateway+"/ipfs/"+r.PathValue("id"))
			if err != nil || !trusting && !matches(r.PathValue("id"), data) {
				continue
			}
			w.Header().Set("Content-Type", mediaType)
			_, _ = w.Write(data)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"error": "no gateway has this picture now"}`)
	})
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func fetch(ctx context.Context, address string) (mediaType string, data []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", nil, errors.New(resp.Status)
	}
	data, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.Header.Get("Content-Type"), data, err
}

// matches holds bytes against a content id: version 1, a raw block, and the SHA-256 of it.
func matches(id string, data []byte) bool {
	name, ok := strings.CutPrefix(id, "b")
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(name))
	sum := sha256.Sum256(data)
	return ok && err == nil && string(raw) == "\x01\x55\x12\x20"+string(sum[:])
}

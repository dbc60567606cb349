package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// userBudget is how long a user's request may take, with all that is tried for it.
const userBudget = 1800 * time.Millisecond

// answer is what a user gets: an object, or the bytes of a picture.
type answer struct {
	code  int // 0: 200
	body  map[string]any
	bytes []byte
	poor  bool // it says no, or shows what is old
}

func refuse(code int, why error) answer {
	return answer{code: code, body: map[string]any{"error": why.Error()}, poor: code >= http.StatusInternalServerError}
}

func (w *wallet) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(rw http.ResponseWriter, _ *http.Request) { // it serves, which does not depend on the chain
		write(rw, answer{body: map[string]any{"status": "ok"}})
	})
	mux.HandleFunc("GET /status", func(rw http.ResponseWriter, _ *http.Request) { write(rw, w.status()) })
	mux.HandleFunc("GET /balance/{address}", w.serve(func(ctx context.Context, r *http.Request) answer {
		return w.ofAccount(ctx, r, w.balance)
	}))
	mux.HandleFunc("GET /deposits/{address}", w.serve(func(ctx context.Context, r *http.Request) answer {
		return w.ofAccount(ctx, r, w.deposits)
	}))
	mux.HandleFunc("GET /picture/{cid}", w.serve(func(ctx context.Context, r *http.Request) answer { return w.picture(ctx, r.PathValue("cid")) }))
	mux.HandleFunc("GET /payment/{id}", w.serve(func(_ context.Context, r *http.Request) answer { return w.payments.get(r.PathValue("id")) }))
	mux.HandleFunc("POST /send", w.serve(w.send))
	return mux
}

// serve gives a request its budget, and counts how it went for the status.
func (w *wallet) serve(handle func(context.Context, *http.Request) answer) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if !w.flaws[noDeadline] {
			limited, cancel := context.WithTimeout(ctx, userBudget)
			defer cancel()
			ctx = limited
		}
		a := handle(ctx, r)
		w.users.count(a.poor)
		write(rw, a)
	}
}

func (w *wallet) ofAccount(ctx context.Context, r *http.Request, show func(context.Context, common.Address) answer) answer {
	address := r.PathValue("address")
	if !common.IsHexAddress(address) {
		return refuse(http.StatusBadRequest, errors.New("not an address: "+address))
	}
	return show(ctx, common.HexToAddress(address))
}

func (w *wallet) send(ctx context.Context, r *http.Request) answer {
	var order struct{ To, Wei, Key string }
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<16)) // to its end: only then net/http notices a user who leaves
	if err != nil || json.Unmarshal(text, &order) != nil {
		return refuse(http.StatusBadRequest, errors.New("not an order"))
	}
	wei, ok := new(big.Int).SetString(order.Wei, 10)
	if !common.IsHexAddress(order.To) || !ok || wei.Sign() <= 0 || wei.BitLen() > 256 || order.Key == "" {
		return refuse(http.StatusBadRequest, errors.New("an order needs to (an address), wei (a positive decimal number) and key (any text, once per payment)"))
	}
	return w.payments.pay(ctx, common.HexToAddress(order.To), wei, order.Key)
}

func write(rw http.ResponseWriter, a answer) {
	data, kind := a.bytes, "application/json"
	if a.body != nil {
		text, err := json.Marshal(a.body)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		data = text
	} else if first := bytes.TrimLeft(data, " \t\r\n"); bytes.HasPrefix(first, []byte("<")) {
		kind = "image/svg+xml"
	}
	rw.Header().Set("Content-Type", kind)
	rw.WriteHeader(max(a.code, http.StatusOK))
	if _, err := rw.Write(data); err != nil {
		slog.Debug("answer not written", "err", err)
	}
}

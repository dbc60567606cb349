package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"math/big"
	"net/http"

	"github.com/ethereum/go-ethereum/common"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

func (w *wallet) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.showPage)
	mux.HandleFunc("GET /health", func(rw http.ResponseWriter, _ *http.Request) {
		reply(rw, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /balance/{address}", w.showBalance)
	mux.HandleFunc("POST /send", w.takePayment)
	mux.HandleFunc("GET /payment/{id}", w.showPayment)
	return mux
}

func (w *wallet) showBalance(rw http.ResponseWriter, r *http.Request) {
	address := r.PathValue("address")
	if !common.IsHexAddress(address) {
		refuse(rw, http.StatusBadRequest, "not an address: "+address)
		return
	}
	account := common.HexToAddress(address)
	reply(rw, http.StatusOK, map[string]string{"address": account.Hex(), "balance": ether(w.balance(r.Context(), account))})
}

func (w *wallet) takePayment(rw http.ResponseWriter, r *http.Request) {
	var order struct{ To, Wei, Key string }
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<16)).Decode(&order); err != nil {
		refuse(rw, http.StatusBadRequest, "not an order: "+err.Error())
		return
	}
	wei, ok := new(big.Int).SetString(order.Wei, 10)
	if !common.IsHexAddress(order.To) || !ok || wei.Sign() <= 0 || wei.BitLen() > 256 || order.Key == "" {
		refuse(rw, http.StatusBadRequest, "an order needs to (an address), wei (a positive decimal number) and key (any text, once per payment)")
		return
	}
	p, err := w.pay(r.Context(), common.HexToAddress(order.To), wei, order.Key)
	if err != nil {
		slog.Error("payment not sent", "key", order.Key, "err", err)
		refuse(rw, http.StatusBadGateway, err.Error())
		return
	}
	reply(rw, http.StatusOK, shown(p, "pending"))
}

func (w *wallet) showPayment(rw http.ResponseWriter, r *http.Request) {
	p := w.byID(r.PathValue("id"))
	if p == nil {
		refuse(rw, http.StatusNotFound, "no such payment")
		return
	}
	reply(rw, http.StatusOK, shown(p, w.state(r.Context(), p)))
}

func (w *wallet) showPage(rw http.ResponseWriter, _ *http.Request) {
	type row struct{ ID, To, Amount string }
	var rows []row
	for _, p := range w.recent(20) {
		rows = append(rows, row{ID: p.id, To: p.to.Hex(), Amount: ether(p.wei)})
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(rw, map[string]any{"Hot": w.from.Hex(), "Payments": rows}); err != nil {
		slog.Warn("page not shown", "err", err)
	}
}

func shown(p *payment, state string) map[string]string {
	return map[string]string{"id": p.id, "hash": p.hash.Hex(), "state": state}
}

func refuse(rw http.ResponseWriter, status int, why string) {
	reply(rw, status, map[string]string{"error": why})
}

func reply(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	if err := json.NewEncoder(rw).Encode(body); err != nil {
		slog.Warn("reply not written", "err", err)
	}
}

// ether writes wei as ether with six decimals, the rest cut off: a wallet never shows more than there is.
func ether(wei *big.Int) string {
	whole, micro := new(big.Int).QuoRem(new(big.Int).Quo(wei, big.NewInt(1e12)), big.NewInt(1e6), new(big.Int))
	return fmt.Sprintf("%s.%06d", whole, micro)
}

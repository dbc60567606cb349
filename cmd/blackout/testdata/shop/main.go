// Shop shows a price: GET /price. It asks an interface for the rate and a database for the number of pieces, over a connection that it keeps, and says no when it does
// not get both. Without DB it has no database.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// patience is how long the shop waits for the rate, and then for the database: both fit into the user's deadline.
const patience = 700 * time.Millisecond

func main() {
	db := &database{address: os.Getenv("DB")}
	http.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("GET /price", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		amount, err := rate(r.Context(), os.Getenv("PRICES")+"/v2/prices/ETH-USD/spot")
		var pieces string
		if err == nil && db.address != "" {
			pieces, err = db.ask("pieces of lamp")
		}
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "no price now: " + err.Error()})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"amount": amount, "pieces": pieces})
	})
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func rate(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var said struct{ Data struct{ Amount string } }
	if err := json.NewDecoder(resp.Body).Decode(&said); err != nil || resp.StatusCode != http.StatusOK || said.Data.Amount == "" {
		return "", errors.New(resp.Status)
	}
	return said.Data.Amount, nil
}

// database is a connection that is made anew when it fails.
type database struct {
	address string
	mu      sync.Mutex
	conn    net.Conn
	lines   *bufio.Reader
}

func (d *database) ask(question string) (answer string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		if d.conn, err = net.DialTimeout("tcp", d.address, patience); err != nil {
			d.conn = nil
			return "", err
		}
		d.lines = bufio.NewReader(d.conn)
	}
	if err = d.conn.SetDeadline(time.Now().Add(patience)); err == nil {
		if _, err = fmt.Fprintln(d.conn, question); err == nil {
			answer, err = d.lines.ReadString('\n')
		}
	}
	if err != nil {
		_ = d.conn.Close()
		d.conn = nil
	}
	return answer, err
}

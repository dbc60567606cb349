package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"
)

// Host runs the app's instances for a cell. It is safe for concurrent use.
type Host interface {
	// StartServices starts what a compose file has beside the app, Before it or After it, and returns when all of that is there.
	StartServices(ctx context.Context, when string, l Launch) error
	// Start starts an instance and tells what happens to it until it has ended or ctx ends. Happened is called from one goroutine.
	Start(ctx context.Context, instance string, l Launch, happened func(Event)) error
	Kill(ctx context.Context, instance string) error
	Pause(ctx context.Context, instance string) error
	Resume(ctx context.Context, instance string) error
	// Stop asks it to end, and kills it after the grace.
	Stop(ctx context.Context, instance string, grace time.Duration) error
}

// Server answers one cell.
type Server struct {
	http   *http.Server
	served chan error
}

// Serve listens on the socket in a folder. order is what the cell is told, lines gets whole lines of its history.
func Serve(ctx context.Context, folder string, order io.Reader, lines func(line []byte), host Host) (*Server, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /order", func(w http.ResponseWriter, r *http.Request) {
		_ = copyFlushed(w, order) // the cell is gone
	})
	mux.HandleFunc("POST /lines", func(w http.ResponseWriter, r *http.Request) {
		in := bufio.NewReaderSize(r.Body, 1<<16)
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				return // a line that is not whole is of a cell that was killed
			}
			lines(line)
		}
	})
	mux.HandleFunc("POST /instances/{name}/{verb}", func(w http.ResponseWriter, r *http.Request) { serveInstance(host, w, r) })
	mux.HandleFunc("POST /services/{when}", func(w http.ResponseWriter, r *http.Request) {
		var l Launch
		err := json.NewDecoder(r.Body).Decode(&l)
		if err == nil {
			err = host.StartServices(r.Context(), r.PathValue("when"), l)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", filepath.Join(folder, Socket))
	if err != nil {
		return nil, fmt.Errorf("listen for the cell: %w", err)
	}
	s := &Server{&http.Server{Handler: mux, ReadHeaderTimeout: headerBound, BaseContext: func(net.Listener) context.Context { return ctx }}, make(chan error, 1)}
	go func() { s.served <- s.http.Serve(l) }()
	return s, nil
}

// Close ends all answers.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func serveInstance(host Host, w http.ResponseWriter, r *http.Request) {
	name, ctx := r.PathValue("name"), r.Context()
	var err error
	switch r.PathValue("verb") {
	case start:
		serveStart(host, w, r)
		return
	case kill:
		err = host.Kill(ctx, name)
	case pause:
		err = host.Pause(ctx, name)
	case resume:
		err = host.Resume(ctx, name)
	case stop:
		var grace time.Duration
		if grace, err = time.ParseDuration(r.URL.Query().Get("grace")); err == nil {
			err = host.Stop(ctx, name, grace)
		}
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func serveStart(host Host, w http.ResponseWriter, r *http.Request) {
	var l Launch
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	to, flush := json.NewEncoder(w), http.NewResponseController(w)
	tell := func(e Event) {
		_ = errors.Join(to.Encode(e), flush.Flush()) // a cell that is gone needs no telling
	}
	if err := host.Start(r.Context(), r.PathValue("name"), l, tell); err != nil {
		tell(Event{Error: err.Error()})
	}
}

// copyFlushed copies what comes when it comes.
func copyFlushed(w http.ResponseWriter, from io.Reader) error {
	flush := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	if err := flush.Flush(); err != nil {
		return err
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			if err := flush.Flush(); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

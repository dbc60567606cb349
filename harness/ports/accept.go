package ports

import (
	"context"
	"errors"
	"net"
	"time"
)

// retryAccept is the pause after an error that may pass.
const retryAccept = 10 * time.Millisecond

// Accept hands out what a listener accepts, one after the other, until the listener is closed or ctx has ended. Any other error may pass, such as too many open files or a
// client that gave up in the queue: the listener is tried again after a pause. Closing it is the caller's.
func Accept[C any](ctx context.Context, accept func() (C, error), take func(C)) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		taken, err := accept()
		if err == nil {
			take(taken)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		pause.Reset(retryAccept)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
	}
}

package main

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
)

// silent is a cell of an engine that does not say what services have printed.
type silent struct{ closing error }

func (*silent) Logs(ctx context.Context, _ func(string) (io.WriteCloser, error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s *silent) Close(ctx context.Context) error {
	s.closing = ctx.Err()
	<-ctx.Done()
	return errors.New("close: " + ctx.Err().Error())
}

// TestLeave has all of a cell removed although reading its logs took as long as it may, and the run was interrupted.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		in := &silent{errors.New("it was not removed")}
		err := leave(ctx, in, nil)
		if in.closing != nil {
			t.Errorf("close began when its time was over: %v", in.closing)
		}
		if want := "context deadline exceeded\nclose: context deadline exceeded"; err == nil || err.Error() != want {
			t.Errorf("leave: %v", err)
		}
	})
}

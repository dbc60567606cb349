package ports

import (
	"context"
	"net"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestAccept: an error that may pass is waited out, and the end of the listener or of the context is the end.
func TestAccept(t *testing.T) {
	for name, tt := range map[string]struct {
		errs []error // of each call; nil: a connection
		end  time.Duration
		want []int
		took time.Duration
	}{
		"closed":              {errs: []error{nil, nil, net.ErrClosed}, want: []int{0, 1}},
		"too many open files": {errs: []error{nil, syscall.EMFILE, syscall.ECONNABORTED, nil, net.ErrClosed}, want: []int{0, 3}, took: 2 * retryAccept},
		"ended meanwhile":     {errs: []error{nil, syscall.EMFILE}, end: retryAccept / 2, want: []int{0}, took: retryAccept / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.end > 0 {
					time.AfterFunc(tt.end, cancel)
				}
				began, calls := time.Now(), 0
				var got []int
				Accept(ctx, func() (int, error) {
					calls++
					return calls - 1, tt.errs[calls-1]
				}, func(n int) { got = append(got, n) })
				if took := time.Since(began); !slices.Equal(got, tt.want) || took != tt.took {
					t.Errorf("took %v in %s, want %v in %s", got, took, tt.want, tt.took)
				}
			})
		})
	}
}

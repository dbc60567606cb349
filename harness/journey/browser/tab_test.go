package browser

import (
	"context"
	"errors"
	"os"
	"testing"
)

// running starts a browser that ends with the test.
func running(t *testing.T, authority []byte) *Browser {
	t.Helper()
	path, err := Find(os.Getenv(Variable))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %s", err, Hint)
		}
		t.Skipf("%v: %s", err, Hint)
	}
	b, err := Start(t.Context(), Config{Path: path, Dir: t.TempDir(), Authority: authority, PATH: os.Getenv("PATH")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestGive: a tab that is given back is there for the next attempt; after the end of all attempts it is ended, and none takes its place.
func TestGive(t *testing.T) {
	b := running(t, nil)
	tab, err := b.Take(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	tab.Give(t.Context())
	again, err := b.Take(t.Context(), 0)
	if err != nil || again != tab {
		t.Fatalf("another tab, or %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	tab.Give(over)
	if other := tab.user.get(); other != nil || tab.ctx.Err() == nil {
		t.Errorf("after the end the tab has %v, and the session %v", tab.ctx.Err(), other)
	}
}

// TestSessionsDoNotWait: while the browser makes the context of one session, another is served, and who waits for it heeds a context.
func TestSessionsDoNotWait(t *testing.T) {
	b := running(t, nil)
	slow, err := b.user(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	slow.making <- struct{}{}
	if other, err := b.user(t.Context(), 1); err != nil || other.id == slow.id {
		t.Errorf("the other session: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Take(over, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits no longer: %v", err)
	}
}

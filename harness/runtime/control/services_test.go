package control

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// company is a host that has services only.
type company struct {
	Host
	started []Launch
}

func (c *company) StartServices(_ context.Context, when string, l Launch) error {
	if when == After {
		return errors.New("service worker: no such image\nand more")
	}
	c.started = append(c.started, l)
	return nil
}

func TestStartServices(t *testing.T) {
	folder, host := t.TempDir(), &company{}
	s, err := Serve(t.Context(), folder, strings.NewReader(""), func([]byte) {}, host)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client, l := Dial(folder), Launch{Env: []string{"A=b"}, Files: map[string][]byte{"/etc/resolv.conf": []byte("nameserver")}}
	if err := client.StartServices(t.Context(), Before, l); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Launch{l}, host.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	if err := client.StartServices(t.Context(), After, l); err == nil || err.Error() != "service worker: no such image\nand more" {
		t.Errorf("what went wrong: %v", err)
	}
}

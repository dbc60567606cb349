package main

import (
	"errors"
	"strings"
	"testing"

	"blackout/harness/runtime/private"
)

// TestUnseenIsSaid holds that a run without a network of its own says what is lost, whyever there is none.
func TestUnseenIsSaid(t *testing.T) {
	for _, why := range []error{private.ErrSystem, errors.New("namespaces are forbidden")} {
		var said strings.Builder
		s := &state{stderr: &said}
		if is, err := s.privateUnless(why, network{networkAuto}); is || err != nil {
			t.Errorf("%v: private %t, error %v", why, is, err)
		}
		if want := "No private network can be had here (" + why.Error() + "): what the app dials beside its services leaves this machine, unseen.\n"; said.String() != want {
			t.Errorf("said %q, want %q", said.String(), want)
		}
		if is, err := s.privateUnless(why, network{networkPrivate}); is || err == nil {
			t.Errorf("%v: --network private is private %t, error %v", why, is, err)
		}
	}
	s := &state{}
	if is, err := s.privateUnless(nil, network{networkAuto}); !is || err != nil {
		t.Errorf("private %t, error %v", is, err)
	}
}

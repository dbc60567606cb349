package app

import "runtime"

// starter runs functions on one operating-system thread that lives until close. Processes have to be started on it: the kernel's parent-death signal is sent when the
// thread that forked ends, and the Go runtime ends threads as it likes, except one that a live goroutine is locked to.
type starter struct {
	jobs chan func()
	done chan struct{}
}

func newStarter() *starter {
	s := &starter{jobs: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread()
		// Without unlocking, the thread would end with the goroutine.
		defer runtime.UnlockOSThread()
		for job := range s.jobs {
			job()
		}
	}()
	return s
}

// do runs f on the thread and waits for it.
func (s *starter) do(f func()) {
	finished := make(chan struct{})
	s.jobs <- func() { defer close(finished); f() }
	<-finished
}

// close gives the thread back. do must not be called afterwards.
func (s *starter) close() {
	close(s.jobs)
	<-s.done
}

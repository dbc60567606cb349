package journey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"strings"
	"sync"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/journey/browser"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// album is the pictures that a journey still has to take.
type album struct {
	mu    sync.Mutex
	taken []bool // by place in the plan's list
}

// claim gives the places of the pictures that an attempt is to be in: those whose time it is due in, and which no other has.
func (m *album) claim(wanted []plan.Picture, due clock.Micros) []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken == nil {
		m.taken = make([]bool, len(wanted))
	}
	var mine []int
	for i, p := range wanted {
		if !m.taken[i] && due >= p.From && due < p.To {
			m.taken[i] = true
			mine = append(mine, i)
		}
	}
	return mine
}

// release lets another attempt be in them.
func (m *album) release(places []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range places {
		m.taken[i] = false
	}
}

// leave is what remains to be done in a browser once the attempt is recorded, so that it takes none of its time: the pictures that it is to be in are taken, and its tab is
// given back. due is in the plan's time.
func (r *Runner) leave(ctx context.Context, j *journey, a history.Attempt, page *onScreen, due clock.Micros) {
	if page == nil {
		return
	}
	defer page.leave(ctx)
	if r.cfg.Picture == nil || a.Error == history.ErrInterrupted || ctx.Err() != nil {
		return
	}
	places := j.album.claim(j.plan.Pictures, due)
	if len(places) == 0 {
		return
	}
	shot, err := page.tab.Picture(ctx)
	if err == nil {
		_, err = png.DecodeConfig(bytes.NewReader(shot))
	}
	// The picture has to show what the attempt read: another attempt tries where the page went on meanwhile.
	if err != nil || page.fields != nil && !page.tab.Shows(ctx, page.visit, page.fields) {
		j.album.release(places)
		return
	}
	for _, i := range places {
		phase := j.plan.Pictures[i].Phase
		file, err := r.cfg.Picture(fmt.Sprintf("%s-%02d-%s", fileName(j.plan.Name), i, fileName(phase)), shot)
		if err != nil {
			r.cfg.Sink.Add(history.Note{Text: fmt.Sprintf("the picture of %s was not kept: %v", a.ID, err), At: r.cfg.Clock.Now()})
			continue
		}
		r.cfg.Sink.Add(history.Picture{Attempt: a.ID, Journey: j.plan.Name, Phase: phase, File: file, At: r.cfg.Clock.Now()})
	}
}

// fileName makes a name fit for a file: small letters, digits and dashes.
func fileName(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			return c
		}
		return '-'
	}, strings.ToLower(name))
}

// warm opens the tabs that the plan's browser journeys can need, and takes and gives one back: nothing has to be opened when an attempt is due.
func (r *Runner) warm(ctx context.Context) error {
	tabs, sessions := 0, 0
	for _, j := range r.journeys {
		if j.plan.Driver == spec.DriverBrowser {
			tabs += max(1, j.plan.Tabs)
			sessions = max(sessions, min(len(r.sessions), j.plan.Attempts))
		}
	}
	if tabs == 0 {
		return nil
	}
	return r.cfg.Browser.Ready(ctx, max(1, sessions), tabs)
}

// ownFault says whether an attempt's error is not the app's: the browser is gone, or the app file has a selector that no browser understands.
func ownFault(err error) error {
	var selector *browser.SelectorError
	switch {
	case errors.As(err, &selector):
		return fmt.Errorf("%w: %w", ErrAppFile, err)
	case errors.Is(err, browser.ErrEnded):
		return err
	}
	return nil
}

package browser

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The window, in pixels: wide enough for what pages show on a laptop, small enough to be read in a report.
const width, height = 1024, 640

const (
	emptyPage    = "about:blank"
	pictureBound = 3 * time.Second // for a picture; a page that hangs gives none
	textBound    = time.Second     // for the text of a page
	resetBound   = 3 * time.Second // for leaving a page; a tab that takes longer is thrown away
)

// Tab is one tab. One attempt at a time has it, from Take to Give.
type Tab struct {
	b    *Browser
	user *user
	ctx  context.Context // chromedp's
	end  context.CancelFunc

	mu      sync.Mutex
	frame   string   // the id of the page's own frame
	status  int      // of the last document that came as the page; 0 when none did
	dialogs []string // what the page said in dialogs
	crashed bool
}

// open opens a tab of a user.
func (b *Browser) open(ctx context.Context, u *user) (*Tab, error) {
	t := &Tab{b: b, user: u}
	t.ctx, t.end = chromedp.NewContext(b.ctx, chromedp.WithExistingBrowserContext(u.id), chromedp.WithListener(t.heard))
	unhook := context.AfterFunc(ctx, func() { go t.end() })
	defer unhook()
	err := chromedp.Do(t.ctx)
	if err == nil {
		t.mu.Lock()
		t.frame = string(chromedp.FromContext(t.ctx).Target.TargetID)
		t.mu.Unlock()
		// A page of a tab in the background would believe that nobody looks.
		_, err = chromedp.Call(t.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	}
	if err != nil {
		t.end()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, b.failed(fmt.Errorf("open a tab: %w", err))
	}
	return t, nil
}

// heard takes the events of the tab. It must not wait.
func (t *Tab) heard(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *network.EventResponseReceived:
		t.document(e)
	case network.EventResponseReceived:
		t.document(&e)
	case *page.EventJavascriptDialogOpening:
		t.dialog(e.Message)
	case page.EventJavascriptDialogOpening:
		t.dialog(e.Message)
	case *inspector.EventTargetCrashed, inspector.EventTargetCrashed:
		t.crashed = true
	}
}

func (t *Tab) document(e *network.EventResponseReceived) {
	if e.Type == network.ResourceTypeDocument && e.Response != nil && (t.frame == "" || string(e.FrameID) == t.frame) {
		t.status = int(e.Response.Status)
	}
}

// dialog presses OK, as a person would: until then the page stands still.
func (t *Tab) dialog(text string) {
	t.dialogs = append(t.dialogs, text)
	go func() {
		_, _ = chromedp.Call(t.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true}) // it may be closed by then
	}()
}

// fresh forgets what an earlier attempt left.
func (t *Tab) fresh() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status, t.dialogs = 0, nil
}

// state is the status of the page's document, what the page said in dialogs, and whether the page crashed.
func (t *Tab) state() (status int, dialogs []string, crashed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status, t.dialogs, t.crashed
}

// Picture is what the tab shows, as a PNG of the window's size.
func (t *Tab) Picture(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pictureBound)
	defer cancel()
	var shot page.CaptureScreenshotResult
	err := within(ctx, t.ctx, func(ctx context.Context) (err error) {
		shot, err = chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
		return err
	})
	return shot.Data, t.b.failed(err)
}

// Text is what a person can read in the tab, at most limit characters of it; "" for a page that does not answer.
func (t *Tab) Text(ctx context.Context, limit int) string {
	ctx, cancel := context.WithTimeout(ctx, textBound)
	defer cancel()
	seen, err := t.look(ctx, asked{Whole: limit})
	if err != nil {
		return ""
	}
	return seen.Text
}

// crash ends the process that renders the tab: one that a script keeps busy would hold up the session's other tabs, which it may render too.
func (t *Tab) crash(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, textBound)
	defer cancel()
	_ = within(ctx, t.ctx, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.Crash, cdp.Empty{}) // it cannot answer
		return err
	})
}

// answers asks the page for a sign of life.
func (t *Tab) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, textBound)
	defer cancel()
	_, err := t.look(ctx, asked{})
	return err
}

// blank leaves the page.
func (t *Tab) blank(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, resetBound)
	defer cancel()
	return within(ctx, t.ctx, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: emptyPage})
		return err
	})
}

// Give gives the tab back. It leaves the page first, so that no script of it goes on asking the app; a tab that cannot is thrown away, and another is opened in its place.
// When ctx has ended nobody needs a tab any more: this one is ended.
func (t *Tab) Give(ctx context.Context) {
	_, _, crashed := t.state()
	err := ctx.Err()
	if err == nil {
		err = t.answers(ctx)
	}
	if err == nil {
		err = t.blank(ctx)
	}
	if err == nil && !crashed {
		t.fresh()
		t.user.put(t)
		return
	}
	if ctx.Err() != nil || t.b.ctx.Err() != nil {
		t.end()
		return
	}
	if !crashed {
		t.crash(ctx)
	}
	t.end()
	anew, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	if other, err := t.b.open(anew, t.user); err == nil {
		t.user.put(other)
	}
}

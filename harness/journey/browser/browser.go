package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"golang.org/x/sync/errgroup"

	"blackout/harness/clock"
	"blackout/harness/runtime/private"
)

// Config is what a Browser needs.
type Config struct {
	Path      string        // of the program
	Dir       string        // an existing folder for its home, which is the caller's to remove
	Authority []byte        // the certificate that is trusted, PEM; nil for none but the browser's own
	As        *private.User // whom it runs as when this process is in a private network; nil when it is not
	PATH      string
	Lang      string
}

const (
	startBound = 60 * time.Second // for the browser to be there; a second on an idle machine
	openAtOnce = 2                // tabs that are opened at the same time: more only wait for each other
)

// ErrEnded says that the browser is gone: it crashed, or somebody ended it. What an attempt then saw says nothing about the app.
var ErrEnded = errors.New("the browser ended by itself")

// Browser is a running browser. Its methods may be called by many at once.
type Browser struct {
	ctx    context.Context // chromedp's, of the browser: it ends when the browser does
	cancel func()
	group  int // process group

	mu    sync.Mutex
	users map[int]*user // by session
}

// user is one session's browser context.
type user struct {
	making chan struct{} // capacity 1: held by whoever makes it, or looks whether it is made
	id     cdp.BrowserContextID

	mu      sync.Mutex
	idle    []*Tab
	cookies bool // those of the login are there
}

// preferences is the file of that name in the profile: no search engine on the internet, which the browser would open connections to whenever a tab is opened.
const preferences = `{"default_search_provider_data": {"template_url_data": {"short_name": "none", "keyword": "none", "url": "http://[::1]:1/?q={searchTerms}", "id": "99",
"prepopulate_id": 0, "is_active": 1, "safe_for_autoreplace": false, "synced_guid": "485bf7d3-0215-45af-87dc-538868000099"}}}`

// nowhere is where the browser is sent for what it would ask its maker: what it asks by itself must not be taken for the app's.
const nowhere = "https://[::1]:1"

// longestHome is how long the path of a folder may be in which the browser puts a socket: below it stands org.chromium.Chromium.XXXXXX/SingletonSocket, and the whole of it may have
// 107 bytes (unix(7)). Beyond that the browser crashes as it starts, so that its temporary files are left to the system's own folder.
const longestHome = 107 - len("/org.chromium.Chromium.XXXXXX/SingletonSocket")

// options start the browser: chromedp's own, which are those of Puppeteer, and what keeps it from speaking to anybody but the page's servers.
func options(cfg Config, home string, started func(*exec.Cmd)) []chromedp.ExecAllocatorOption {
	uid := os.Getuid()
	if cfg.As != nil {
		uid = cfg.As.UID
	}
	env := []string{"PATH=" + cfg.PATH, "HOME=" + home}
	if len(home) < longestHome {
		env = append(env, "TMPDIR="+home)
	}
	if cfg.Lang != "" {
		env = append(env, "LANG="+cfg.Lang)
	}
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(cfg.Path), chromedp.NoInheritEnv, chromedp.Env(env...), chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.WindowSize(width, height), chromedp.DisableGPU,
		chromedp.Flag("no-sandbox", uid == 0), chromedp.Flag("disable-dev-shm-usage", tight("/dev/shm")),
		chromedp.Flag("no-proxy-server", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("disable-features", "Translate,NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,PreconnectToSearch,BackForwardCache,AutofillServerCommunication"),
		chromedp.Flag("gaia-url", nowhere), chromedp.Flag("gcm-checkin-url", nowhere), chromedp.Flag("gcm-registration-url", nowhere), chromedp.Flag("gcm-mcs-endpoint", nowhere),
		chromedp.Flag("component-updater", "url-source="+nowhere), // Chromium 156 asks it as it starts, in spite of disable-component-update
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.SysProcAttr = ownGroup()
			if cfg.As != nil {
				private.AsUser(cmd, *cfg.As)
			}
			started(cmd)
		}),
	)
}

// Start starts the browser and waits until it answers. It lives until Close, whatever becomes of ctx.
func Start(ctx context.Context, cfg Config) (*Browser, error) {
	home := cfg.Dir
	profile := filepath.Join(home, "profile", "Default")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(profile, "Preferences"), []byte(preferences), 0o600); err != nil {
		return nil, err
	}
	if cfg.Authority != nil {
		if err := trustIn(home, cfg.Authority); err != nil {
			return nil, err
		}
	}
	var process *exec.Cmd
	allocator, release := chromedp.NewExecAllocator(context.Background(), options(cfg, home, func(cmd *exec.Cmd) { process = cmd })...)
	b := &Browser{users: map[int]*user{}}
	var cancel context.CancelFunc
	b.ctx, cancel = chromedp.NewContext(allocator)
	b.cancel = func() { cancel(); release() }

	ctx, stop := context.WithTimeout(ctx, startBound)
	defer stop()
	unhook := context.AfterFunc(ctx, cancel)
	err := chromedp.Do(b.ctx)
	if process != nil && process.Process != nil {
		b.group = process.Process.Pid
	}
	if err == nil && unhook() {
		return b, nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%s does not answer: %w", cfg.Path, ctx.Err())
	}
	return nil, errors.Join(fmt.Errorf("start the browser %s: %w", cfg.Path, err), b.Close())
}

// Ready opens tabs for sessions 0 to sessions-1, so that none has to be opened when an attempt is due.
func (b *Browser) Ready(ctx context.Context, sessions, tabs int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(openAtOnce)
	for n := range sessions {
		group.Go(func() error {
			u, err := b.user(ctx, n)
			for range tabs {
				if err != nil {
					break
				}
				var t *Tab
				if t, err = b.open(ctx, u); err == nil {
					u.put(t)
				}
			}
			return err
		})
	}
	return group.Wait()
}

// Close ends the browser and all of its processes. It is safe to call again.
func (b *Browser) Close() error {
	b.cancel()
	return endGroup(b.group)
}

// Take gives a tab of a session that nobody uses, or opens one: that takes a while.
func (b *Browser) Take(ctx context.Context, session int) (*Tab, error) {
	u, err := b.user(ctx, session)
	if err != nil {
		return nil, err
	}
	for {
		t := u.get()
		if t == nil {
			return b.open(ctx, u)
		}
		if t.ctx.Err() == nil {
			return t, nil
		}
	}
}

// SetCookies gives a session the cookies of its login for an address, once: from then on they are the browser's to keep.
func (b *Browser) SetCookies(ctx context.Context, session int, address string, cookies map[string]string) error {
	u, err := b.user(ctx, session)
	if err != nil {
		return err
	}
	u.mu.Lock()
	done := u.cookies
	u.cookies = true
	u.mu.Unlock()
	if done || len(cookies) == 0 {
		return nil
	}
	params := storage.SetCookiesParams{BrowserContextID: u.id}
	for name, value := range cookies {
		params.Cookies = append(params.Cookies, &network.CookieParam{Name: name, Value: value, URL: address})
	}
	return b.failed(within(ctx, b.ctx, func(ctx context.Context) error {
		_, err := chromedp.CallBrowser(ctx, storage.SetCookies, params)
		return err
	}))
}

// user gives a session's browser context, and makes it when it is first asked for. Sessions do not wait for each other.
func (b *Browser) user(ctx context.Context, session int) (*user, error) {
	b.mu.Lock()
	u := b.users[session]
	if u == nil {
		u = &user{making: make(chan struct{}, 1)}
		b.users[session] = u
	}
	b.mu.Unlock()
	select {
	case u.making <- struct{}{}:
		defer func() { <-u.making }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if u.id != "" {
		return u, nil
	}
	err := within(ctx, b.ctx, func(ctx context.Context) error {
		made, err := chromedp.CallBrowser(ctx, target.CreateBrowserContext, target.CreateBrowserContextParams{})
		u.id = made.BrowserContextID
		return err
	})
	if err != nil {
		return nil, b.failed(err)
	}
	return u, nil
}

// failed says of an error that the browser is gone when it is.
func (b *Browser) failed(err error) error {
	if err != nil && b.ctx.Err() != nil {
		return ErrEnded
	}
	return err
}

func (u *user) put(t *Tab) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.idle = append(u.idle, t)
}

// get gives the tab that was used last; nil when none is free.
func (u *user) get() *Tab {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(u.idle)
	if n == 0 {
		return nil
	}
	t := u.idle[n-1]
	u.idle = u.idle[:n-1]
	return t
}

// within does something in a context of chromedp until ctx ends, whose error is then given: the outer one only carries the tab.
func within(ctx, of context.Context, do func(context.Context) error) error {
	inner, cancel := context.WithCancel(of)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	err := do(inner)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// strikes is how often a group is killed: a member may fork while the signal is under way.
const strikes = 20

// endGroup kills what is left of a process group. What has ended and nobody has reaped yet counts as there, so it does not wait for the group to be empty.
func endGroup(group int) error {
	if group <= 0 {
		return nil
	}
	for range strikes {
		if err := syscall.Kill(-group, syscall.SIGKILL); err != nil {
			if errors.Is(err, syscall.ESRCH) {
				return nil
			}
			return fmt.Errorf("end the browser: %w", err)
		}
		_ = clock.Sleep(context.Background(), 10*time.Millisecond) // its only error is the context's
	}
	return nil
}

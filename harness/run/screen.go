package run

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"blackout/harness/journey/browser"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// screens is the folder of a run's folder for pictures of what a browser showed.
const screens = "screens"

// NeedsBrowser reports whether a plan has a journey that drives a browser.
func NeedsBrowser(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Journeys, func(j plan.Journey) bool { return j.Driver == spec.DriverBrowser })
}

// startBrowser starts the browser of the plan's browser journeys; it is nil when there is none.
func (c *cell) startBrowser(ctx context.Context) (*browser.Browser, error) {
	if !NeedsBrowser(c.plan) {
		return nil, nil
	}
	environ := lookup(c.cfg.Environ)
	program, err := browser.Find(environ[browser.Variable])
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, browser.Hint)
	}
	dir := filepath.Join(c.cfg.Scratch, "browser")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	cfg := browser.Config{Path: program, Dir: dir, As: c.cfg.As, PATH: environ["PATH"], Lang: environ["LANG"]}
	if c.cfg.Authority != nil {
		cfg.Authority = c.cfg.Authority.PEM()
	}
	b, err := browser.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	c.later("close the browser", func(context.Context) error { return b.Close() })
	return b, nil
}

// keepPicture writes a picture into the run's folder.
func (c *cell) keepPicture(name string, png []byte) (file string, err error) {
	if err := os.MkdirAll(filepath.Join(c.cfg.Dir, screens), 0o755); err != nil {
		return "", err
	}
	file = path.Join(screens, name+".png")
	return file, os.WriteFile(filepath.Join(c.cfg.Dir, filepath.FromSlash(file)), png, 0o644)
}

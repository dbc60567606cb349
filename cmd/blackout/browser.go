package main

import (
	"fmt"
	"slices"

	"blackout/harness/journey/browser"
	"blackout/harness/run"
)

// browser looks for the browser that the cells' journeys drive, before anything runs.
func (s *state) browser(cells []*cell) error {
	if !slices.ContainsFunc(cells, func(c *cell) bool { return run.NeedsBrowser(c.plan) }) {
		return nil
	}
	chosen, _ := s.env(browser.Variable)
	if _, err := browser.Find(chosen); err != nil {
		return &exitError{exitEnvironment, fmt.Errorf("the app's journeys drive a browser: %w", err), browser.Hint}
	}
	return nil
}

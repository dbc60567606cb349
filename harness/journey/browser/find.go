package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Variable names the environment variable that says which browser is used: a path, or a name to look for in PATH.
const Variable = "BLACKOUT_CHROMIUM"

// Hint is what to do where there is none.
const Hint = "apt install chromium, or name a Chromium or Chrome by " + Variable

// names are what the browser is called on the systems that have it, the first that is there is taken.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// places are where systems put it that have no PATH for it.
var places = []string{"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"}

// Find gives the path of the browser: what chosen names, which is the value of Variable, else the first of several names in PATH.
func Find(chosen string) (string, error) {
	if chosen != "" {
		path, err := exec.LookPath(chosen)
		if err != nil {
			return "", fmt.Errorf("%s: %w", Variable, err)
		}
		return filepath.Abs(path)
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	for _, path := range places {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium in PATH")
}

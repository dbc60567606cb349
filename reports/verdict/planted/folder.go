package planted

import (
	"errors"
	"os"
	"path/filepath"

	"blackout/harness/history"
)

// Folder makes a run's folder of dir: it holds the history, sealed and compressed, as a run leaves it.
func Folder(dir string, attempts int) (known Known, err error) {
	f, err := os.Create(filepath.Join(dir, history.PlainName))
	if err != nil {
		return known, err
	}
	w := history.NewWriter(f, nil, nil)
	known, end := Make(attempts, w)
	if err := errors.Join(w.Seal(history.EndComplete, "", end), f.Close()); err != nil {
		return known, err
	}
	return known, history.Compress(dir)
}

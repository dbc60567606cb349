// Package reports writes what a run's folder holds beside its history.
package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"blackout/harness/history"
	"blackout/reports/html"
	"blackout/reports/junit"
	"blackout/reports/markdown"
	"blackout/reports/verdict"
)

// The files of a run's folder that are made from its history.
const (
	VerdictName = "verdict.json"
	HTMLName    = "report.html"
	SummaryName = "summary.md"
	JUnitName   = "junit.xml"
)

// collectAt is how much garbage, in percent of what is in use, may pile up while a folder's reports are made. What is in use is kept through all of it and grows with the
// run; the usual 100 would nearly double it.
const collectAt = 20

// RepeatName is the file that says how repeated runs spread; it lies in a folder of its own beside theirs.
const RepeatName = "repeat.json"

// Write judges a history, holds it against its control if it has one, and writes its reports into a folder. Each file is replaced as a whole or not at all. The
// verdict is returned even when a file could not be written.
func Write(dir string, h *history.History) (*verdict.Verdict, error) {
	j, err := verdict.Judge(h)
	if err != nil {
		return nil, fmt.Errorf("judge the history: %w", err)
	}
	return writeAll(dir, h, j)
}

// Make is Write for the history that the folder itself holds. It never has the whole of a long one in memory. An error of reading it is history's: fs.ErrNotExist when
// there is none, and history.ErrFormat when it is no history.
func Make(dir string) (*verdict.Verdict, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	h, j, err := judged(dir)
	if err != nil {
		return nil, err
	}
	return writeAll(dir, h, j)
}

// judged reads and judges the history of a folder. The lists of its attempts and calls are left empty.
func judged(dir string) (*history.History, *verdict.Judgement, error) {
	g := verdict.NewGatherer()
	h, err := history.ReadFolderTo(dir, g.Takers())
	if err != nil {
		return nil, nil, err
	}
	j, err := g.Judge(h)
	if err != nil {
		return nil, nil, fmt.Errorf("judge the history: %w", err)
	}
	return h, j, nil
}

func writeAll(dir string, h *history.History, j *verdict.Judgement) (*verdict.Verdict, error) {
	folder, err := os.OpenRoot(dir)
	if err != nil {
		return j.Verdict, err
	}
	defer func() { _ = folder.Close() }() // it was read only
	j.Verdict = heldAgainstControl(dir, j.Verdict)
	encoded, err := j.Verdict.Encode()
	if err != nil {
		return j.Verdict, err
	}
	return j.Verdict, errors.Join(
		replace(dir, VerdictName, func(w io.Writer) error { _, err := w.Write(encoded); return err }),
		replace(dir, HTMLName, func(w io.Writer) error { return html.Write(w, j, h, folder.FS()) }),
		replace(dir, SummaryName, func(w io.Writer) error { return markdown.Summary(w, j.Verdict) }),
		replace(dir, JUnitName, func(w io.Writer) error { return junit.Write(w, j.Verdict) }),
	)
}

func replace(dir, name string, write func(io.Writer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	tmp := filepath.Join(dir, name+".tmp")
	if err := os.WriteFile(tmp, text.Bytes(), 0o644); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, filepath.Join(dir, name))
}

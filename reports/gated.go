package reports

import (
	"errors"
	"io"
	"os"

	"blackout/reports/gate"
	"blackout/reports/junit"
	"blackout/reports/markdown"
)

// The files of a gate's folder, beside summary.md and junit.xml.
const (
	GateName    = "gate.json"
	CommentName = "comment.md"
)

// GateFolder is the folder of a gate's files beside the runs that it was held against.
const GateFolder = "gate"

// WriteGate writes a gate's result into a folder, which it makes: gate.json, junit.xml, summary.md and comment.md. Each file is replaced as a whole or not at all.
func WriteGate(dir string, r *gate.Result) error {
	encoded, err := r.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return errors.Join(
		replace(dir, GateName, func(w io.Writer) error { _, err := w.Write(encoded); return err }),
		replace(dir, JUnitName, func(w io.Writer) error { return junit.WriteGate(w, r) }),
		replace(dir, SummaryName, func(w io.Writer) error { return markdown.GateSummary(w, r) }),
		replace(dir, CommentName, func(w io.Writer) error { return markdown.GateComment(w, r) }),
	)
}

package reports

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"blackout/harness/history"
	"blackout/reports/audit"
	"blackout/reports/html"
	"blackout/reports/verdict"
)

// The files of an audit's folder that are made from its runs.
const (
	AuditName     = "audit.json"
	AuditHTMLName = "audit.html"
)

// Audited reads what the run in a folder says to an audit, and judges it anew. It never has the whole of a long history in memory. Errors are those of Make.
func Audited(dir string) (*audit.Evidence, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	judge, requests := verdict.NewGatherer(), audit.NewGatherer()
	takers := judge.Takers()
	call := takers.Call
	takers.Call = func(c *history.Call) { call(c); requests.Call(c) }
	h, err := history.ReadFolderTo(dir, takers)
	if err != nil {
		return nil, err
	}
	j, err := judge.Judge(h)
	if err != nil {
		return nil, fmt.Errorf("judge the history: %w", err)
	}
	return requests.Evidence(h, j), nil
}

// WriteAudit writes an audit's files into a folder. Each is replaced as a whole or not at all.
func WriteAudit(dir string, a *audit.Audit) error {
	text, err := a.Encode()
	if err != nil {
		return err
	}
	return errors.Join(
		replace(dir, AuditName, func(w io.Writer) error { _, err := w.Write(text); return err }),
		replace(dir, AuditHTMLName, func(w io.Writer) error { return html.Audit(w, a) }),
	)
}

package terminal

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/audit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAudit holds the text of the audit that package audit's tests make.
func TestAudit(t *testing.T) {
	var a audit.Audit
	golden(t, "../audit/testdata/audit.json", &a, "audit.txt", func(w io.Writer) error { return Audit(w, &a, "audits/wallet/x/audit.html") })
}

// golden reads a value from another package's golden JSON, writes it, and holds the text without its colours to a golden file.
func golden(t *testing.T, from string, value any, name string, write func(io.Writer) error) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	got := plain(t, out.String())
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-stands +now:\n%s", diff)
	}
}

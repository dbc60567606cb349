package terminal

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/audit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAudit holds the text of the audit that package audit's tests make.
func TestAudit(t *testing.T) {
	text, err := os.ReadFile("../audit/testdata/audit.json")
	if err != nil {
		t.Fatal(err)
	}
	var a audit.Audit
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Audit(&out, &a, "audits/wallet/x/audit.html"); err != nil {
		t.Fatal(err)
	}
	got := plain(t, out.String())
	file := filepath.Join("testdata", "audit.txt")
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

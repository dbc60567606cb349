package verdict

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The page's table of checks is made from the code.
func TestReadmeListsTheChecks(t *testing.T) {
	const page, from, to = "../README.md", "-update -->\n", "<!-- end of checks -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), from)
	_, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatal("the page has no place for the checks")
	}
	var table strings.Builder
	table.WriteString("| check | rule | class | why it matters | a real case |\n|---|---|---|---|---|\n")
	for _, c := range Checks() {
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", c.ID, c.Rule, c.Class, c.Reason, c.Incident)
	}
	want := before + from + table.String() + to + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Error("the table of checks is not what the code says: write it anew with -update")
	}
}

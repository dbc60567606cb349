package spec

import (
	"strings"
	"testing"
)

// TestAppVersion holds that an app's version is what its file says, and none when it says none.
func TestAppVersion(t *testing.T) {
	const app = `schema: blackout/app/1
name: wallet
start: {command: [node]}
url: "http://127.0.0.1:${instance.port}"
ready: {request: GET /health}
journeys:
  view: {kind: read, rate: 1/s, deadline: 2s, request: "GET /balance/${account.address}", answer: {balance: {path: "$.b", unit: wei}}}
`
	for _, c := range []struct{ line, want, problem string }{
		{"", "", ""},
		{`version: "1.4.2"`, "1.4.2", ""},
		{`version: "${env.REVISION:-unknown}"`, "abc123", ""},
		{`version: ""`, "", "app.yaml:8:10: "},
		{`version: [1]`, "", "app.yaml:8:10: "},
	} {
		lookup := func(name string) (string, bool) { return "abc123", name == "REVISION" }
		a, err := ParseApp(File{"app.yaml", []byte(app + c.line + "\n")}, Options{Env: lookup})
		switch {
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%s: error %v, want one at %s", c.line, err, c.problem)
		case c.problem == "" && err != nil:
			t.Errorf("%s: %v", c.line, err)
		case c.problem == "" && a.Version != c.want:
			t.Errorf("%s: %q", c.line, a.Version)
		}
	}
}

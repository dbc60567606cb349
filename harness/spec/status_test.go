package spec

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStatusJourney(t *testing.T) {
	for name, c := range map[string]struct {
		checks string
		want   time.Duration
	}{
		"default": {"", 30 * time.Second},
		"own":     {", checks: {status: {notice_within: 5s}}", 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ParseApp(file(`schema: blackout/app/1
name: wallet
start: {command: [./wallet]}
url: "http://127.0.0.1:${instance.port}"
ready: {request: GET /health}
journeys:
  health: {kind: status, rate: 1/s, deadline: 2s, request: GET /status, answer: {status: {path: "$.s"}}, states: {fine: [ok, up], trouble: [down]}`+c.checks+`}
  listed: {kind: read, rate: 1/s, deadline: 2s, request: GET /payments, answer: {payments: {path: "$.payments[*].id"}}}
`), Options{})
			if err != nil {
				t.Fatal(err)
			}
			j := a.Journeys["health"]
			if diff := cmp.Diff(map[string][]string{"fine": {"ok", "up"}, "trouble": {"down"}}, j.States); diff != "" || j.Checks.NoticeWithin != c.want {
				t.Errorf("notice_within %s, want %s; states (-want +got):\n%s", j.Checks.NoticeWithin, c.want, diff)
			}
			if a.Journeys["listed"].Checks.NoticeWithin != 0 {
				t.Error("a read has to notice nothing")
			}
			if got := Unsupported(a); len(got) != 0 {
				t.Errorf("it cannot be run: %v", got)
			}
		})
	}
}

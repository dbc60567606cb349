package verdict

import (
	"testing"

	"blackout/harness/plan"
)

func TestReplied(t *testing.T) {
	tests := []struct {
		driver, detail string
		status         int32
		want           string
	}{
		{"http", "", 503, "answered HTTP 503"},
		{"http", "the answer is longer than 1048576 bytes", 200, "answered HTTP 200"},
		{driverExec, "", 200, "ended with exit status 0"},
		{driverExec, "exit status 3", 500, "ended with exit status 3"},
		{driverExec, "", 500, "ended with an exit status other than 0"},
	}
	for _, tt := range tests {
		a := &attempt{journey: &plan.Journey{Driver: tt.driver}, Status: tt.status, oddity: &oddity{Detail: tt.detail}}
		if got := a.replied(); got != tt.want {
			t.Errorf("%s, %d, %q: %q, want %q", tt.driver, tt.status, tt.detail, got, tt.want)
		}
	}
}

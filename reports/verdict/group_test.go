package verdict

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGroup(t *testing.T) {
	zero := func(id, journey string, class Class, count int, first, last float64) Finding {
		return Finding{ID: id, Check: "zero-balance", Journey: journey, Class: class, Count: count, FirstAtS: first, LastAtS: last}
	}
	a, b, c, d := zero("a", "view", Wrong, 2, 5, 9), zero("b", "pay", Wrong, 1, 1, 1), zero("c", "view", Wrong, 3, 4, 8), zero("d", "view", Unavailable, 1, 2, 2)
	want := []Together{
		{Check: "zero-balance", Journey: "view", Class: Wrong, Count: 5, FirstAtS: 4, LastAtS: 9, Findings: []Finding{a, c}},
		{Check: "zero-balance", Journey: "pay", Class: Wrong, Count: 1, FirstAtS: 1, LastAtS: 1, Findings: []Finding{b}},
		{Check: "zero-balance", Journey: "view", Class: Unavailable, Count: 1, FirstAtS: 2, LastAtS: 2, Findings: []Finding{d}},
	}
	if diff := cmp.Diff(want, Group([]Finding{a, b, c, d})); diff != "" {
		t.Error(diff)
	}
	if got := Group(nil); got != nil {
		t.Errorf("no findings give %v", got)
	}
}

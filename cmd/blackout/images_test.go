package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/runtime/docker"
)

// TestToRemove chooses what is named, what is old, or everything, and takes no name that stands for nothing.
func TestToRemove(t *testing.T) {
	const own, other = "blackout/internet:aaaa", "blackout/internet:bbbb"
	all := []docker.Image{
		{Name: own, What: docker.WhatInternet}, {Name: other, What: docker.WhatInternet}, {Name: "blackout/app/wallet", What: docker.WhatApp},
		{ID: "sha256:0123456789abcdef", What: docker.WhatApp}, {ID: "sha256:fedcba9876543210", What: docker.WhatInternet},
	}
	for name, c := range map[string]struct {
		names []string
		old   bool
		want  []string
		error bool
	}{
		"all":      {want: []string{own, other, "blackout/app/wallet", "0123456789ab", "fedcba987654"}},
		"old":      {old: true, want: []string{other, "0123456789ab", "fedcba987654"}},
		"named":    {names: []string{"blackout/app/wallet", own, "fedcba987654"}, want: []string{own, "blackout/app/wallet", "fedcba987654"}},
		"mistyped": {names: []string{own, "blackout/app/walet"}, want: []string{own}, error: true},
	} {
		t.Run(name, func(t *testing.T) {
			chosen, err := toRemove(all, c.names, c.old, own)
			if (err != nil) != c.error {
				t.Errorf("error %v", err)
			}
			var got []string
			for _, i := range chosen {
				got = append(got, i.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("to remove (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "less than a minute", 59 * time.Second: "less than a minute", time.Minute: "1 minute", 119 * time.Minute: "1 hour",
		23 * time.Hour: "23 hours", 24 * time.Hour: "1 day", 240 * time.Hour: "10 days",
	} {
		if got := age(d); got != want {
			t.Errorf("%s: %q, not %q", d, got, want)
		}
	}
}

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// TestShards holds that the shards of one command make each run once, whatever their number.
func TestShards(t *testing.T) {
	all := make([]*cell, 7)
	for i := range all {
		all[i] = &cell{id: string(rune('a' + i))}
	}
	for n, want := range map[int]string{1: "abcdefg", 2: "aceg bdf", 3: "adg be cf", 7: "a b c d e f g"} {
		var shards []string
		for i := range n {
			part, err := suited{shard: string(rune('1'+i)) + "/" + string(rune('0'+n))}.part(all, gating{})
			if err != nil {
				t.Fatal(err)
			}
			var ids strings.Builder
			for _, c := range part {
				ids.WriteString(c.id)
			}
			shards = append(shards, ids.String())
		}
		if got := strings.Join(shards, " "); got != want {
			t.Errorf("%d shards: %s, want %s", n, got, want)
		}
	}
	for _, bad := range []string{"0/2", "3/2", "1", "1/", "/2", "-1/2", "a/b", "1/2/3", "8/8"} {
		if _, err := (suited{shard: bad}).part(all, gating{}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if _, err := (suited{shard: "1/2"}).part(all, gating{file: "release"}); err == nil {
		t.Error("a gate decides of a shard")
	}
	if got, err := (suited{}).part(all, gating{file: "release"}); err != nil || len(got) != 7 {
		t.Errorf("%d, %v", len(got), err)
	}
}

// TestSuiteOfACommand holds which scenarios and seeds a suite adds to those that are typed.
func TestSuiteOfACommand(t *testing.T) {
	standard := []string{
		"aws-us-east-1-down", "infura-unreachable", "provider-stands-still", "error-in-200", "every-provider-unreachable", "reply-lost", "transactions-swallowed", "wrong-chain", "cold-start",
	}
	for _, tt := range []struct {
		typed []string
		names []string
		seeds []uint64
	}{
		{nil, standard, []uint64{1, 2, 3}},
		{[]string{"--seed", "5"}, standard, []uint64{5}},
		{[]string{"--repeat", "2"}, standard, []uint64{1, 2}},
		{[]string{"infura-unreachable", "control"}, append([]string{"infura-unreachable", "control", "aws-us-east-1-down"}, standard[2:]...), []uint64{1, 2, 3}},
	} {
		var f files
		var r rounds
		set := pflag.NewFlagSet("run", pflag.ContinueOnError)
		f.flags(set)
		r.flags(set)
		if err := set.Parse(tt.typed); err != nil {
			t.Fatal(err)
		}
		suite, names, err := (&state{}).suite(suited{name: "standard"}, &r, set.Args(), set)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.names, names) + cmp.Diff(tt.seeds, r.all(f)); diff != "" || suite == nil {
			t.Errorf("%q: %s", tt.typed, diff)
		}
		for _, name := range names {
			if typed := len(tt.typed) > 0 && cmp.Equal(tt.typed[0], name) || name == "control"; r.listed[name] == typed {
				t.Errorf("%q: %s is listed: %v", tt.typed, name, r.listed[name])
			}
		}
	}
}

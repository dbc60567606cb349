package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"blackout/harness/spec"
)

// suited are the words of a command line that say which of a suite's runs to make.
type suited struct {
	name, shard string
}

func (u *suited) flags(set *pflag.FlagSet) {
	set.StringVar(&u.name, "suite", "", "also run the scenarios of a suite, with its seeds unless --seed or --repeat is given: a name from the library, or a `file`")
	set.StringVar(&u.shard, "shard", "", "make only a `part` of all runs, such as 2/3: the second of three")
}

// suite reads the suite, if one is named, and adds its scenarios to those that are. Its seeds hold unless the command line has others.
func (s *state) suite(u suited, r *rounds, names []string, set *pflag.FlagSet) (*spec.Suite, []string, error) {
	if u.name == "" {
		return nil, names, nil
	}
	suite, err := s.loadSuite(u.name)
	if err != nil {
		return nil, nil, usage(err, "")
	}
	r.listed = map[string]bool{}
	for _, e := range suite.Scenarios {
		if !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
			r.listed[e.Name] = true
		}
	}
	if !set.Changed("seed") && !set.Changed("repeat") {
		r.seeds = suite.Seeds
	}
	return suite, names, nil
}

// part takes every n-th cell: which those are hangs on nothing but the command line, so that shards of one command make each run once.
func (u suited) part(cells []*cell, g gating) ([]*cell, error) {
	if u.shard == "" {
		return cells, nil
	}
	first, of, found := strings.Cut(u.shard, "/")
	i, err := strconv.Atoi(first)
	n, err2 := strconv.Atoi(of)
	switch {
	case !found || err != nil || err2 != nil || i < 1 || n < i:
		return nil, usage(fmt.Errorf("--shard %s: it takes a part such as 2/3, the second of three", u.shard), "")
	case g.file != "":
		return nil, usage(errors.New("--gate cannot decide of a shard: it would miss the other runs"), `hold the folders of all shards together: blackout gate runs-1 runs-2 --gate `+g.file)
	}
	var part []*cell
	for k := i - 1; k < len(cells); k += n {
		part = append(part, cells[k])
	}
	if len(part) == 0 {
		return nil, usage(fmt.Errorf("--shard %s: there are only %d runs", u.shard, len(cells)), "")
	}
	return part, nil
}

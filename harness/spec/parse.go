package spec

import (
	"fmt"
	"reflect"
	"time"
)

// The kinds of file.
const (
	KindWorld    = "world"
	KindApp      = "app"
	KindScenario = "scenario"
	KindSuite    = "suite"
	KindGate     = "gate"
)

// ParseWorld decodes a world with all that is laid over it. The error is Problems.
func ParseWorld(f File, o Options) (*World, error) {
	return parseFile[World, worldFile](KindWorld, f, o, (*loader).world)
}

// ParseApp decodes an app file. The error is Problems.
func ParseApp(f File, o Options) (*App, error) {
	return parseFile[App, appFile](KindApp, f, o, (*loader).app)
}

// ParseScenario decodes a scenario. The error is Problems.
func ParseScenario(f File, o Options) (*Scenario, error) {
	return parseFile[Scenario, scenarioFile](KindScenario, f, o, (*loader).scenario)
}

// ParseSuite decodes a suite. The error is Problems.
func ParseSuite(f File, o Options) (*Suite, error) {
	return parseFile[Suite, suiteFile](KindSuite, f, o, (*loader).suite)
}

// ParseGate decodes a gate. The error is Problems.
func ParseGate(f File, o Options) (*Gate, error) {
	return parseFile[Gate, gateFile](KindGate, f, o, (*loader).gate)
}

// parseFile runs the steps that all kinds share: text → tree → overlays → shape → the kind's own value and rules.
func parseFile[T, Shape any](kind string, f File, o Options, convert func(*loader, *node) *T) (*T, error) {
	l := newLoader(kind, f.Name, o)
	var out *T
	if root := l.load(f, reflect.TypeFor[Shape]()); root != nil {
		out = convert(l, root)
	}
	if err := l.finish(); err != nil {
		return nil, err
	}
	return out, nil
}

// The values of words that the shape check has let through or reported.

func (n *node) word() string {
	if n == nil || n.bad {
		return ""
	}
	return n.text
}

func durationOf(n *node, or time.Duration) time.Duration {
	if n == nil {
		return or
	}
	d, _, _ := parseDuration(n.word())
	return d
}

func blocksOf(n *node, or uint64) uint64 {
	if n == nil {
		return or
	}
	v, _, _ := parseBlocks(n.word())
	return v
}

func rateOf(n *node) float64 {
	v, _, _ := parseRate(n.word())
	return v
}

func shareOf(n *node, or float64) float64 {
	if n == nil {
		return or
	}
	v, _, _ := parseShare(n.word())
	return v
}

// unique reports the second of two equal texts. An empty one is a value that was reported already.
func (l *loader) unique(what string, seen map[string]Pos, text string, at Pos) {
	if text == "" {
		return
	}
	if before, twice := seen[text]; twice {
		l.problem(at, fmt.Sprintf("duplicate %s %q", what, clip(text)), fmt.Sprintf("it is already on line %d", before.Line))
		return
	}
	seen[text] = at
}

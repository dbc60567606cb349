package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"blackout/harness/history"
)

func compiled(t testing.TB, kind string) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(kind)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(kind+".json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(kind + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// yaml11 decodes a file as a YAML 1.1 reader does, with JSON's types.
func yaml11(t testing.TB, data []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestShippedFiles holds, for every file of the library: it parses, its schema takes it, and YAML 1.1 and 1.2 read the same value.
func TestShippedFiles(t *testing.T) {
	for kind, names := range shipped(t) {
		schema := compiled(t, kind)
		for _, name := range names {
			t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
				data := readFile(t, name)
				if err := parseKind(kind, File{Name: name, Data: data}, Options{}); err != nil {
					t.Fatal(err)
				}
				old := yaml11(t, data)
				if err := schema.Validate(old); err != nil {
					t.Error(err)
				}
				l := newLoader(kind, name, Options{})
				tree := l.tree(File{Name: name, Data: data})
				text, err := json.Marshal(tree.value())
				if err != nil || len(l.problems) > 0 {
					t.Fatal(err, l.problems)
				}
				now, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(fmt.Sprint(old), fmt.Sprint(now)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestShippedFilesTogether holds each shipped scenario and app against each shipped world.
func TestShippedFilesTogether(t *testing.T) {
	files := shipped(t)
	for _, world := range files[KindWorld] {
		w, err := ParseWorld(File{Name: world, Data: readFile(t, world)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, app := range files[KindApp] {
			a, err := ParseApp(File{Name: app, Data: readFile(t, app)}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, scenario := range files[KindScenario] {
				s, err := ParseScenario(File{Name: scenario, Data: readFile(t, scenario)}, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := Check(w, a, s); err != nil {
					t.Errorf("%s, %s, %s:\n%v", world, app, scenario, err)
				}
			}
			if problems := Unsupported(a); len(problems) > 0 {
				t.Error(Problems(problems))
			}
		}
	}
}

// TestSchemasRefuse holds that a schema catches what an editor can catch, and takes what is less usual.
func TestSchemasRefuse(t *testing.T) {
	const scenario = "schema: blackout/scenario/1\nname: x\nphases: [{name: p, for: 10s, faults: [%]}]\n"
	const world = "schema: blackout/world/1\nname: x\nservices: {s: %}\n"
	const overlay = "schema: blackout/world/1\nextends: default\nservices: {s: %}\n"
	for _, c := range []struct {
		kind, text string
		ok         bool
	}{
		{KindScenario, replace(scenario, "{fault: unreachable, target: {service: a}}"), true},
		{KindScenario, replace(scenario, "{fault: unreachable, target: [{service: a}, {app: all}]}"), true},
		{KindScenario, replace(scenario, "{fault: unreachable, target: {region: a/b, except: [{service: a}]}, share: {from: 10%, to: 0%}}"), true},
		{KindScenario, replace(scenario, "{fault: unreachable, target: {service: a}, share: \"${env.SHARE}\"}"), true},
		{KindScenario, replace(scenario, "{fault: http-status, with: {status: 503}, target: {service: a}}"), true},
		{KindScenario, replace(scenario, "{fault: http-status, with: {status: 9}, target: {service: a}}"), false},
		{KindScenario, replace(scenario, "{fault: http-status, with: {staus: 503}, target: {service: a}}"), false},
		{KindScenario, replace(scenario, "{fault: http-status, target: {service: a}}"), false},
		{KindScenario, replace(scenario, "{fault: unreachabel, target: {service: a}}"), false},
		{KindScenario, replace(scenario, "{fault: unreachable, target: {}}"), false},
		{KindScenario, replace(scenario, "{fault: unreachable, target: {servcie: a}}"), false},
		{KindScenario, replace(scenario, "{fault: unreachable}"), false},
		{KindScenario, replace(scenario, "{fault: unreachable, target: {service: a}, share: 30}"), false},
		{KindScenario, replace(scenario, "{fault: unreachable, target: {service: a}, share: 130%}"), false},
		{KindScenario, replace(scenario, "{fault: unreachable, target: {service: a}, existing: drop}"), false},
		{KindScenario, "schema: blackout/scenario/1\nname: x\nphases: []\n", false},
		{KindScenario, "schema: blackout/scenario/2\nname: x\nphases: [{name: p, for: 10s}]\n", false},
		{KindScenario, "schema: blackout/scenario/1\nname: x\nphases: [{name: p, for: 10}]\n", false},
		{KindScenario, "schema: blackout/scenario/1\nname: x\nphases: [{name: p, for: 10s}]\nexpect: {read: fine}\n", false},
		{KindScenario, "schema: blackout/scenario/1\nname: x\nphasez: []\n", false},
		{KindWorld, replace(world, "{kind: internal, placement: {a/b: 100%}}"), true},
		{KindWorld, replace(world, "{kind: internal}"), false},
		{KindWorld, replace(world, "{kind: rcp, placement: {a/b: 100%}}"), false},
		{KindWorld, replace(world, "{kind: internal, placement: {a/b: 100}}"), false},
		{KindWorld, replace(world, "{kind: http, host: [a.b, c.d], placement: {a/b: 100%}, files: a/b, replies: [{request: GET /a, when: {json: [1]}, status: 404, json: null}]}"), true},
		{KindWorld, replace(world, "{kind: http, host: [], placement: {a/b: 100%}}"), false},
		{KindWorld, replace(world, "{kind: http, host: A.b, placement: {a/b: 100%}}"), false},
		{KindWorld, replace(world, "{kind: http, host: a.b, placement: {a/b: 100%}, files: /a}"), false},
		{KindWorld, replace(world, "{kind: http, host: a.b, placement: {a/b: 100%}, replies: [{request: /a}]}"), false},
		{KindWorld, replace(world, "{kind: http, host: a.b, placement: {a/b: 100%}, replies: [{request: GET /a, status: 99}]}"), false},
		{KindWorld, replace(world, "{kind: tcp, host: a.b, placement: {a/b: 100%}, upstream: \"127.0.0.1:5\"}"), true},
		{KindWorld, replace(world, "{kind: tcp, host: a.b, placement: {a/b: 100%}, upstream: \"10.0.0.1:5\"}"), false},
		{KindWorld, replace(overlay, "{host: [a.b], files: null}"), true},
		{KindWorld, replace(world, "null"), false},
		{KindWorld, replace(overlay, "null"), true},
		{KindWorld, replace(overlay, "{latency: 5ms, capacity: {headroom: null, rate: 5/s}}"), true},
		{KindWorld, replace(overlay, "{latency: 5}"), false},
		{KindWorld, replace(overlay, "{latnecy: 5ms}"), false},
		{KindWorld, "schema: blackout/world/1\n", false},
		{KindApp, smallApp, true},
		{KindApp, strings.Replace(smallApp, "20/s", "20", 1), false},
		{KindApp, strings.Replace(smallApp, "GET /health", "get /health", 1), false},
		{KindApp, strings.Replace(smallApp, "kind: read", "kind: raed", 1), false},
		{KindApp, smallApp + "sessions: {count: 0}\n", false},
		{KindApp, smallApp + "sessions: {count: \"${env.N}\"}\n", true},
		{KindApp, smallApp + "amplification: 0.5\n", false},
		{KindSuite, "schema: blackout/suite/1\nname: s\nversion: \"1\"\nscenarios: [{name: a}]\n", true},
		{KindSuite, "schema: blackout/suite/1\nname: s\nversion: 1\nscenarios: [{name: a}]\n", false},
		{KindSuite, "schema: blackout/suite/1\nname: s\nversion: \"1\"\nscenarios: []\n", false},
		{KindGate, "schema: blackout/gate/1\nname: g\nrules: [{id: a, metric: coverage, min: 80%}]\n", true},
		{KindGate, "schema: blackout/gate/1\nname: g\nrules: [{id: a, metric: verdict, equals: pass}, {id: b, metric: findings, equals: 0, where: {check: hang}}]\n", true},
		{KindGate, "schema: blackout/gate/1\nname: g\nrules: [{id: a, metric: share.ok, min: 80%, where: {window: baseline}}]\n", false},
		{KindGate, "schema: blackout/gate/1\nname: g\nrules: [{id: a, metric: scroe, min: 80}]\n", false},
		{KindGate, "schema: blackout/gate/1\nname: g\nrules: [{id: a, metric: score, min: high}]\n", false},
	} {
		if err := compiled(t, c.kind).Validate(yaml11(t, []byte(c.text))); (err == nil) != c.ok {
			t.Errorf("%s\nok %v, got %v", c.text, c.ok, err)
		}
	}
}

func TestHistorySchema(t *testing.T) {
	schema := compiled(t, KindHistory)
	for _, r := range records {
		// A record as it is written: its fields, with "record" before them.
		fields, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		line := strings.Replace(string(fields), "{", fmt.Sprintf("{%q: %q, ", "record", r.Type()), 1)
		line = strings.Replace(line, `"pending":null`, `"pending":[]`, 1)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(line, err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, bad := range []any{map[string]any{"record": "atempt"}, map[string]any{}, "x", map[string]any{"record": history.Note{}.Type(), "text": "x", "at": "soon"}} {
		if err := schema.Validate(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestSchemaOfUnknownKind(t *testing.T) {
	if _, err := Schema("scenaro"); err == nil || !strings.Contains(err.Error(), `did you mean "scenario"?`) {
		t.Error(err)
	}
	for _, kind := range Kinds() {
		if text, err := Schema(kind); err != nil || !bytes.Contains(text, []byte("2020-12")) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

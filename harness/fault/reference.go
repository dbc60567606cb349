package fault

import (
	"fmt"
	"io"
	"strings"
)

// WriteReference writes the catalogue as a page of Markdown: one table, then one section a fault. README.md beside this file is its output.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString("| fault | layer | unit of `share` | acts on | parameters |\n|---|---|---|---|---|\n")
	for _, d := range All() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s |\n", d.Name, d.Name, d.Layer, d.Layer.Unit(), strings.Join(d.Kinds, ", "), paramNames(d))
	}
	for _, d := range All() {
		writeSection(&b, d)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const referenceHead = `# The faults

This page is made from the catalogue: ` + "`go test ./harness/fault -update`" + ` writes it anew. How to add a fault stands in [doc.go](doc.go).

A scenario names a fault in a phase, with its parameters in ` + "`with:`" + `:

` + "```yaml" + `
faults:
  - {fault: http-status, with: {status: 503}, target: {service: infura}, share: 80%}
` + "```" + `

Of several effects on one request the outermost layer wins: names, connection, certificate, http, rpc, chain. ` + "`share`" + ` is the part of the layer's
units that the fault takes. A fault skips a target of a kind that it cannot act on, and ` + "`blackout plan`" + ` says so.

`

func paramNames(d *Definition) string {
	if len(d.Params) == 0 {
		return "–"
	}
	names := make([]string, 0, len(d.Params))
	for _, p := range d.Params {
		name := "`" + p.Name + "`"
		if p.Required {
			name += " (required)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func writeSection(b *strings.Builder, d *Definition) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n**On the wire.** %s\n\n", d.Name, d.Summary, d.Doc)
	if facts := behaviour(d); facts != "" {
		fmt.Fprintf(b, "**In a plan.** %s\n\n", facts)
	}
	fmt.Fprintf(b, "**Source.** %s\n", d.Source)
	if d.Incident != "" {
		fmt.Fprintf(b, "\n**It happened.** %s\n", d.Incident)
	}
	if len(d.Params) == 0 {
		return
	}
	b.WriteString("\n| parameter | type | default | meaning |\n|---|---|---|---|\n")
	for _, p := range d.Params {
		value := "–"
		switch {
		case p.Required:
			value = "required"
		case p.Default != nil:
			value = fmt.Sprint(p.Default)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Name, p.Type, value, p.Doc)
	}
}

// behaviour is what the planner makes of a fault, in sentences.
func behaviour(d *Definition) string {
	var facts []string
	switch {
	case d.AvailabilityOf != nil:
		facts = append(facts, "With some parameters it makes its target unavailable: services that depend on it follow.")
	case d.Availability && !d.ActsOn(KindApp): // no service depends on the app
		facts = append(facts, "It makes its target unavailable: services that depend on it follow.")
	}
	if d.New == nil {
		facts = append(facts, "It is only ever a cause.")
	}
	if d.Whole && (d.ActsOn(KindApp) || d.ActsOn(KindChain)) {
		facts = append(facts, "A share below 100 % is refused.")
	} else if d.Whole {
		facts = append(facts, "A share below 100 % is refused, and a target that is a part of a service is skipped.")
	}
	if d.NoFlap {
		facts = append(facts, "A flap is refused.")
	}
	if d.CutsByDefault {
		facts = append(facts, "Kept connections are taken too, unless the scenario says `existing: keep`.")
	}
	return strings.Join(facts, " ")
}

package project

import (
	"fmt"
	"io"
	"strings"

	"blackout/harness/spec"
)

// Tell prints what was found, in lines that fit a terminal of 80 columns unless a name alone does not.
func (p *Project) Tell(out io.Writer, w *spec.World) {
	t := &teller{out: out}
	if pkg := p.Package; pkg != nil {
		t.list("package.json", versions(pkg.Dependencies), "no dependencies")
	}
	if m := p.Module; m != nil {
		t.list("go.mod", append([]string{m.Path}, versions(m.Requires)...), "")
	}
	if image := p.Image; image != nil {
		var parts []string
		if len(image.CMD) > 0 {
			parts = append(parts, "CMD "+strings.Join(image.CMD, " "))
		}
		if len(image.Expose) > 0 {
			parts = append(parts, "EXPOSE "+strings.Join(image.Expose, " "))
		}
		if len(image.Env) > 0 {
			parts = append(parts, "ENV "+strings.Join(image.Env, " "))
		}
		t.list(image.File, parts, "nothing of use")
	}
	if c := p.Compose; c != nil {
		var parts []string
		for _, s := range c.Services {
			part := s.Name
			if len(s.Ports) > 0 {
				part += " (" + strings.Join(s.Ports, " ") + ")"
			}
			parts = append(parts, part)
		}
		t.list(c.File, parts, "no services")
	}
	for _, file := range p.Env {
		t.list(file.File, file.Names, "no names") // never values
	}
	source := counted(p.Source.Files, "file", "files")
	if p.Source.Cut {
		source += "; there are more, or larger ones, that were not read"
	}
	t.list("source", []string{source}, "")
	for _, route := range p.Source.Routes {
		t.list("route", []string{strings.TrimSpace(route.Method+" "+route.Path) + " (" + place(route.File, route.Line) + ")"}, "")
		if t.lines > 60 {
			break
		}
	}
	h := p.Hosts(w)
	for _, host := range h.Modelled {
		t.list("host", []string{fmt.Sprintf("%s is %s in the world (%s)", host.Text, host.Service, place(host.File, host.Line))}, "")
	}
	for _, host := range h.Unmodelled {
		t.list("unmodelled", []string{fmt.Sprintf("%s is not in the world (%s)", host.Text, place(host.File, host.Line))}, "")
	}
	var other []string
	for _, host := range h.Other {
		other = append(other, host.Text)
	}
	if len(other) > 0 {
		t.list("other hosts", []string{some(other, 8)}, "")
	}
	for _, note := range p.Notes {
		t.list("note", []string{note}, "")
	}
}

// versions writes dependencies as name and version; a range that nothing is installed for says so.
func versions(list []Dependency) (out []string) {
	for _, d := range list {
		text := strings.TrimSpace(d.Name + " " + d.Version)
		if !d.Exact {
			text += " (not installed)"
		}
		out = append(out, text)
	}
	return out
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func place(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }

type teller struct {
	out   io.Writer
	lines int
}

const (
	labelWidth = 14
	textWidth  = 78
)

// list prints a label and what belongs to it, with commas, over as many lines as it takes.
func (t *teller) list(label string, parts []string, none string) {
	if len(parts) == 0 {
		parts = []string{none}
	}
	line := fmt.Sprintf("  %-*s", labelWidth, label)
	if len(label) >= labelWidth {
		line += " "
	}
	start := len(line)
	for _, word := range strings.Fields(strings.Join(parts, ", ")) {
		if len(line) > start && len(line)+1+len(word) > textWidth {
			t.print(line)
			line, start = strings.Repeat(" ", labelWidth+2), labelWidth+2
		}
		if len(line) > start {
			line += " "
		}
		line += word
	}
	t.print(line)
}

func (t *teller) print(line string) {
	t.lines++
	fmt.Fprintln(t.out, line)
}

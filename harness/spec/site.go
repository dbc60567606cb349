package spec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/canned"
	"blackout/harness/fault"
)

// The limits of what one service may have to say.
const (
	maxReplies   = 500
	maxStatus    = 599
	minCanStatus = 200 // below it a status is no answer
)

// site reads what a service of kind http has to say.
func (l *loader) site(n *node, path string, s *Service) {
	files, replies := n.get("files"), n.get("replies")
	if s.Kind != fault.KindHTTP {
		for _, k := range []*node{files, replies} {
			if k != nil && s.Kind != "" {
				l.problem(k.at(), fmt.Sprintf("only a service of kind http has files and replies, not one of kind %s", s.Kind), "")
			}
		}
		return
	}
	s.Site = &canned.Site{Files: l.folder(files)}
	if !replies.is(listNode) {
		return
	}
	if len(replies.items) > maxReplies {
		l.problem(replies.at(), fmt.Sprintf("%d replies: at most %d are read", len(replies.items), maxReplies), "")
		return
	}
	for i, item := range replies.items {
		if item.is(mapNode) {
			if r, ok := l.reply(item, elem(join(path, "replies"), i), files, s.Site.Files); ok {
				s.Site.Replies = append(s.Site.Replies, r)
			}
		}
	}
}

// Sites are what the services of kind http have to say, by service.
func (w *World) Sites() map[string]*canned.Site {
	sites := map[string]*canned.Site{}
	for name, s := range w.Services {
		if s.Site != nil {
			sites[name] = s.Site
		}
	}
	return sites
}

// folder reads the files of a folder, which lies beside the file that names it.
func (l *loader) folder(n *node) []canned.File {
	if n.word() == "" || l.options.Folder == nil {
		return nil
	}
	files, err := l.options.Folder(n.pos.File, n.text)
	switch {
	case err != nil:
		l.problem(n.pos, fmt.Sprintf("the folder %q cannot be read: %v", clip(n.text), err), "it lies beside this file")
	case len(files) == 0:
		l.problem(n.pos, fmt.Sprintf("the folder %q has no files", clip(n.text)), "")
	}
	slices.SortFunc(files, func(a, b canned.File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// reply reads one canned reply; false for one that is not sound, which was reported.
func (l *loader) reply(n *node, path string, folder *node, files []canned.File) (canned.Reply, bool) {
	pattern, err := canned.Parse(n.get("request").word())
	if err != nil {
		return canned.Reply{}, false // reported by the shape check
	}
	before := len(l.problems)
	r := canned.Reply{Request: pattern, Body: n.get("when").get("body").word(), JSON: asJSON(n.get("when").get("json")), Header: n.get("headers").strMap()}
	if s := n.get("status"); s.is(intNode) {
		r.Status = int(s.int(0))
		if r.Status > maxStatus {
			l.problem(s.pos, fmt.Sprintf("\"status\" must be from %d to %d", minCanStatus, maxStatus), "")
		}
	}
	l.replyVariables(pattern, path)
	given := slices.DeleteFunc([]string{"json", "body", "file"}, func(key string) bool { return !n.has(key) })
	if len(given) > 1 {
		l.problem(n.get(given[1]).at(), fmt.Sprintf("a reply has one of json, body and file, and there is %q already", given[0]), "")
	}
	switch {
	case n.has("json"):
		text, err := json.Marshal(n.get("json").value())
		if err != nil {
			l.problem(n.get("json").at(), fmt.Sprintf("this cannot be written as JSON: %v", err), "")
		}
		r.Answer, r.Escape, r.Type = template(string(text)), true, canned.TypeJSON
	case n.has("body"):
		r.Answer, r.Type = template(n.get("body").str()), canned.TypeText
	case n.has("file"):
		l.replyFile(n.get("file"), folder, files, &r)
	}
	return r, len(l.problems) == before
}

// replyVariables checks the variables of one reply: what stands for the names in its request, and no others.
func (l *loader) replyVariables(pattern canned.Pattern, path string) {
	known := make([]string, 0, len(pattern.Names()))
	for _, name := range pattern.Names() {
		known = append(known, "request."+name)
	}
	for _, u := range l.source.uses {
		if !strings.HasPrefix(u.path, path+".") || slices.Contains(known, u.name) {
			continue
		}
		if name, ok := strings.CutPrefix(u.name, "request."); ok && len(known) == 0 {
			l.problem(u.pos, fmt.Sprintf("unknown variable \"${%s}\": the request has no {%s}", clip(u.name), clip(name)), "")
			continue
		}
		l.unknownVariable(u.pos, u.name, known, u.path)
	}
}

// replyFile takes a file of the service's folder for the body of a reply.
func (l *loader) replyFile(n, folder *node, files []canned.File, r *canned.Reply) {
	if folder == nil {
		l.problem(n.pos, "there is no folder to take it from", `add "files" with the folder to the service`)
		return
	}
	if l.options.Folder == nil || folder.bad || n.bad {
		return
	}
	names := make([]string, 0, len(files))
	for _, f := range files {
		if names = append(names, f.Name); f.Name == n.text {
			r.Answer, r.Type = []canned.Part{{Text: string(f.Bytes)}}, f.Type()
			return
		}
	}
	if len(names) > 0 {
		l.problem(n.pos, fmt.Sprintf("the folder %q has no file %q", clip(folder.text), clip(n.text)), suggestOr(n.text, names))
	}
}

// template takes a text with variables apart. Malformed ones were reported by the shape check.
func template(text string) []canned.Part {
	parts, _ := pieces(text)
	var out []canned.Part
	for _, p := range parts {
		if p.name == "" {
			out = append(out, canned.Part{Text: strings.ReplaceAll(p.text, "$$", "$")})
			continue
		}
		out = append(out, canned.Part{Name: strings.TrimPrefix(p.name, "request.")})
	}
	return out
}

// asJSON is a value as a parser of JSON would give it: every number is a float64.
func asJSON(n *node) any {
	if n == nil {
		return nil
	}
	var out any
	text, err := json.Marshal(n.value())
	if err != nil || json.Unmarshal(text, &out) != nil {
		return nil
	}
	return out
}

// upstream reads where the connections of a service of kind tcp are led. It has nothing of its own to say, so neither limits nor words of ours.
func (l *loader) upstream(n *node, s *Service) {
	up := n.get("upstream")
	switch {
	case s.Kind == "":
	case s.Kind != fault.KindTCP && up != nil:
		l.problem(up.pos, fmt.Sprintf("only a service of kind tcp has an upstream, not one of kind %s", s.Kind), "")
	case s.Kind == fault.KindTCP && up == nil:
		l.problem(n.blame(), `a service of kind tcp needs the key "upstream"`, `upstream: "127.0.0.1:5432"`)
	case s.Kind == fault.KindTCP:
		s.Upstream = up.word()
		for key, why := range map[string]string{
			"capacity": "the program behind it has its own limits", "latency": "the program behind it takes its own time; use the fault connection-latency", "dialect": "it is passed on byte for byte",
		} {
			if k := n.get(key); k != nil {
				l.problem(k.at(), fmt.Sprintf("a service of kind tcp has no %s: %s", key, why), "")
			}
		}
	}
}

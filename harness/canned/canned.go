// Package canned is what a service of kind http has to say: files of a folder, and replies that a world file lists by method, path and body. It is pure: a request
// has the same answer each time.
//
// The most specific answer wins, in this order:
//
//  1. replies whose request has no {name}, in the order of the file;
//  2. for GET and HEAD, the file at the path: as it is, else with .json, else index.html or index.json below it;
//  3. replies whose request has a {name}, in the order of the file.
//
// HEAD is answered as GET is.
package canned

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"reflect"
	"strings"
	"unicode/utf8"
)

// The media types that are named here.
const (
	TypeJSON = "application/json"
	TypeText = "text/plain; charset=utf-8"
)

// File is one file of a service.
type File struct {
	Name  string // below the folder, with slashes: "v2/exchange-rates.json"
	Bytes []byte
}

// Type is the media type of the file, by its ending; JSON and text are told by what is in them.
func (f File) Type() string {
	if t := mediaType[path.Ext(f.Name)]; t != "" {
		return t
	}
	switch {
	case json.Valid(f.Bytes):
		return TypeJSON
	case utf8.Valid(f.Bytes):
		return TypeText
	default:
		return "application/octet-stream"
	}
}

// mediaType has the endings that services use. The machine's own table is left alone: it may be another on the next machine.
var mediaType = map[string]string{
	".json": TypeJSON, ".txt": TypeText, ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".xml": "application/xml", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
}

// Part is a piece of a body: text, or in its place what stands for {Name} in the request.
type Part struct{ Text, Name string }

// Reply is one canned reply, and the requests that it is for.
type Reply struct {
	Request Pattern
	Body    string // a request's body has to contain it; "": any body
	JSON    any    // a request's body has to contain it as JSON: maps by key, all else alike; nil: any body

	Status int // 200 when 0
	Header map[string]string
	Answer []Part
	// Escape says that Answer is JSON, in whose texts names are put as JSON has them.
	Escape bool
	Type   string // media type, unless Header has one
}

// Site is all that a service has to say.
type Site struct {
	Replies []Reply
	Files   []File
}

// Request is what an answer depends on.
type Request struct {
	Method, Path string
	Query        url.Values
	Body         []byte
}

// Answer is what the service says. Header has at least Content-Type where there is a body.
type Answer struct {
	Status int
	Header map[string]string
	Body   []byte
}

// Answer finds the answer to a request; false when the service has none.
func (s *Site) Answer(r Request) (Answer, bool) {
	if a, ok := s.reply(r, false); ok {
		return a, true
	}
	if f, ok := s.file(r); ok {
		return Answer{Status: 200, Header: map[string]string{"Content-Type": f.Type()}, Body: f.Bytes}, true
	}
	return s.reply(r, true)
}

// get is what HEAD is answered as.
const get, head = "GET", "HEAD"

// reply looks for a reply among those whose request has a name in it, or among the others.
func (s *Site) reply(r Request, named bool) (Answer, bool) {
	for i := range s.Replies {
		c := &s.Replies[i]
		asHead := c.Request.Method == get && r.Method == head
		if c.Request.named != named || c.Request.Method != r.Method && !asHead {
			continue
		}
		names, ok := c.Request.match(r)
		if !ok || !c.takes(r.Body) {
			continue
		}
		return c.answer(names), true
	}
	return Answer{}, false
}

// file looks for the file at the path of a request.
func (s *Site) file(r Request) (File, bool) {
	if r.Method != get && r.Method != head {
		return File{}, false
	}
	at := strings.Trim(r.Path, "/")
	for _, name := range []string{at, at + ".json", path.Join(at, "index.html"), path.Join(at, "index.json")} {
		for _, f := range s.Files {
			if f.Name == name {
				return f, true
			}
		}
	}
	return File{}, false
}

// takes reports whether a reply is for requests with this body.
func (c *Reply) takes(body []byte) bool {
	if !bytes.Contains(body, []byte(c.Body)) {
		return false
	}
	if c.JSON == nil {
		return true
	}
	var got any
	return json.Unmarshal(body, &got) == nil && contains(got, c.JSON)
}

// contains reports whether a JSON value has all that another has: maps by key, all else alike.
func contains(got, want any) bool {
	wanted, ok := want.(map[string]any)
	if !ok {
		return reflect.DeepEqual(got, want)
	}
	has, ok := got.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range wanted {
		if v, ok := has[key]; !ok || !contains(v, value) {
			return false
		}
	}
	return true
}

func (c *Reply) answer(names map[string]string) Answer {
	var body bytes.Buffer
	for _, p := range c.Answer {
		switch {
		case p.Name == "":
			body.WriteString(p.Text)
		case c.Escape:
			text, _ := json.Marshal(names[p.Name]) // a string can always be written
			body.Write(text[1 : len(text)-1])
		default:
			body.WriteString(names[p.Name])
		}
	}
	a := Answer{Status: cmp.Or(c.Status, 200), Header: map[string]string{}, Body: body.Bytes()}
	if c.Type != "" {
		a.Header["Content-Type"] = c.Type
	}
	for name, value := range c.Header {
		for has := range a.Header {
			if strings.EqualFold(has, name) {
				delete(a.Header, has)
			}
		}
		a.Header[name] = value
	}
	return a
}

// Digest is the SHA-256 of all that the service has to say, in hex: a plan names it, so that two runs of one plan say the same.
func (s *Site) Digest() string {
	sum := sha256.New()
	for i := range s.Replies {
		c := &s.Replies[i]
		text, _ := json.Marshal([]any{c.Request.String(), c.Body, c.JSON, c.Status, c.Header, c.Answer, c.Escape, c.Type}) // JSON and texts can always be written
		fmt.Fprintf(sum, "reply %d\n%s\n", len(text), text)
	}
	for _, f := range s.Files {
		fmt.Fprintf(sum, "file %q %d\n%s\n", f.Name, len(f.Bytes), f.Bytes)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

package spec

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/canned"
)

const siteWorld = `schema: blackout/world/1
name: shop
clouds: {aws: {regions: [us-east-1]}}
chains: {ethereum: {id: 1, block_time: 2s}}
services:
  api:
    kind: http
    host: [api.example.org, old.example.org]
    placement: {aws/us-east-1: 100%}
    files: shop
    replies:
      - {request: "GET /of/{id}?of={whom}", json: {id: "${request.id}", whom: "costs $$5 to ${request.whom}", num: 1.5}}
      - {request: POST /orders, when: {json: {num: 7, of: {side: buy}}}, status: 201, headers: {X-Id: "9"}, body: "$$ bought\n"}
      - {request: POST /orders, when: {body: sell}}
      - {request: GET /page, file: page.html}
  node: {kind: rpc, hosts: {ethereum: [a.example.org, b.example.org, c.example.org]}, placement: {aws/us-east-1: 100%}}
  db: {kind: tcp, host: db.example.org, placement: {aws/us-east-1: 100%}, upstream: "127.0.0.1:5432"}
`

// shop gives the files of the folder "shop", whichever file names it.
func shop(asked *[]string) func(from, folder string) ([]canned.File, error) {
	return func(from, folder string) ([]canned.File, error) {
		*asked = append(*asked, from+" "+folder)
		switch folder {
		case "shop":
			return []canned.File{{Name: "page.html", Bytes: []byte("<p>")}, {Name: "list.json", Bytes: []byte("[]")}}, nil
		case "empty":
			return nil, nil
		}
		return nil, errors.New("no such folder")
	}
}

func TestSite(t *testing.T) {
	var asked []string
	w, err := ParseWorld(File{"world.yaml", []byte(siteWorld)}, Options{Folder: shop(&asked)})
	if err != nil {
		t.Fatal(err)
	}
	api := w.Services["api"]
	if api.Host != "api.example.org" || w.Services["node"].Hosts["ethereum"] != "a.example.org" || w.Services["db"].Upstream != "127.0.0.1:5432" || w.Services["db"].Dialect != "" {
		t.Errorf("%+v", w.Services)
	}
	if diff := cmp.Diff(map[string][]string{"": {"old.example.org"}}, api.Further); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"ethereum": {"b.example.org", "c.example.org"}}, w.Services["node"].Further); diff != "" {
		t.Error(diff)
	}
	if sites := w.Sites(); len(sites) != 1 || sites["api"] != api.Site || len(api.Site.Files) != 2 || api.Site.Files[0].Name != "list.json" {
		t.Errorf("%v", sites)
	}
	for _, tt := range []struct{ method, address, body, want string }{
		{"GET", "/of/7%22?of=me", "", `200 application/json {"id":"7\"","num":1.5,"whom":"costs $5 to me"}`},
		{"POST", "/orders", `{"num":7,"of":{"side":"buy","x":1}}`, "201 text/plain; charset=utf-8 $ bought\n"},
		{"POST", "/orders", "sell", "200  "},
		{"GET", "/page", "", "200 text/html; charset=utf-8 <p>"},
		{"GET", "/list", "", "200 application/json []"},
	} {
		u, err := url.Parse(tt.address)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := api.Site.Answer(canned.Request{Method: tt.method, Path: u.Path, Query: u.Query(), Body: []byte(tt.body)})
		status := map[int]string{200: "200", 201: "201"}[a.Status]
		if got := status + " " + a.Header["Content-Type"] + " " + string(a.Body); !ok || got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.method, tt.address, got, tt.want)
		}
	}
	if diff := cmp.Diff([]string{"world.yaml shop"}, asked); diff != "" {
		t.Error(diff)
	}
}

// TestFoldersOfOverlays holds that a folder lies beside the file that names it, whichever world that file is laid over, and what is said of one that cannot be read.
func TestFoldersOfOverlays(t *testing.T) {
	for folder, want := range map[string]string{
		"shop":  "",
		"none":  "over.yaml:2:29: the folder \"none\" cannot be read: no such folder",
		"empty": "over.yaml:2:29: the folder \"empty\" has no files",
		"a.b":   "over.yaml:2:29: the folder \"a.b\" cannot be read",
	} {
		var asked []string
		over := File{"over.yaml", []byte("schema: blackout/world/1\nservices: {api: {files:     " + folder + "}}\n")}
		w, err := ParseWorld(File{"world.yaml", []byte(strings.Replace(siteWorld, "      - {request: GET /page, file: page.html}\n", "", 1))}, Options{Folder: shop(&asked), Overlays: []File{over}})
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", folder, err)
		}
		if diff := cmp.Diff([]string{"over.yaml " + folder}, asked); diff != "" || w != nil && len(w.Services["api"].Site.Files) != 2 {
			t.Errorf("%s: %s", folder, diff)
		}
	}
	var asked []string
	_, err := ParseWorld(File{"world.yaml", []byte(strings.Replace(siteWorld, "page.html", "pag.html", 1))}, Options{Folder: shop(&asked)})
	if err == nil || !strings.Contains(err.Error(), "world.yaml:15:36: the folder \"shop\" has no file \"pag.html\"") || !strings.Contains(err.Error(), `did you mean "page.html"?`) {
		t.Errorf("%v", err)
	}
	// Without a reader of folders a world has its shape, and no files.
	w, err := ParseWorld(File{"world.yaml", []byte(siteWorld)}, Options{})
	if err != nil || len(w.Services["api"].Site.Files) != 0 || len(w.Services["api"].Site.Replies) != 4 {
		t.Errorf("%+v %v", w, err)
	}
}

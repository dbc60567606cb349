package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const galleryFile = `schema: blackout/app/1
name: gallery
start: {command: [./gallery], env: {GATEWAYS: "${service.ipfs-io.url},${service.dweb-link.url}"}}
url: "http://127.0.0.1:${instance.port}"
ready: {request: GET /health}
journeys:
  picture: {kind: content, rate: 5/s, deadline: 2s, request: "GET /picture/${content.cid}", answer: {declined: {path: "$.error"}, stale: {path: "$.old"}}}
  proxied: {kind: content, rate: 5/s, deadline: 2s, request: "GET ${content.path}"}
  posted: {kind: content, rate: 5/s, deadline: 2s, request: POST /picture, json: {ids: ["${content.cid}"]}}
  headed: {kind: content, rate: 5/s, deadline: 2s, request: GET /picture, headers: {X-Path: "${content.path}"}}
`

const galleryWorld = `schema: blackout/world/1
name: stores
clouds: {aws: {regions: [us-east-1]}}
services:
  ipfs-io: {kind: storage, host: ipfs.io, placement: {aws/us-east-1: 100%}}
  dweb-link: {kind: storage, dialect: plain, host: dweb.link, placement: {aws/us-east-1: 100%}}
`

func TestContentJourney(t *testing.T) {
	a, err := ParseApp(file(galleryFile), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := Unsupported(a); len(got) != 0 {
		t.Errorf("it cannot be run: %v", got)
	}
	if diff := cmp.Diff(Request{Method: "GET", Path: "${content.path}"}, a.Journeys["proxied"].Request); diff != "" {
		t.Error(diff)
	}
	w, err := ParseWorld(File{Name: "world.yaml", Data: []byte(galleryWorld)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(w, a, nil); err != nil {
		t.Error(err)
	}
	for wrong, want := range map[string]string{
		"${service.ipfs-oi.url}":   `unknown service "ipfs-oi"`,
		"${service.ipfs-io.ws}":    `the service "ipfs-io" is of kind storage and has no websocket`,
		"${service.ipfs-io.a.url}": `the service "ipfs-io" does not serve the chain "a"`,
	} {
		a, err := ParseApp(file(strings.Replace(galleryFile, "${service.ipfs-io.url}", wrong, 1)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(w, a, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", wrong, err, want)
		}
	}
	empty, err := ParseWorld(File{Name: "world.yaml", Data: []byte(galleryWorld[:strings.Index(galleryWorld, "services:")])}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(empty, a, nil); err == nil || !strings.Contains(err.Error(), `the journey "picture" asks for content, and the world has no service of kind storage`) {
		t.Errorf("content from a world without storage: %v", err)
	}
	if w, err := ParseWorld(File{Name: "world.yaml", Data: []byte(strings.Replace(galleryWorld, "dialect: plain", "dialect: arweave", 1))}, Options{}); err != nil ||
		w.Services["dweb-link"].Dialect != "arweave" {
		t.Errorf("a gateway of Arweave: %v", err)
	}
	if _, err := ParseWorld(File{Name: "world.yaml", Data: []byte(strings.Replace(galleryWorld, "dialect: plain", "dialect: infura", 1))}, Options{}); err == nil ||
		!strings.Contains(err.Error(), `a service of kind storage has no such dialect "infura"`) {
		t.Errorf("a storage service of another dialect: %v", err)
	}
}

package gateways

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/ipfs/go-cid"

	"blackout/harness/content"
	"blackout/harness/fault"
)

// files is a path gateway and a trustless gateway for raw blocks and CARs (specs.ipfs.tech/http-gateways) over files that are one block each.
//
// Its replies are those of github.com/ipfs/boxo v0.43.0, the library behind ipfs.io, as measured over a blockstore in memory: status, headers and bodies, ranges and
// conditions. The library itself is left out for its cost: 320 packages (libp2p and its DHT among them), 40 s of cold build on two cores, and newer versions of nine
// modules that the chain is built with. What it can do beyond this, directories, IPNS and pages for browsers, no file here needs.
type files struct {
	byID map[cid.Cid]content.File
}

// probeID is the empty identity block, by which clients find out whether a gateway is a trustless one: every such gateway has it.
const probeID = "bafkqaaa"

// nothing is its id.
var nothing = cid.MustParse(probeID)

const typeRaw = "application/vnd.ipld.raw"

const cacheForever = "public, max-age=29030400, immutable"

func newFiles(all []content.File) (*files, error) {
	f := &files{byID: make(map[cid.Cid]content.File, len(all)+1)}
	for _, file := range append([]content.File{{ID: probeID, Type: "text/plain"}}, all...) {
		id, err := cid.Decode(file.ID)
		if err != nil {
			return nil, fmt.Errorf("content id of %s: %w", file.Name, err)
		}
		f.byID[id] = file
	}
	return f, nil
}

// reply is what the service itself says to a request.
func (f *files) reply(r *http.Request) fault.HTTPReply {
	w := &page{header: http.Header{
		"Access-Control-Allow-Headers":  {"Content-Type", "Range", "User-Agent", "X-Requested-With"},
		"Access-Control-Allow-Methods":  {http.MethodGet, http.MethodHead, http.MethodOptions},
		"Access-Control-Allow-Origin":   {"*"},
		"Access-Control-Expose-Headers": {"Content-Length", "Content-Range", "Ipfs-Uri", "X-Chunked-Output", "X-Ipfs-Roots", "X-Stream-Output"},
	}}
	if r.Method == http.MethodHead { // net/http leaves the body out, and needs its length
		r = r.Clone(r.Context())
		r.Method = http.MethodGet
	}
	f.serve(w, r)
	return fault.HTTPReply{Status: cmp.Or(w.status, http.StatusOK), Header: w.header, Body: w.body.Bytes()}
}

func (f *files) serve(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodOptions:
		allow(w)
		return
	default:
		allow(w)
		http.Error(w, "Method "+r.Method+" not allowed: read only access", http.StatusMethodNotAllowed)
		return
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, content.Root), "/")
	if !strings.HasPrefix(r.URL.Path, content.Root) || name == "" {
		http.Error(w, fmt.Sprintf("invalid path %q: path does not have enough components", r.URL.Path), http.StatusBadRequest)
		return
	}
	id, err := cid.Decode(name)
	if err != nil {
		http.Error(w, fmt.Sprintf("invalid path %q: %v", r.URL.Path, err), http.StatusBadRequest)
		return
	}
	address := &url.URL{Scheme: "ipfs", Host: name, Path: strings.TrimPrefix(r.URL.Path, content.Root+name)}
	w.Header().Set("Ipfs-Uri", address.String())
	format, params, err := formatOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if at := contentLocation(r, format, params); at != "" {
		w.Header().Set("Content-Location", at)
	}
	file, ok := f.byID[id]
	if format == formatCAR {
		f.car(w, r, id, rest, params)
		return
	}
	switch {
	case !ok:
		http.Error(w, fmt.Sprintf("failed to resolve %s: ipld: could not find %s", r.URL.Path, id), http.StatusNotFound)
		return
	case rest != "":
		http.Error(w, fmt.Sprintf("failed to resolve %s: no link named %q under %s", r.URL.Path, rest, id), http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", cacheForever)
	h.Set("Content-Type", file.Type)
	h.Set("Etag", `"`+name+`"`)
	h.Set("X-Ipfs-Roots", name)
	if format == formatRaw {
		h.Set("Content-Disposition", attachment(name+".bin"))
		h.Set("Content-Type", typeRaw)
		h.Set("Etag", `"`+name+`.raw"`)
		h.Set("X-Content-Type-Options", "nosniff")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.Bytes)) // ranges and conditions
}

// car answers a request for a CAR.
func (f *files) car(w http.ResponseWriter, r *http.Request, id cid.Cid, rest string, params map[string]string) {
	form, err := carFormOf(r.URL.Query(), params)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	file, ok := f.byID[id]
	if !ok {
		serveCAR(w, r, form, carOf{root: id, name: id})
		return
	}
	c := carOf{root: id, name: id, file: &file}
	if rest != "" { // that nothing is below the file is proved by its block, under a root that holds nothing
		c.root, c.path = nothing, "_"+path.Base(rest)
	}
	serveCAR(w, r, form, c)
}

// The forms that a file can be asked for in, beside its own.
const (
	formatRaw = "raw"
	formatCAR = "car"
)

// formatOf is the form that is asked for, "" for the file as it is, and the parameters of the Accept header that asks for it. The query comes before the header (IPIP-523).
// Any other form of IPLD or IPFS data is refused.
func formatOf(r *http.Request) (format string, params map[string]string, err error) {
	accepted := ""
	for _, header := range r.Header.Values("Accept") {
		for value := range strings.SplitSeq(header, ",") {
			kind, with, err := mime.ParseMediaType(value)
			if err == nil && accepted == "" && (strings.HasPrefix(kind, "application/vnd.ipld") || strings.HasPrefix(kind, "application/vnd.ipfs")) {
				accepted, params = kind, with
			}
		}
	}
	known := map[string]string{typeRaw: formatRaw, typeCAR: formatCAR}
	switch format = r.URL.Query().Get("format"); format {
	case formatRaw, formatCAR:
		if known[accepted] != format {
			params = nil
		}
		return format, params, nil
	case "tar", "dag-json", "dag-cbor", "ipns-record":
	default:
		if format = known[accepted]; format != "" || accepted == "" {
			return format, params, nil
		}
	}
	return "", nil, errors.New("unsupported response format requested")
}

// contentLocation is the address of what an Accept header asked for, so that caches keep it apart from the file; "" where the query says it already.
func contentLocation(r *http.Request, format string, params map[string]string) string {
	query := r.URL.Query()
	if format == "" || query.Get("format") == format {
		return ""
	}
	query.Set("format", format)
	for name, value := range params {
		if name = format + "-" + name; !query.Has(name) {
			query.Set(name, value)
		}
	}
	return r.URL.Path + "?" + query.Encode()
}

func attachment(name string) string {
	return fmt.Sprintf(`attachment; filename="%s"; filename*=UTF-8''%s`, name, url.PathEscape(name))
}

func allow(w http.ResponseWriter) {
	w.Header()["Allow"] = []string{http.MethodGet, http.MethodHead, http.MethodOptions}
}

// page is a reply in memory.
type page struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (p *page) Header() http.Header { return p.header }

func (p *page) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}

func (p *page) Write(data []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(data)
}

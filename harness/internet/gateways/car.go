package gateways

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/ipfs/go-cid"

	"blackout/harness/content"
)

const typeCAR = "application/vnd.ipld.car"

// truncated ends a stream of blocks that cannot go on: carTruncationMessage of boxo.
const truncated = "\n\n[Gateway Error: CAR stream truncated, response is incomplete]"

// carForm is the form of CAR that a request asks for: gateway/handler_car.go of boxo, buildCarParams. Files are one block each, so it changes headers and no bytes.
type carForm struct {
	scope, order, dups string
	from               int64
	to                 *int64
}

// carFormOf reads the query, and the parameters of the Accept header where the query has none.
func carFormOf(query url.Values, accepted map[string]string) (carForm, error) {
	param := func(name string) string {
		if v := query.Get("car-" + name); v != "" {
			return v
		}
		return accepted[name]
	}
	f := carForm{scope: "all", order: "dfs", dups: "n"}
	if query.Has("entity-bytes") {
		if err := f.takeRange(query.Get("entity-bytes")); err != nil {
			return f, fmt.Errorf("invalid %s entity-bytes URL parameter: %w", typeCAR, err)
		}
	}
	for _, p := range []struct {
		at      *string
		value   string
		asked   bool
		allowed string
		refusal string
	}{
		{&f.scope, query.Get("dag-scope"), query.Has("dag-scope"), " all entity block ", "scope parameter"},
		{new(string), param("version"), param("version") != "", " 1 ", "version: only version=1 is supported"},
		{&f.order, param("order"), param("order") != "", " unk dfs ", "order parameter"},
		{&f.dups, param("dups"), param("dups") != "", " y n ", "dups parameter"},
	} {
		if !p.asked {
			continue
		}
		if p.value == "" || !strings.Contains(p.allowed, " "+p.value+" ") {
			return f, fmt.Errorf("unsupported %s %s", typeCAR, p.refusal)
		}
		*p.at = p.value
	}
	return f, nil
}

func (f *carForm) takeRange(text string) error {
	from, to, two := strings.Cut(text, ":")
	if !two || strings.Contains(to, ":") {
		return errors.New("range must have two numbers separated with ':'")
	}
	var err error
	if f.from, err = strconv.ParseInt(from, 10, 64); err != nil || to == "*" {
		return err
	}
	end, err := strconv.ParseInt(to, 10, 64)
	if err != nil {
		return err
	}
	if f.to = &end; (f.from < 0) == (end < 0) && f.from > end {
		return errors.New("cannot have an entity-bytes range where 'from' is after 'to'")
	}
	return nil
}

// etag is that of boxo's getCarEtag: what differs from the usual form is salted into it.
func (f carForm) etag(path, name string) string {
	h := xxhash.New()
	_, _ = h.WriteString(path)
	if f.scope != "all" {
		_, _ = h.WriteString("\x00scope=" + f.scope)
	}
	if f.order != "dfs" {
		_, _ = h.WriteString("\x00order=" + f.order)
	}
	if f.dups == "y" {
		_, _ = h.WriteString("\x00dups=y")
	}
	if f.from != 0 || f.to != nil {
		var b [8]byte
		_, _ = h.WriteString("\x00range=")
		_, _ = h.Write(binary.LittleEndian.AppendUint64(b[:0], uint64(f.from)))
		if f.to != nil {
			_, _ = h.Write(binary.LittleEndian.AppendUint64(b[:0], uint64(*f.to)))
		}
	}
	return `W/"` + name + ".car." + strconv.FormatUint(h.Sum64(), 32) + `"`
}

// carOf is what a CAR is about: its root, and the file whose block it holds, nil where there is none.
type carOf struct {
	root, name cid.Cid
	path       string // what the CAR's own name has behind that of the file
	file       *content.File
}

// serveCAR answers with a file's block in a CAR. Of a file that is not there, the header is out before anybody knows: the status is 200 all the same, and the stream breaks off.
func serveCAR(w http.ResponseWriter, r *http.Request, form carForm, c carOf) {
	h, name := w.Header(), c.name.String()
	h.Set("Accept-Ranges", "none")
	h.Set("Cache-Control", cacheForever)
	h.Set("Content-Disposition", attachment(name+c.path+".car"))
	h.Set("Content-Type", fmt.Sprintf("%s; version=1; order=%s; dups=%s", typeCAR, form.order, form.dups))
	h.Set("Etag", form.etag(r.URL.Path, name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Ipfs-Roots", name)
	if r.Header.Get("If-None-Match") == h.Get("Etag") {
		h.Del("Accept-Ranges")
		h.Del("Content-Type")
		h.Del("X-Ipfs-Roots")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(carHeader(c.root))
	switch {
	case c.file == nil:
		_, _ = w.Write([]byte(truncated))
	case !c.name.Equals(nothing): // its id holds all its bytes
		_, _ = w.Write(section(append(c.name.Bytes(), c.file.Bytes...)))
	}
}

// carHeader is {"roots": [id], "version": 1} in DAG-CBOR, as a section (ipld.io/specs/transport/car/carv1). A link is tag 42 on the id's bytes behind a zero.
func carHeader(id cid.Cid) []byte {
	link := append([]byte{0}, id.Bytes()...)
	b := append([]byte{0xa2, 0x65}, "roots"...)
	b = append(b, 0x81, 0xd8, 0x2a)
	if len(link) < 24 {
		b = append(b, 0x40|byte(len(link)))
	} else {
		b = append(b, 0x58, byte(len(link)))
	}
	b = append(b, link...)
	b = append(append(b, 0x67), "version"...)
	return section(append(b, 0x01))
}

// section is data behind its length.
func section(data []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(data))), data...)
}

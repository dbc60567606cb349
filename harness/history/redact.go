package history

import (
	"bytes"
	"encoding/json"
	"sort"
	"strings"
	"sync/atomic"
)

// redacted stands where a secret stood. It needs no escaping in JSON, URLs or HTML.
const redacted = "[redacted]"

// Redactor takes secrets out of everything that is kept: provider keys in addresses, headers, declared secrets, private keys. A nil Redactor changes nothing.
// Secrets may be added at any time; what was written before is not changed, so add them before they are handed to anyone.
type Redactor struct{ secrets atomic.Pointer[[]string] }

// MinSecret is how many characters a value must have to be hidden: shorter ones would turn a history into blanks.
const MinSecret = 6

// NewRedactor hides the given values. Values under six characters are not hidden.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Hide(secrets...)
	return r
}

// Hide adds values. A hexadecimal one with 0x is hidden without it too, and one that JSON must escape is hidden in its escaped form too.
func (r *Redactor) Hide(secrets ...string) {
	for {
		old := r.secrets.Load()
		set := map[string]bool{}
		if old != nil {
			for _, s := range *old {
				set[s] = true
			}
		}
		for _, s := range secrets {
			s = strings.TrimPrefix(s, "0x")
			if len(s) < MinSecret {
				continue
			}
			set[s] = true
			if quoted, err := json.Marshal(s); err == nil {
				set[string(quoted[1:len(quoted)-1])] = true
			}
		}
		all := make([]string, 0, len(set))
		for s := range set {
			all = append(all, s)
		}
		sort.Slice(all, func(i, j int) bool { // the longest first, so that no secret survives inside another
			if len(all[i]) != len(all[j]) {
				return len(all[i]) > len(all[j])
			}
			return all[i] < all[j]
		})
		if r.secrets.CompareAndSwap(old, &all) {
			return
		}
	}
}

// Bytes returns text without the secrets. The argument may be returned itself, and is not changed.
func (r *Redactor) Bytes(text []byte) []byte {
	if r == nil {
		return text
	}
	if all := r.secrets.Load(); all != nil {
		for _, s := range *all {
			if bytes.Contains(text, []byte(s)) {
				text = bytes.ReplaceAll(text, []byte(s), []byte(redacted))
			}
		}
	}
	return text
}

// line is Bytes for one line of JSON, in its strings only: a secret of digits alone would otherwise be cut out of a time, and leave a line that nobody can read.
func (r *Redactor) line(text []byte) []byte {
	if clean := r.Bytes(text); len(clean) == len(text) && bytes.Equal(clean, text) {
		return text
	}
	var out []byte
	for {
		open := bytes.IndexByte(text, '"')
		if open < 0 {
			return append(out, text...)
		}
		end := open + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(text))
		out = append(out, text[:open+1]...)
		out = append(out, r.Bytes(text[open+1:end])...)
		text = text[end:]
		if len(text) > 0 {
			out, text = append(out, '"'), text[1:]
		}
	}
}

// String returns text without the secrets.
func (r *Redactor) String(text string) string {
	if r == nil {
		return text
	}
	if all := r.secrets.Load(); all != nil {
		for _, s := range *all {
			text = strings.ReplaceAll(text, s, redacted)
		}
	}
	return text
}

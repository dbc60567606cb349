package journey

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"blackout/harness/content"
	"blackout/harness/history"
	"blackout/harness/plan"
)

const prefixContent = "content."

// ofContent reports whether a variable is one of a content journey's.
func ofContent(name string) bool {
	_, ok := contentVars(&plan.Content{})[name]
	return ok
}

// asks gives the file that the n-th attempt of a content journey asks for: all of them in turn. It is nil for other kinds.
func (j *journey) asks(n int) *plan.Content {
	if len(j.content) == 0 {
		return nil
	}
	return &j.content[n%len(j.content)]
}

// contentVars are the variables of a request for a file.
func contentVars(c *plan.Content) map[string]string {
	if c == nil {
		return nil
	}
	part := "picture"
	if c.Type == content.TypeMetadata {
		part = "metadata"
	}
	return map[string]string{
		prefixContent + "cid": c.ID, prefixContent + "path": content.Root + c.ID, prefixContent + "tx": c.TX,
		prefixContent + "token": strconv.Itoa(c.Token), prefixContent + "part": part,
	}
}

// received notes what came for a file: the digest of a body that was read to its end. It reports whether the bytes are the file's.
func received(a *history.Attempt, c *plan.Content, body []byte, whole bool) bool {
	if !whole {
		return false
	}
	sum := sha256.Sum256(body)
	a.SHA256 = hex.EncodeToString(sum[:])
	return a.SHA256 == c.SHA256
}

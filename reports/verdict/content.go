package verdict

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/fault"
	"blackout/harness/plan"
)

// noBytes is the digest of an empty body.
var noBytes = func() string {
	sum := sha256.Sum256(nil)
	return hex.EncodeToString(sum[:])
}()

// wrong-content.
//
// Rule: an answer with a status of 2xx is the file that was asked for, byte for byte: its SHA-256 is the one that the plan has for the content id. An answer of any other
// status is held to the rules of reads: 5xx and 429 say no, another 4xx blames the user for a valid request. A 2xx without a byte is no answer.
//
// Reason: who gets other bytes under a name that promises these has no way to see it: a picture that is not the one that was bought, metadata that says something else, or
// a stranger's page within the app's own. An error would have been true.
//
// Incident: 2022-11, FTX US: the domain of its NFTs' metadata was redirected, and tokens showed what a page about the bankruptcy gave, under HTTP 200.
//
// judgeContent classifies an attempt that asks for a file, by the first rule that matches:
//
//  1. void (decided before).
//  2. Nothing complete within patience, a transport error, an empty 2xx: unavailable.
//  3. It said no (5xx, 429): declined within the deadline, else unavailable. Another 4xx is wrong.
//  4. The file: ok, or late after the deadline.
//  5. Else wrong.
func (e *evidence) judgeContent(a *attempt) ruling {
	if r, decided := judgeProtocol(a); decided {
		return e.misattributed(a, r)
	}
	i := slices.IndexFunc(e.plan.Content, func(c plan.Content) bool { return c.ID == a.Content })
	tooLong := a.SHA256 == "" && a.Detail != ""
	switch {
	case i < 0:
		return ruling{class: Void, why: "the plan has no file with the content id that was asked for, so nothing can be said"}
	case a.SHA256 == "" && !tooLong:
		return ruling{class: Void, why: "the record has no digest of the answer, so nothing can be said"}
	case a.SHA256 == noBytes && e.plan.Content[i].SHA256 != noBytes:
		return ruling{class: Unavailable, check: checkOpaqueError, why: a.replied() + " without a byte"}
	case a.SHA256 == e.plan.Content[i].SHA256:
		return timely(a, false, "the bytes match the content id")
	}
	return ruling{class: Wrong, check: checkWrongContent, why: e.otherContent(a, &e.plan.Content[i], tooLong)}
}

// otherContent says what came in a file's place.
func (e *evidence) otherContent(a *attempt, asked *plan.Content, tooLong bool) string {
	what := fmt.Sprintf("other bytes, of SHA-256 %s… and not %s…", head(a.SHA256), head(asked.SHA256))
	k := slices.IndexFunc(e.plan.Content, func(c plan.Content) bool { return c.SHA256 == a.SHA256 })
	switch {
	case tooLong:
		what = fmt.Sprintf("more than the file's %d bytes (%s)", asked.Bytes, a.Detail)
	case k >= 0:
		what = "another file, " + e.plan.Content[k].Name
	case isPage(a.Body):
		what = "a page of HTML"
	}
	return fmt.Sprintf("was asked for %s (%s) and %s with %s", asked.Name, asked.ID, a.replied(), what)
}

// head is enough of a digest to tell two apart.
func head(digest string) string { return digest[:min(len(digest), 12)] }

// isPage reports whether a body is HTML by how it begins.
func isPage(body string) bool {
	begins := strings.ToLower(strings.TrimSpace(body))
	return strings.HasPrefix(begins, "<!doctype html") || strings.HasPrefix(begins, "<html")
}

// asksKind is the kind of service that a journey's answers come from.
func asksKind(j *plan.Journey) string {
	if j.Kind == kindContent {
		return fault.KindStorage
	}
	return fault.KindRPC
}

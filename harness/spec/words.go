package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"blackout/harness/canned"
)

// The types of the file-shaped structs whose values are one word or number: what the shape check asks of their text, and how a JSON Schema puts it.
type (
	durationText string
	shareText    string // 0 % to 100 %
	percentText  string
	rateText     string
	amountText   string
	blocksText   string
	requestText  string
	jsonPathText string
	patternText  string // a regular expression
	selectorText string // of CSS
	pathText     string // of an address, with its query
	nameText     string
	proseText    string // free words, not empty
	regionText   string // "cloud/region"
	hostText     string
	addressText  string // of an account or a contract, hexadecimal
	servedText   string // the requests that a canned reply is for
	folderText   string // a folder beside the file
	upstreamText string // host and port on this machine
	envText      string
	dateText     string
	limitText    string // a number, or a percentage
	equalText    string // the same, or a word
	versionText  string
)

func (durationText) problem(text string) (what, hint string) {
	_, what, hint = parseDuration(text)
	return what, hint
}

func (shareText) problem(text string) (what, hint string) {
	_, what, hint = parseShare(text)
	return what, hint
}

func (percentText) problem(text string) (what, hint string) {
	_, what, hint = parsePercent(text, "percentage")
	return what, hint
}

func (rateText) problem(text string) (what, hint string) {
	_, what, hint = parseRate(text)
	return what, hint
}

func (amountText) problem(text string) (what, hint string) {
	_, what, hint = parseAmount(text)
	return what, hint
}

func (blocksText) problem(text string) (what, hint string) {
	_, what, hint = parseBlocks(text)
	return what, hint
}

func (requestText) problem(text string) (what, hint string) {
	_, _, what, hint = parseRequest(text)
	return what, hint
}

func (jsonPathText) problem(text string) (what, hint string) { return parseJSONPath(text) }

func (patternText) problem(text string) (what, hint string) {
	if _, err := regexp.Compile(text); err != nil {
		return fmt.Sprintf("%q is no regular expression: %s", clip(text), strings.TrimPrefix(err.Error(), "error parsing regexp: ")), `RE2, as in Go: 'balance: ([0-9.]+)'`
	}
	return "", ""
}

func (selectorText) problem(text string) (what, hint string) {
	if open := unclosed(text); open != 0 {
		return fmt.Sprintf("%q is no CSS selector: %q has no other half", clip(text), open), `CSS, in quotes: '#balance', 'button[name="send"]'`
	}
	return "", ""
}

var pathForm = regexp.MustCompile(`^/\S*$`)

func (pathText) problem(text string) (what, hint string) {
	if pathForm.MatchString(text) {
		return "", ""
	}
	return fmt.Sprintf("bad path %q", clip(text)), "a path begins with a slash: /ws"
}

var (
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	regionForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}/[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	hostForm    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	addressForm = regexp.MustCompile(`^0x[0-9a-fA-F]{40}$`)
	envForm     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func (nameText) problem(text string) (what, hint string) {
	if nameForm.MatchString(text) {
		return "", ""
	}
	return fmt.Sprintf("bad name %q", clip(text)), "a name has letters, digits, - and _, at most 64, and begins with a letter or digit"
}

func (proseText) problem(text string) (what, hint string) {
	if strings.TrimSpace(text) == "" {
		return "an empty text", ""
	}
	return "", ""
}

func (regionText) problem(text string) (what, hint string) {
	if regionForm.MatchString(text) {
		return "", ""
	}
	return fmt.Sprintf("bad region %q", clip(text)), "a region is written cloud/region: aws/us-east-1"
}

func (hostText) problem(text string) (what, hint string) {
	if len(text) <= 253 && hostForm.MatchString(text) {
		return "", ""
	}
	hint = "a host is a name alone, without scheme, port and path: mainnet.infura.io"
	_, rest, found := strings.Cut(text, "://")
	if found {
		host, _, _ := strings.Cut(rest, "/")
		host, _, _ = strings.Cut(strings.ToLower(host), ":")
		if hostForm.MatchString(host) {
			hint = fmt.Sprintf("did you mean %q?", host)
		}
	} else if lower := strings.ToLower(text); hostForm.MatchString(lower) {
		hint = fmt.Sprintf("did you mean %q?", lower)
	}
	return fmt.Sprintf("bad host %q", clip(text)), hint
}

func (addressText) problem(text string) (what, hint string) {
	if addressForm.MatchString(text) {
		return "", ""
	}
	return fmt.Sprintf("bad address %q", clip(text)), "an address has 0x and 40 hexadecimal digits, in quotes: \"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48\""
}

func (servedText) problem(text string) (what, hint string) {
	if _, err := canned.Parse(text); err != nil {
		return fmt.Sprintf("bad request %q: %v", clip(text), err), "a request is a method and a path: GET /v2/prices/{pair}/spot"
	}
	return "", ""
}

var folderForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

func (folderText) problem(text string) (what, hint string) {
	if folderForm.MatchString(text) {
		return "", ""
	}
	return fmt.Sprintf("bad folder %q", clip(text)), "a folder lies beside this file: prices, or world/prices"
}

// upstreamForm takes this machine alone: nothing that a run does may leave it.
var upstreamForm = regexp.MustCompile(`^(localhost|127(\.[0-9]{1,3}){3}|\[::1\]):[1-9][0-9]{0,4}$`)

func (upstreamText) problem(text string) (what, hint string) {
	if upstreamForm.MatchString(text) {
		if port, err := strconv.ParseUint(text[strings.LastIndexByte(text, ':')+1:], 10, 16); err == nil && port > 0 {
			return "", ""
		}
	}
	return fmt.Sprintf("bad upstream %q", clip(text)), "an upstream is a host and a port on this machine, in quotes: \"127.0.0.1:5432\""
}

func (envText) problem(text string) (what, hint string) {
	if envForm.MatchString(text) {
		return "", ""
	}
	return fmt.Sprintf("bad name of an environment variable %q", clip(text)), ""
}

func (dateText) problem(text string) (what, hint string) {
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return "", ""
	}
	return fmt.Sprintf("bad date %q", clip(text)), "a date is written year-month-day: \"2025-10-20\""
}

func (versionText) problem(text string) (what, hint string) { return proseText("").problem(text) }

func (limitText) problem(text string) (what, hint string) {
	_, what, hint = parseLimit(text)
	return what, hint
}

var wordForm = regexp.MustCompile(`^[a-z][a-z-]*$`)

func (equalText) problem(text string) (what, hint string) {
	if wordForm.MatchString(text) {
		return "", ""
	}
	_, what, hint = parseLimit(text)
	return what, hint
}

// parseLimit reads a gate's bound: a number as it is, a percentage as a share ("80%" is 0.8).
func parseLimit(text string) (v float64, what, hint string) {
	if plainInt.MatchString(text) || plainFloat.MatchString(text) {
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return v, "", ""
		}
	}
	if percentForm.MatchString(text) {
		return parsePercent(text, "percentage")
	}
	return 0, fmt.Sprintf("bad limit %q", clip(text)), "a limit is a number or a percentage: 30, 80%"
}

// envPattern lets a variable of load time stand where a pattern asks for something else: a schema cannot know its value.
const envPattern = `\$\{env\.`

func patterned(pattern string, examples ...any) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: "(" + pattern + ")|" + envPattern, Examples: examples}
}

// JSONSchema puts the forms for editors.
func (durationText) JSONSchema() *jsonschema.Schema {
	return patterned(durationForm.String(), "40ms", "15s", "14h32m")
}
func (shareText) JSONSchema() *jsonschema.Schema {
	return patterned(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$`, "30%")
}
func (percentText) JSONSchema() *jsonschema.Schema { return patterned(percentForm.String(), "100%") }
func (rateText) JSONSchema() *jsonschema.Schema    { return patterned(rateForm.String(), "20/s") }
func (amountText) JSONSchema() *jsonschema.Schema {
	return patterned(amountForm.String(), "100 ether")
}
func (blocksText) JSONSchema() *jsonschema.Schema { return patterned(blocksForm.String(), "3 blocks") }
func (requestText) JSONSchema() *jsonschema.Schema {
	return patterned(requestForm.String(), "GET /health")
}
func (pathText) JSONSchema() *jsonschema.Schema     { return patterned(pathForm.String(), "/ws") }
func (jsonPathText) JSONSchema() *jsonschema.Schema { return patterned(`^\$`, "$.items[0].amount") }
func (selectorText) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", MinLength: new(uint64(1)), Examples: []any{"#balance", "button[name=\"send\"]"}}
}
func (nameText) JSONSchema() *jsonschema.Schema    { return patterned(nameForm.String()) }
func (proseText) JSONSchema() *jsonschema.Schema   { return &jsonschema.Schema{Type: "string"} }
func (versionText) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }
func (regionText) JSONSchema() *jsonschema.Schema {
	return patterned(regionForm.String(), "aws/us-east-1")
}
func (hostText) JSONSchema() *jsonschema.Schema {
	return patterned(hostForm.String(), "mainnet.infura.io")
}
func (addressText) JSONSchema() *jsonschema.Schema {
	return patterned(addressForm.String(), "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
}
func (servedText) JSONSchema() *jsonschema.Schema {
	return patterned(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /`, "GET /v2/prices/{pair}/spot")
}
func (folderText) JSONSchema() *jsonschema.Schema { return patterned(folderForm.String(), "prices") }
func (upstreamText) JSONSchema() *jsonschema.Schema {
	return patterned(upstreamForm.String(), "127.0.0.1:5432")
}
func (envText) JSONSchema() *jsonschema.Schema  { return patterned(envForm.String()) }
func (dateText) JSONSchema() *jsonschema.Schema { return patterned(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`) }
func (limitText) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "number"}, patterned(percentForm.String(), "80%")}}
}
func (equalText) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "number"}, patterned(percentForm.String()+"|"+wordForm.String(), "80%", "pass")}}
}

package spec

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/speakeasy-api/jsonpath/pkg/jsonpath"
)

// The parsers of values that are one word or number. Each returns what is wrong in words, and how it would be right; the value is valid when both are "".

var (
	durationForm = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(us|ms|s|m|h))+$`)
	loosely      = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) *([a-zA-Zµ%/]*)$`)
)

const durationExample = `a duration is a number with a unit: 40ms, 15s, 14h32m`

// parseDuration reads "40ms", "15s" or "14h32m". It is never negative.
func parseDuration(text string) (d time.Duration, what, hint string) {
	if durationForm.MatchString(text) {
		if d, err := time.ParseDuration(text); err == nil {
			return d, "", ""
		}
	}
	what, hint = fmt.Sprintf("bad duration %q", clip(text)), durationExample
	if m := loosely.FindStringSubmatch(text); m != nil {
		units := map[string]string{
			"": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
			"hr": "h", "hrs": "h", "hour": "h", "hours": "h", "msec": "ms", "millis": "ms", "milliseconds": "ms", "µs": "us", "s": "s", "m": "m", "h": "h", "ms": "ms", "us": "us",
		}
		if unit, ok := units[strings.ToLower(m[2])]; ok {
			hint = fmt.Sprintf("did you mean %q?", m[1]+unit)
		} else if days, err := strconv.Atoi(m[1]); err == nil && days < 10000 && (m[2] == "d" || m[2] == "day" || m[2] == "days") {
			hint = fmt.Sprintf("did you mean \"%dh\"?", 24*days)
		}
	}
	return 0, what, hint
}

var percentForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?%$`)

// parsePercent reads "70%" as 0.7.
func parsePercent(text, noun string) (share float64, what, hint string) {
	if percentForm.MatchString(text) {
		if v, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64); err == nil && v <= 1e6 {
			return v / 100, "", ""
		}
	}
	hint = fmt.Sprintf("a %s is written with a percent sign: 70%%", noun)
	if m := loosely.FindStringSubmatch(text); m != nil && (m[2] == "" || m[2] == "%") {
		hint = fmt.Sprintf("did you mean %q?", m[1]+"%")
		if v, err := strconv.ParseFloat(m[1], 64); err == nil && strings.Contains(m[1], ".") && v <= 1 {
			hint = fmt.Sprintf("did you mean %q?", number(math.Round(v*1e4)/100)+"%")
		}
	}
	return 0, fmt.Sprintf("bad %s %q", noun, clip(text)), hint
}

// parseShare reads "30%" as 0.3; a share is from 0 % to 100 %.
func parseShare(text string) (share float64, what, hint string) {
	share, what, hint = parsePercent(text, "share")
	if what == "" && share > 1 {
		return 0, fmt.Sprintf("bad share %q: it is more than 100%%", clip(text)), ""
	}
	return share, what, hint
}

var rateForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)/(s|m|h)$`)

// maxRate bounds a rate: more than this no single machine can offer, and a slip of the keyboard would fill its memory.
const maxRate = 100_000

// parseRate reads "20/s", "5/m" or "1/h" as a rate per second.
func parseRate(text string) (perSecond float64, what, hint string) {
	what, hint = fmt.Sprintf("bad rate %q", clip(text)), "a rate is a number per second, minute or hour: 20/s, 5/m, 1/h"
	m := rateForm.FindStringSubmatch(text)
	if m == nil {
		if m := loosely.FindStringSubmatch(strings.ReplaceAll(text, " ", "")); m != nil {
			switch strings.ToLower(m[2]) {
			case "", "rps", "hz", "/", "/sec", "/second", "ps":
				hint = fmt.Sprintf("did you mean %q?", m[1]+"/s")
			case "/min", "/minute", "rpm":
				hint = fmt.Sprintf("did you mean %q?", m[1]+"/m")
			case "/s", "/m", "/h":
				hint = fmt.Sprintf("did you mean %q?", m[1]+strings.ToLower(m[2]))
			}
		}
		return 0, what, hint
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, what, hint
	}
	v /= map[string]float64{"s": 1, "m": 60, "h": 3600}[m[2]]
	switch {
	case v == 0:
		return 0, what + ": it must be more than 0", ""
	case v > maxRate:
		return 0, fmt.Sprintf("%s: it is more than %d/s", what, maxRate), ""
	}
	return v, "", ""
}

var (
	amountForm = regexp.MustCompile(`^([0-9]{1,40})(?:\.([0-9]{1,18}))? (ether|gwei|wei)$`)
	unitDigits = map[string]int{"ether": 18, "gwei": 9, "wei": 0} // of an amount of the coin
)

// parseAmount reads "100 ether", "0.5 gwei" or "1 wei" as wei.
func parseAmount(text string) (wei *big.Int, what, hint string) {
	what, hint = fmt.Sprintf("bad amount %q", clip(text)), "an amount is a number with a unit: 100 ether, 20 gwei, 1 wei"
	m := amountForm.FindStringSubmatch(text)
	if m == nil {
		if m := loosely.FindStringSubmatch(text); m != nil {
			switch strings.ToLower(m[2]) {
			case "", "eth", "ethers", "ether":
				hint = fmt.Sprintf("did you mean %q?", m[1]+" ether")
			case "gwei", "wei":
				hint = fmt.Sprintf("did you mean %q?", m[1]+" "+strings.ToLower(m[2]))
			}
		}
		return nil, what, hint
	}
	digits := unitDigits[m[3]]
	if len(strings.TrimRight(m[2], "0")) > digits {
		return nil, what + ": it is not a whole number of wei", ""
	}
	fraction := m[2]
	if len(fraction) > digits {
		fraction = fraction[:digits]
	}
	wei, ok := new(big.Int).SetString(m[1]+fraction+strings.Repeat("0", digits-len(fraction)), 10)
	if !ok {
		return nil, what, hint
	}
	if wei.BitLen() > 128 {
		return nil, what + ": it is more than any chain holds", ""
	}
	return wei, "", ""
}

var blocksForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,8}) blocks?$`)

// parseBlocks reads "3 blocks" or "1 block".
func parseBlocks(text string) (blocks uint64, what, hint string) {
	if m := blocksForm.FindStringSubmatch(text); m != nil {
		if v, err := strconv.ParseUint(m[1], 10, 64); err == nil {
			return v, "", ""
		}
	}
	hint = "a number of blocks is written: 3 blocks"
	if m := loosely.FindStringSubmatch(text); m != nil && plainInt.MatchString(m[1]) && (m[2] == "" || strings.HasPrefix("blocks", strings.ToLower(m[2]))) {
		hint = fmt.Sprintf("did you mean %q?", m[1]+" "+plural(m[1], "block"))
	}
	return 0, fmt.Sprintf("bad number of blocks %q", clip(text)), hint
}

func plural(n, noun string) string {
	if n == "1" {
		return noun
	}
	return noun + "s"
}

var (
	requestForm = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE) ((?:/|\$\{content\.path\})\S*)$`)
	methodForm  = regexp.MustCompile(`(?i)^(GET|HEAD|POST|PUT|PATCH|DELETE)\s+(\S+)$`)
)

// parseRequest reads "GET /balance/${account.address}".
func parseRequest(text string) (method, path, what, hint string) {
	if m := requestForm.FindStringSubmatch(text); m != nil {
		return m[1], m[2], "", ""
	}
	hint = "a request is a method and a path: GET /health"
	switch m := methodForm.FindStringSubmatch(text); {
	case strings.HasPrefix(text, "/") && !strings.ContainsAny(text, " \t\n"):
		hint = fmt.Sprintf("did you mean %q?", "GET "+text)
	case m != nil && !strings.Contains(m[2], "://"):
		hint = fmt.Sprintf("did you mean %q?", strings.ToUpper(m[1])+" /"+strings.TrimPrefix(m[2], "/"))
	}
	return "", "", fmt.Sprintf("bad request %q", clip(text)), hint
}

// parseJSONPath compiles a path of RFC 9535, only to prove that it can be compiled.
func parseJSONPath(text string) (what, hint string) {
	if !strings.HasPrefix(text, "$") {
		return fmt.Sprintf("bad JSONPath %q: it must begin with $", clip(text)), Suggest("$."+strings.TrimPrefix(text, "."), []string{"$." + strings.TrimPrefix(text, ".")})
	}
	if err := compileJSONPath(text); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
		return fmt.Sprintf("bad JSONPath %q: %s", clip(text), first), "JSONPath is RFC 9535: $.items[0].amount"
	}
	return "", ""
}

func compileJSONPath(text string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the JSONPath parser gave up: %v", r)
		}
	}()
	if len(text) > 1000 {
		return fmt.Errorf("longer than 1000 characters")
	}
	_, err = jsonpath.NewPath(text)
	return err
}

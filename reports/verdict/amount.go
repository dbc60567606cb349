package verdict

import (
	"math/big"
	"strconv"
	"strings"

	"blackout/harness/plan"
)

// amount is a number as an app showed it, exactly: digits × 10^-places.
type amount struct {
	digits   string // without leading zeros; "" is zero
	places   int    // digits after the point, trailing zeros dropped; never negative
	negative bool
}

// maxDigits bounds what is read as a number: 2^256 wei has 78 digits, and no app shows more than a few hundred.
const maxDigits = 400

// parseAmount reads a number: "12", "0.0012", "1.5e-7", and "0x1bc16d674ec80000" when hex is allowed. Anything else, such as "1,5", "n/a" or "", is none.
func parseAmount(text string, hex bool) (amount, bool) {
	s := strings.TrimSpace(text)
	if len(s) == 0 || len(s) > maxDigits {
		return amount{}, false
	}
	if h, ok := strings.CutPrefix(s, "0x"); ok {
		n, ok := new(big.Int).SetString(h, 16)
		if !ok || !hex || n.Sign() < 0 || strings.ContainsAny(h, "+-_") {
			return amount{}, false
		}
		return amount{digits: trimZeros(n.String())}, true
	}
	var a amount
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		a.negative, s = true, rest
	}
	exp := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n > maxDigits || n < -maxDigits {
			return amount{}, false
		}
		exp, s = n, s[:i]
	}
	whole, fraction, point := strings.Cut(s, ".")
	if !isDigits(whole) || !isDigits(fraction) || whole == "" || (point && fraction == "") {
		return amount{}, false
	}
	a.digits, a.places = whole+fraction, len(fraction)-exp
	for a.places > 0 && strings.HasSuffix(a.digits, "0") {
		a.digits, a.places = a.digits[:len(a.digits)-1], a.places-1
	}
	if a.places < 0 {
		a.digits += strings.Repeat("0", -a.places)
		a.places = 0
	}
	a.digits = trimZeros(a.digits)
	if a.digits == "" {
		return amount{}, true
	}
	return a, true
}

// zero reports whether the number is 0.
func (a amount) zero() bool { return a.digits == "" }

// scaled says what to look for: a balance in wei whose last drop digits are cut off or rounded away, half up, is key. ok is false when no balance can be shown
// like this: it is negative, or finer than a wei.
//
// An app shows as many digits as its file says. One that shows more is held to what it shows; one that shows fewer has dropped zeros.
func (a amount) scaled(as plan.Amount) (key string, drop int, ok bool) {
	unit := as.Digits()
	if a.negative || a.places > unit {
		return "", 0, false
	}
	shown := unit
	if as.Decimals >= 0 {
		shown = min(unit, max(as.Decimals, a.places))
	}
	if a.zero() {
		return "0", unit - shown, true
	}
	return a.digits + strings.Repeat("0", shown-a.places), unit - shown, true
}

// cutOff is a whole number of wei without its last drop digits.
func cutOff(wei string, drop int) string {
	if len(wei) <= drop {
		return "0"
	}
	return wei[:len(wei)-drop]
}

// halfUp is the same, rounded half up.
func halfUp(wei string, drop int) string {
	cut := cutOff(wei, drop)
	if drop == 0 || len(wei) < drop || wei[len(wei)-drop] < '5' {
		return cut
	}
	digits := []byte(cut)
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] != '9' {
			digits[i]++
			return string(digits)
		}
		digits[i] = '0'
	}
	return "1" + string(digits)
}

// trimZeros drops leading zeros.
func trimZeros(digits string) string { return strings.TrimLeft(digits, "0") }

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Suggest gives a hint of the form `did you mean "x"?` for a word that is none of the known ones, or "" when none is near. Near is an edit distance of at most a
// third of the word's length; of several the nearest wins, and of those the first in the alphabet. When none is near, those count of which the word is a part.
func Suggest(word string, known []string) string {
	if best, ok := nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if longer := holding(word, known); len(longer) > 0 && len(longer) <= maxHolding {
		return "did you mean " + strings.Join(longer, " or ") + "?"
	}
	return ""
}

// maxHolding is how many words of which only a part was written are named, and minPart how short that part may be.
const (
	maxHolding = 3
	minPart    = 3
)

// holding lists, in quotes, the words that begin with a word or have it between hyphens: "blackhole" of "connection-blackhole".
func holding(word string, known []string) (longer []string) {
	word = strings.ToLower(word)
	if len(word) < minPart {
		return nil
	}
	for _, k := range known {
		if lower := strings.ToLower(k); strings.HasPrefix(lower, word) || slices.Contains(strings.FieldsFunc(lower, func(r rune) bool { return r == '-' || r == '_' }), word) {
			longer = append(longer, strconv.Quote(k))
		}
	}
	slices.Sort(longer)
	return longer
}

// suggestOr is Suggest, or a list of what is known when nothing is near and the list is short.
func suggestOr(word string, known []string) string {
	if hint := Suggest(word, known); hint != "" {
		return hint
	}
	if len(known) == 0 || len(known) > 12 {
		return ""
	}
	known = slices.Clone(known)
	slices.Sort(known)
	return "one of: " + strings.Join(known, ", ")
}

func nearest(word string, known []string) (string, bool) {
	if len(word) > 100 {
		return "", false
	}
	best, distance := "", -1
	for _, k := range known {
		d := editDistance(strings.ToLower(word), strings.ToLower(k))
		longest := max(len(word), len(k))
		if d > max(1, longest/3) || longest <= 2 && d > 0 && !swapped(word, k) { // of two letters one is half
			continue
		}
		if distance < 0 || d < distance || d == distance && k < best {
			best, distance = k, d
		}
	}
	return best, distance >= 0
}

// swapped reports two letters in the wrong order.
func swapped(a, b string) bool {
	return len(a) == 2 && len(b) == 2 && strings.EqualFold(a, b[1:]+b[:1])
}

// editDistance counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string alignment).
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Suggest gives a hint of the form `did you mean "x"?` for a word that is none of the known ones, or "" when none is near. Near is an edit distance of at most a
// third of the word's length; of several the nearest wins, and of those the first in the alphabet.
func Suggest(word string, known []string) string {
	if best, ok := nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
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
		if d > max(1, max(len(word), len(k))/3) {
			continue
		}
		if distance < 0 || d < distance || d == distance && k < best {
			best, distance = k, d
		}
	}
	return best, distance >= 0
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

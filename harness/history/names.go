package history

// mostNames bounds a table of names. What is said again is mostly said again soon, so a table that is full begins anew.
const mostNames = 1 << 16

// names keeps one copy of each text that a history repeats: names of journeys and services, accounts, ids of payments, hashes of transactions. A long history is
// mostly these.
type names map[string]string

// of is the text, in one copy for all that are equal. An absent text is "".
func (n *names) of(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	if one, ok := (*n)[string(text)]; ok {
		return one
	}
	one := string(text)
	if *n == nil || len(*n) >= mostNames {
		*n = names{}
	}
	(*n)[one] = one
	return one
}

// one is of for a text that was copied already.
func (n *names) one(text *string) {
	if one, ok := (*n)[*text]; ok {
		*text = one
		return
	}
	if *n == nil || len(*n) >= mostNames {
		*n = names{}
	}
	(*n)[*text] = *text
}

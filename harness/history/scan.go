package history

import (
	"bytes"
	"encoding/json"
	"math"
	"unicode/utf8"
)

// scanner reads a line as Encode writes it, many times faster than encoding/json. It knows no more than that form: at anything else it gives up, and the line is left
// to encoding/json, which then decides what it means or what is wrong with it. So whatever it reads, it reads as encoding/json would.
type scanner struct {
	line    []byte
	at      int
	gave    bool // it gave up
	names   *names
	answers *answers
}

// mostAnswers bounds the table of answers. It begins anew when it is full, as a table of names does.
const mostAnswers = 1 << 12

// answers keeps one copy of each answer, by its JSON: users ask far more often than the chain changes what is true.
type answers map[string]map[string]string

func (s *scanner) giveUp() { s.gave = true }

// next takes a byte that has to come.
func (s *scanner) next(c byte) {
	if s.at >= len(s.line) || s.line[s.at] != c {
		s.giveUp()
		return
	}
	s.at++
}

// peek reports whether a byte comes.
func (s *scanner) peek(c byte) bool { return s.at < len(s.line) && s.line[s.at] == c }

// object reads an object whose values value takes, and what stands behind it.
func (s *scanner) object(value func(key []byte)) {
	s.next('{')
	if s.peek('}') {
		s.at++
		return
	}
	for !s.gave {
		key, plain := s.token()
		if !plain {
			s.giveUp()
			return
		}
		s.next(':')
		value(key)
		if !s.peek(',') {
			break
		}
		s.at++
	}
	s.next('}')
}

// whole reads a line that is one object.
func (s *scanner) whole(value func(key []byte)) bool {
	s.object(value)
	s.next('\n')
	return !s.gave && s.at == len(s.line)
}

// token takes a string, and tells its content if it is plain: without escapes and valid as it stands. Otherwise it gives the string with its quotes.
func (s *scanner) token() (text []byte, plain bool) {
	s.next('"')
	if s.gave {
		return nil, false
	}
	from := s.at
	end := bytes.IndexByte(s.line[from:], '"')
	if end < 0 {
		s.giveUp()
		return nil, false
	}
	text = s.line[from : from+end]
	plain = true
	wide := false
	for _, c := range text {
		if c == '\\' || c < ' ' {
			plain = false
			break
		}
		wide = wide || c >= utf8.RuneSelf
	}
	if plain && (!wide || utf8.Valid(text)) {
		s.at = from + end + 1
		return text, true
	}
	for i := from; i < len(s.line); i++ {
		switch s.line[i] {
		case '\\':
			i++
		case '"':
			s.at = i + 1
			return s.line[from-1 : s.at], false
		}
	}
	s.giveUp()
	return nil, false
}

// text reads a string that is said once.
func (s *scanner) text() string {
	token, plain := s.token()
	if plain {
		return string(token)
	}
	var text string
	if s.gave || json.Unmarshal(token, &text) != nil {
		s.giveUp()
	}
	return text
}

// name reads a string that is said again and again.
func (s *scanner) name() string {
	token, plain := s.token()
	if plain {
		return s.names.of(token)
	}
	var text string
	if s.gave || json.Unmarshal(token, &text) != nil {
		s.giveUp()
	}
	return text
}

// number reads a whole number of at most 18 digits.
func (s *scanner) number() int64 {
	negative := s.peek('-')
	if negative {
		s.at++
	}
	from := s.at
	var n int64
	for s.at < len(s.line) && s.line[s.at] >= '0' && s.line[s.at] <= '9' {
		n = 10*n + int64(s.line[s.at]-'0')
		s.at++
	}
	digits := s.at - from
	if digits == 0 || digits > 18 || (digits > 1 && s.line[from] == '0') || (negative && n == 0) || s.peek('.') || s.peek('e') || s.peek('E') {
		s.giveUp()
	}
	if negative {
		return -n
	}
	return n
}

// count reads a number that cannot be negative.
func (s *scanner) count() uint64 {
	n := s.number()
	if n < 0 {
		s.giveUp()
	}
	return uint64(n)
}

// small reads a number that fits into an int on every machine.
func (s *scanner) small() int {
	n := s.number()
	if n < math.MinInt32 || n > math.MaxInt32 {
		s.giveUp()
	}
	return int(n)
}

func (s *scanner) yes() bool {
	if !bytes.HasPrefix(s.line[s.at:], []byte("true")) {
		s.giveUp()
		return false
	}
	s.at += len("true")
	return true
}

// list reads strings that are said again and again.
func (s *scanner) list() []string {
	list := []string{}
	s.next('[')
	if s.peek(']') {
		s.at++
		return list
	}
	for !s.gave {
		list = append(list, s.name())
		if !s.peek(',') {
			break
		}
		s.at++
	}
	s.next(']')
	return list
}

// answer reads the fields of an answer. Equal answers share one map.
func (s *scanner) answer() map[string]string {
	from := s.at
	if end := bytes.IndexByte(s.line[from:], '}'); end > 0 { // right but for a text with a brace in it, which is then found in no table
		if one, ok := (*s.answers)[string(s.line[from:from+end+1])]; ok {
			s.at += end + 1
			return one
		}
	}
	fields := map[string]string{}
	s.object(func(key []byte) { fields[s.names.of(key)] = s.name() })
	if s.gave {
		return nil
	}
	if *s.answers == nil || len(*s.answers) >= mostAnswers {
		*s.answers = answers{}
	}
	(*s.answers)[string(s.line[from:s.at])] = fields
	return fields
}

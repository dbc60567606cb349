package history

import "blackout/harness/clock"

// The records that a history has thousands of, read by a scanner. Each function says whether it could read the line, and knows every field of its type: a field that it
// does not know makes it give up.

func (s *scanner) attempt(a *Attempt) bool {
	return s.whole(func(key []byte) {
		switch string(key) {
		case "record":
			s.record()
		case "id":
			a.ID = s.text()
		case "journey":
			a.Journey = s.name()
		case "session":
			a.Session = s.small()
		case "account":
			a.Account = s.name()
		case "due":
			a.Due = clock.Micros(s.number())
		case "at":
			a.At = clock.Micros(s.number())
		case "end":
			a.End = clock.Micros(s.number())
		case "status":
			a.Status = s.small()
		case "error":
			a.Error = s.name()
		case "detail":
			a.Detail = s.name()
		case "answer":
			if a.Answer != nil { // encoding/json would join the two
				s.giveUp()
			}
			a.Answer = s.answer()
		case "missing":
			a.Missing = s.list()
		case "since":
			a.Since = clock.Micros(s.number())
		case "content":
			a.Content = s.name()
		case "sha256":
			a.SHA256 = s.name()
		case "body":
			a.Body = s.name()
		default:
			s.giveUp()
		}
	})
}

func (s *scanner) call(c *Call) bool {
	return s.whole(func(key []byte) {
		switch string(key) {
		case "record":
			s.record()
		case "n":
			c.N = s.count()
		case "service":
			c.Service = s.name()
		case "region":
			c.Region = s.name()
		case "chain":
			c.Chain = s.name()
		case "transport":
			c.Transport = s.name()
		case "method":
			c.Method = s.name()
		case "reply":
			c.Reply = s.name()
		case "status":
			c.Status = s.small()
		case "code":
			c.Code = s.small()
		case "served":
			c.Served = s.name()
		case "retry_after_s":
			c.RetryAfterS = float64(s.number())
		case "faults":
			c.Faults = s.list()
		case "probe":
			c.Probe = s.yes()
		case "at":
			c.At = clock.Micros(s.number())
		case "end":
			c.End = clock.Micros(s.number())
		default:
			s.giveUp()
		}
	})
}

func (s *scanner) intent(in *Intent) bool {
	return s.whole(func(key []byte) {
		switch string(key) {
		case "record":
			s.record()
		case "id":
			in.ID = s.name()
		case "session":
			in.Session = s.small()
		case "chain":
			in.Chain = s.name()
		case "to":
			in.To = s.name()
		case "wei":
			in.Wei = s.text()
		case "at":
			in.At = clock.Micros(s.number())
		default:
			s.giveUp()
		}
	})
}

func (s *scanner) said(r *Said) bool {
	return s.whole(func(key []byte) {
		switch string(key) {
		case "record":
			s.record()
		case "intent":
			r.Intent = s.name()
		case "state":
			r.State = s.name()
		case "word":
			r.Word = s.name()
		case "tx":
			r.Tx = s.name()
		case "at":
			r.At = clock.Micros(s.number())
		default:
			s.giveUp()
		}
	})
}

func (s *scanner) sent(r *Sent) bool {
	return s.whole(func(key []byte) {
		switch string(key) {
		case "record":
			s.record()
		case "tx":
			r.Tx = s.name()
		case "from":
			r.From = s.name()
		case "to":
			r.To = s.name()
		case "nonce":
			r.Nonce = s.count()
		case "chain_id":
			r.ChainID = s.count()
		case "intent":
			r.Intent = s.name()
		case "service":
			r.Service = s.name()
		case "foreign":
			r.Foreign = s.yes()
		case "at":
			r.At = clock.Micros(s.number())
		default:
			s.giveUp()
		}
	})
}

// record skips the type, which was read before. Of two in a line encoding/json takes the second.
func (s *scanner) record() {
	if s.at > len(`{"record":`) {
		s.giveUp()
	}
	if _, plain := s.token(); !plain { // no type has an escape, and what is no string encoding/json refuses
		s.giveUp()
	}
}

package gateways

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// retryAfter is when a reply tells the app to come back, in seconds from now: by its header Retry-After (RFC 9110, section 10.2.3: seconds or a date), else by
// backoff_seconds in the data of the first error that has it, as Infura says it. 0 when it does not say.
func retryAfter(h http.Header, body []byte, now time.Time) float64 {
	if text := h.Get("Retry-After"); text != "" {
		if seconds, err := strconv.Atoi(text); err == nil {
			return max(0, float64(seconds))
		}
		if at, err := http.ParseTime(text); err == nil {
			return max(0, at.Sub(now).Seconds())
		}
	}
	if !bytes.Contains(body, []byte(`"backoff_seconds"`)) {
		return 0 // spares the parsing
	}
	answers, _, _ := parseAnswers(body)
	for _, a := range answers {
		var reply struct {
			Error struct {
				Data struct {
					Seconds float64 `json:"backoff_seconds"`
				}
			}
		}
		if json.Unmarshal(a.raw, &reply) == nil && reply.Error.Data.Seconds > 0 {
			return reply.Error.Data.Seconds
		}
	}
	return 0
}

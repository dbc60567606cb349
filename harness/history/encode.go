package history

import (
	"encoding/json"
	"fmt"
)

// Encode gives a record as one line of a history, newline included.
func Encode(r Record) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode %s record: %w", r.Type(), err)
	}
	line := make([]byte, 0, len(body)+32)
	line = append(line, `{"record":"`...)
	line = append(line, r.Type()...)
	line = append(line, '"')
	if len(body) > 2 { // more than {}
		line = append(line, ',')
	}
	line = append(line, body[1:]...)
	return append(line, '\n'), nil
}

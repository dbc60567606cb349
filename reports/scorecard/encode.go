package scorecard

import (
	"encoding/json"
	"fmt"
)

// Encode gives scorecard.json: the cards as one array, with a newline at the end.
func Encode(cards []Card) ([]byte, error) {
	text, err := json.MarshalIndent(cards, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// Decode reads scorecard.json, also one of an earlier version, which has fewer fields.
func Decode(text []byte) ([]Card, error) {
	var cards []Card
	if err := json.Unmarshal(text, &cards); err != nil {
		return nil, fmt.Errorf("no scorecard.json: %w", err)
	}
	for _, c := range cards {
		if c.Schema != Schema {
			return nil, fmt.Errorf("no scorecard.json: its schema is %q, not %q", c.Schema, Schema)
		}
	}
	return cards, nil
}

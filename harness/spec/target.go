package spec

import "strings"

// String writes a target as a person would: "region aws/us-east-1 without service infura".
func (t Target) String() string {
	var parts []string
	for _, key := range []struct{ name, value string }{
		{"service", t.Service}, {"region", t.Region}, {"cloud", t.Cloud}, {"chain", t.Chain}, {"host", t.Host}, {"app", t.App},
	} {
		if key.value != "" {
			parts = append(parts, key.name+" "+key.value)
		}
	}
	text := strings.Join(parts, " in ")
	for _, e := range t.Except {
		text += " without " + e.String()
	}
	return text
}

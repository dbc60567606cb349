package main

import (
	"errors"
	"fmt"
	"sort"

	"blackout/harness/history"
	"blackout/harness/spec"
)

// secrets reads the app file's secrets from the environment; all that are missing are named.
func (s *state) secrets(a *spec.App) (map[string]string, error) {
	values := map[string]string{}
	var missing []error
	for name, secret := range a.Secrets {
		value, ok := s.env(secret.FromEnv)
		if !ok || value == "" {
			missing = append(missing, fmt.Errorf("secret %s of app %s: the environment variable %s is not set", name, a.Name, secret.FromEnv))
			continue
		}
		if len(value) < history.MinSecret {
			missing = append(missing, fmt.Errorf("secret %s of app %s: the value of %s is shorter than %d characters: it could not be taken out of the artifacts without making them unreadable",
				name, a.Name, secret.FromEnv, history.MinSecret))
			continue
		}
		values[name] = value
	}
	sort.Slice(missing, func(i, j int) bool { return missing[i].Error() < missing[j].Error() })
	return values, errors.Join(missing...)
}

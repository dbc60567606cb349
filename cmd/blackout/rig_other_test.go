//go:build !linux

package main

// platformPrograms are the programs that need Linux: none here.
func platformPrograms() map[string]func() { return nil }

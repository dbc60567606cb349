//go:build !linux

package app

// alive cannot tell a zombie here.
func alive(int) bool { return true }

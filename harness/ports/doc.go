// Package ports deals with the ports of addresses in ways that package net does not offer: to have one before there is a connection, to keep one from others, and to go
// on accepting.
package ports

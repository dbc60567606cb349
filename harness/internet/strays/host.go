package strays

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

const (
	// handshake is the first byte of a connection of TLS (RFC 8446, section 5.1).
	handshake = 22
	// mostRead is how many bytes of a connection are read at most. A ClientHello with keys of several kinds has about 2 KiB.
	mostRead = 16 << 10
	// longestName of a host (RFC 1035, section 2.3.4).
	longestName = 253
)

// hostMeant reads whom a connection means from its first bytes: the server name of TLS, or the Host header of HTTP. It is "" where these do not say, or give an address
// only. It writes nothing.
func hostMeant(conn net.Conn) string {
	r := bufio.NewReader(io.LimitReader(conn, mostRead))
	first, err := r.Peek(1)
	if err != nil {
		return ""
	}
	if first[0] == handshake {
		return hostName(serverName(r, conn))
	}
	request, err := http.ReadRequest(r)
	if err != nil {
		return ""
	}
	return hostName(request.Host)
}

// errHeard ends a handshake whose first message was read.
var errHeard = errors.New("heard")

// serverName has the standard library read a ClientHello.
func serverName(r io.Reader, conn net.Conn) (name string) {
	_ = tls.Server(mute{conn, r}, &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		name = hello.ServerName
		return nil, errHeard
	}}).Handshake()
	return name
}

// mute is a connection that reads from r and says nothing.
type mute struct {
	net.Conn
	r io.Reader
}

func (m mute) Read(p []byte) (int, error)  { return m.r.Read(p) }
func (m mute) Write(p []byte) (int, error) { return len(p), nil }

// hostName is the name in a Host header, in lower case and without port; "" for an address, and for what no resolver would be asked.
func hostName(text string) string {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || len(name) > longestName {
		return ""
	}
	if strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_'
	}) {
		return ""
	}
	return name
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// storeBound is how long the store may take.
const storeBound = 2 * time.Second

// query asks the store for one statement by Postgres' simple protocol (version 3.0), in a connection of its own: the store is found anew by its name each time.
func query(ctx context.Context, statement string) (rows [][]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeBound)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", os.Getenv("STORE"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	const version = 3 << 16
	hello := append(binary.BigEndian.AppendUint32(nil, version), "user\x00postgres\x00database\x00postgres\x00\x00"...)
	if err := send(conn, nil, hello); err != nil {
		return nil, err
	}
	if _, err := untilReady(in); err != nil {
		return nil, err
	}
	if err := send(conn, []byte("Q"), append([]byte(statement), 0)); err != nil {
		return nil, err
	}
	return untilReady(in)
}

func send(w io.Writer, kind, body []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(kind, uint32(len(body)+4)), body...))
	return err
}

// untilReady reads messages until the store waits for the next statement.
func untilReady(in io.Reader) (rows [][]string, err error) {
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(in, body); err != nil {
			return nil, err
		}
		switch head[0] {
		case 'R':
			if binary.BigEndian.Uint32(body) != 0 {
				return nil, errors.New("store: it wants a password")
			}
		case 'D':
			rows = append(rows, row(body))
		case 'E':
			err = fmt.Errorf("store: %s", bytes.ReplaceAll(bytes.Trim(body, "\x00"), []byte{0}, []byte(" ")))
			if rows == nil && bytes.Contains(body, []byte("FATAL")) {
				return nil, err // no connection was made
			}
		case 'Z':
			return rows, err
		}
	}
}

// row is one row's columns, all of which are text and none null.
func row(body []byte) (columns []string) {
	for body = body[2:]; len(body) >= 4; {
		n := binary.BigEndian.Uint32(body)
		columns = append(columns, string(body[4:4+n]))
		body = body[4+n:]
	}
	return columns
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

package browser

import (
	"crypto/md5"  // of NSS: it finds a trust record by this digest, and nothing depends on its strength
	"crypto/sha1" // the same
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// trustIn writes the NSS database in which Chromium looks for authorities beside its own, with one in it: $HOME/.pki/nssdb/cert9.db. NSS makes the rest of the database
// when it opens it. What certutil -A -t C,, would write was read back and is written here, so that the program, of a package that few machines have, is not needed.
//
// Source: NSS, lib/softoken/sdb.c (the table) and pkcs11n.h (the numbers); tried with NSS 3.87 and Chromium 148.
func trustIn(home string, authority []byte) error {
	block, _ := pem.Decode(authority)
	if block == nil {
		return errors.New("the run's authority is no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("the run's authority: %w", err)
	}
	serial, err := asn1.Marshal(cert.SerialNumber)
	if err != nil {
		return fmt.Errorf("the run's authority: %w", err)
	}
	whole, half := sha1.Sum(cert.Raw), md5.Sum(cert.Raw)
	yes, no := []byte{1}, []byte{0}
	rows := []map[string][]byte{{
		"a0": number(objectCertificate), "a1": yes, "a2": no, "a3": []byte("blackout"), "a11": cert.Raw, "a80": number(0), "a81": cert.RawIssuer, "a82": serial,
		"a101": cert.RawSubject, "a102": whole[:], "a170": yes,
	}, {
		"a0": number(objectTrust), "a1": yes, "a2": no, "a3": {0xa5, 0x00, 0x5a}, "a81": cert.RawIssuer, "a82": serial, "a170": yes,
		"ace536358": number(trustedDelegator), "ace536359": number(mustVerify), "ace53635a": number(mustVerify), "ace53635b": number(mustVerify), "ace536360": no,
		"ace5363b4": whole[:], "ace5363b5": half[:],
	}}
	file, err := oneTable("nssPublic", "id", strings.Fields(nssColumns), rows)
	if err != nil {
		return fmt.Errorf("the run's authority: %w", err)
	}
	folder := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "cert9.db"), file, 0o600)
}

// The numbers of PKCS #11 and of NSS.
const (
	objectCertificate = 1
	objectTrust       = 0xce534353
	trustedDelegator  = 0xce534352 // an authority for TLS servers
	mustVerify        = 0xce534353 // for nothing else
)

// number is a CK_ULONG as the table has it.
func number(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// nssColumns are the columns of the table: one for each attribute that NSS 3.87 knows.
const nssColumns = `a0 a1 a2 a3 a10 a11 a12 a80 a81 a82 a83 a84 a85 a86 a87 a88 a89 a8a a8b a90 a100 a101 a102 a103 a104 a105 a106 a107 a108 a109 a10a a10b a10c a110 a111 a120
a121 a122 a123 a124 a125 a126 a127 a128 a129 a130 a131 a132 a133 a134 a160 a161 a162 a163 a164 a165 a166 a170 a180 a181 a200 a201 a202 a210 a300 a301 a302 a400 a401 a402
a403 a404 a405 a406 a480 a481 a482 a500 a501 a502 a503 a40000211 a40000212 a80000001 ace534351 ace534352 ace534353 ace534354 ace534355 ace534356 ace534357 ace534358
ace534364 ace534365 ace534366 ace534367 ace534368 ace534369 ace534373 ace534374 ace536351 ace536352 ace536353 ace536354 ace536355 ace536356 ace536357 ace536358 ace536359
ace53635a ace53635b ace53635c ace53635d ace53635e ace53635f ace536360 ace5363b4 ace5363b5 ad5a0db00`

// pageSize is the largest page of an SQLite file: one page holds the table.
const pageSize = 1 << 16

// oneTable is an SQLite database with one table and nothing else: a page of the schema, and a page with the rows, whose ids are 1, 2 and so on. It fails when they do not fit.
//
// Source: https://sqlite.org/fileformat2.html.
func oneTable(name, id string, columns []string, rows []map[string][]byte) ([]byte, error) {
	sql := fmt.Sprintf("CREATE TABLE %s (%s, %s)", name, id, strings.Join(columns, ", "))
	schema := cell(1, []any{"table", name, name, uint32(2), sql})
	var cells [][]byte
	for i, row := range rows {
		values := []any{uint32(i + 1)}
		for _, column := range columns {
			values = append(values, row[column])
		}
		cells = append(cells, cell(i+1, values))
	}
	file := make([]byte, 2*pageSize)
	copy(file, "SQLite format 3\x00")
	put16, put32 := binary.BigEndian.PutUint16, binary.BigEndian.PutUint32
	put16(file[16:], 1) // a page of 64 KiB
	file[18], file[19] = 1, 1
	file[21], file[22], file[23] = 64, 32, 32
	put32(file[24:], 1)       // changes of the file
	put32(file[28:], 2)       // pages
	put32(file[40:], 1)       // changes of the schema
	put32(file[44:], 4)       // the schema's format
	put32(file[56:], 1)       // UTF-8
	put32(file[92:], 1)       // changes when the version was written
	put32(file[96:], 3040001) // the version that would have written it
	return file, errors.Join(leaf(file[:pageSize], 100, [][]byte{schema}), leaf(file[pageSize:], 0, cells))
}

// leaf writes a page of a table: its header at an offset, where each cell is, and the cells at the end.
func leaf(page []byte, header int, cells [][]byte) error {
	at := len(page)
	pointers := header + 8
	for i, c := range cells {
		at -= len(c)
		if len(c) > pageSize-35 || at < pointers+2*len(cells) {
			return fmt.Errorf("%d bytes do not fit into a page", len(c))
		}
		copy(page[at:], c)
		binary.BigEndian.PutUint16(page[pointers+2*i:], uint16(at))
	}
	page[header] = 0x0d
	binary.BigEndian.PutUint16(page[header+3:], uint16(len(cells)))
	binary.BigEndian.PutUint16(page[header+5:], uint16(at))
	return nil
}

// cell is a row as a page of a table holds it: blobs, texts, numbers, and nil for null.
func cell(row int, values []any) []byte {
	var types, body []byte
	for _, v := range values {
		switch v := v.(type) {
		case uint32:
			types, body = append(types, 4), binary.BigEndian.AppendUint32(body, v)
		case string:
			types, body = append(types, varint(2*len(v)+13)...), append(body, v...)
		case []byte:
			if v == nil {
				types = append(types, 0)
				continue
			}
			types, body = append(types, varint(2*len(v)+12)...), append(body, v...)
		}
	}
	// The header counts itself; it is longer than 127 bytes and shorter than 16 KiB, or shorter than that with one byte.
	size := varint(len(types) + 1)
	if len(size) > 1 {
		size = varint(len(types) + 2)
	}
	record := slices.Concat(size, types, body)
	return slices.Concat(varint(len(record)), varint(row), record)
}

// varint is a number as SQLite has it: seven bits in each byte, the highest first.
func varint(v int) []byte {
	out := []byte{byte(v & 0x7f)}
	for v >>= 7; v > 0; v >>= 7 {
		out = append(out, byte(v&0x7f)|0x80)
	}
	slices.Reverse(out)
	return out
}

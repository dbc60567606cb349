package content

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// TestFilesNameThemselves holds each file to what its id promises: the digest in it is that of the bytes.
func TestFilesNameThemselves(t *testing.T) {
	seen := map[string]bool{}
	for _, seed := range []uint64{0, 1, 1<<64 - 1} {
		files := Files(seed)
		if len(files) != 8 {
			t.Fatalf("%d files", len(files))
		}
		for i, f := range files {
			id, err := cid.Decode(f.ID)
			if err != nil {
				t.Fatalf("%s: %v", f.ID, err)
			}
			hash, err := multihash.Decode(id.Hash())
			if err != nil {
				t.Fatalf("%s: %v", f.ID, err)
			}
			sum := sha256.Sum256(f.Bytes)
			if id.Version() != 1 || id.Type() != cid.Raw || hash.Code != multihash.SHA2_256 || string(hash.Digest) != string(sum[:]) || f.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("seed %d, %s: %s does not name its bytes", seed, f.Name, f.ID)
			}
			if f.Path() != "/ipfs/"+f.ID || seen[f.Name+f.ID] {
				t.Errorf("seed %d: %s at %s, or twice", seed, f.Name, f.Path())
			}
			seen[f.Name+f.ID] = true
			tx, err := base64.RawURLEncoding.DecodeString(f.TX)
			if err != nil || len(tx) != sha256.Size || f.TX != Files(seed + 1)[i].TX || seen[fmt.Sprint(seed, f.TX)] || f.Token != i/2 {
				t.Errorf("seed %d, %s: transaction %q, token %d", seed, f.Name, f.TX, f.Token)
			}
			seen[fmt.Sprint(seed, f.TX)] = true
			check(t, f, files[max(i-1, 0)])
		}
	}
}

// check reads a file as its type says; metadata names the picture before it.
func check(t *testing.T, f, before File) {
	t.Helper()
	if f.Type == TypePicture {
		d := xml.NewDecoder(strings.NewReader(string(f.Bytes)))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%s is no XML: %v", f.Name, err)
			}
		}
	}
	var meta struct{ Name, Image string }
	if err := json.Unmarshal(f.Bytes, &meta); err != nil || f.Type != TypeMetadata || meta.Name == "" || meta.Image != "ipfs://"+before.ID {
		t.Errorf("%s (%s): %+v, %v", f.Name, f.Type, meta, err)
	}
}

func TestFilesAreTheSeeds(t *testing.T) {
	if diff := cmp.Diff(Files(7), Files(7)); diff != "" {
		t.Errorf("one seed, two collections:\n%s", diff)
	}
	// A content id that a history names must stay what it was: a change of these bytes breaks the traces of old runs.
	if got, want := Files(1)[0].ID, "bafkreicnk27nwjuanxcj3ffdrp4rg3wedx3izrj77difkc4kr4kkw67ha4"; got != want {
		t.Errorf("the first file of seed 1 is %s, want %s", got, want)
	}
}

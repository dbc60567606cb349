// Package content makes the files that the storage services of a run hold, as a small collection on IPFS has them: pictures, and for each its metadata. It is pure:
// the same seed gives the same files, so that the plan can name them, the services serve them and a verdict can hold an answer against them years later.
package content

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"blackout/harness/fault"
)

// pictures is how many pictures there are. Each has its metadata beside it, so there are twice as many files.
const pictures = 4

// The media types of the files, as a gateway serves them.
const (
	TypePicture  = "image/svg+xml"
	TypeMetadata = "application/json"
)

// File is one file. It is a single block, a raw leaf: the digest in its content id is the SHA-256 of its bytes, so whoever has the id can check the bytes.
type File struct {
	ID     string // CIDv1 in base32: "bafkrei…"
	TX     string // of the transaction that holds the file on Arweave: 43 characters of base64url
	Token  int    // of the collection: the lowest one whose picture or metadata the file is
	Name   string // "lamp-1.svg"
	Type   string // media type
	SHA256 string // of Bytes, hex
	Bytes  []byte
}

// Path is where a gateway has the file: "/ipfs/<id>".
func (f File) Path() string { return Root + f.ID }

// Root begins the paths of files on a gateway.
const Root = "/ipfs/"

// Files gives the run's files: a picture, its metadata, the next picture and so on.
func Files(seed uint64) []File {
	files := make([]File, 0, 2*pictures)
	for n := range uint64(pictures) {
		picture := file(n, "svg", TypePicture, draw(seed, n))
		files = append(files, picture, file(n, "json", TypeMetadata, describe(n, picture)))
	}
	return files
}

// file makes a file of the n-th picture.
func file(n uint64, ending, mediaType string, data []byte) File {
	name := fmt.Sprintf("lamp-%d.%s", n+1, ending)
	sum := sha256.Sum256(data)
	id, err := cid.V1Builder{Codec: cid.Raw, MhType: multihash.SHA2_256}.Sum(data)
	if err != nil {
		panic(fmt.Sprintf("content: name %s: %v", name, err)) // SHA-256 is always there and takes any bytes
	}
	return File{ID: id.String(), TX: transaction(name), Token: int(n), Name: name, Type: mediaType, SHA256: hex.EncodeToString(sum[:]), Bytes: data}
}

// transaction makes the id of a transaction of Arweave. There it is the SHA-256 of the signature, so nobody can tell the bytes by it; here it follows from the file's name,
// the same for every seed, so that the canned replies of other services can name it.
func transaction(name string) string {
	sum := sha256.Sum256([]byte("blackout: transaction of " + name))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// side is the length of a picture's side, in tiles, and tile that of a tile, in pixels.
const (
	side = 6
	tile = 32
)

// draw makes the n-th picture: a wall of windows, of which some are lit.
func draw(seed, n uint64) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n", side*tile, side*tile, side*tile, side*tile)
	fmt.Fprintf(&b, `<title>Lamp %d of seed %d</title>`+"\n", n+1, seed)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#101828"/>`+"\n", side*tile, side*tile)
	for place := range uint64(side * side) {
		if fault.Fraction(seed, "content/lit", "", n*side*side+place) < 0.5 {
			continue
		}
		hue := int(360 * fault.Fraction(seed, "content/hue", "", n*side*side+place))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="hsl(%d 80%% 60%%)"/>`+"\n",
			int(place%side)*tile+4, int(place/side)*tile+4, tile-8, tile-8, hue)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// describe makes a picture's metadata, in the words of ERC-721's metadata extension.
func describe(n uint64, picture File) []byte {
	text, err := json.MarshalIndent(struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Image       string `json:"image"`
	}{fmt.Sprintf("Lamp %d", n+1), "A wall of windows that a run of Blackout lit.", "ipfs://" + picture.ID}, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("content: describe %s: %v", picture.Name, err)) // strings always encode
	}
	return append(text, '\n')
}

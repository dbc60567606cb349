package project

import (
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestLibraries holds which libraries a history names, and from where their versions are.
func TestLibraries(t *testing.T) {
	folder := func(pairs ...string) fs.FS {
		m := fstest.MapFS{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
		return m
	}
	for _, c := range []struct {
		name    string
		folders []fs.FS
		want    map[string]string
	}{
		{"nothing", []fs.FS{folder()}, nil},
		{"its own, installed, and no others", []fs.FS{folder(
			"package.json", `{"dependencies": {"viem": "^2", "express": "5", "@metamask/x": "1", "ethers": "^6", "web3": "git+https://key@example.org/web3"}}`,
			"node_modules/viem/package.json", `{"version": "2.57.20"}`, "node_modules/express/package.json", `{"version": "5.1.0"}`,
			"node_modules/web3/package.json", `{"version": "https://key@example.org/"}`,
		), folder("node_modules/@metamask/x/package.json", `{"version": "24.2.1"}`)}, map[string]string{"viem": "2.57.20", "@metamask/x": "24.2.1"}},
		{"of a folder above, those that are imported", []fs.FS{folder("wallet.js", "import { a } from 'viem/chains'\n", "main.go", "import \"github.com/ethereum/go-ethereum/common\"\n"), folder(
			"package.json", `{"dependencies": {"viem": "2.57.20", "ethers": "6.17.0"}}`, "node_modules/viem/package.json", `{"version": "2.57.20"}`, "node_modules/ethers/package.json", `{"version": "6.17.0"}`,
		), folder("go.mod", "module m\nrequire (\n\tgithub.com/ethereum/go-ethereum v1.16.0\n\tgithub.com/ipfs/boxo v0.30.0\n)\n", "package.json", `{"dependencies": {"web3": "4"}}`)},
			map[string]string{"viem": "2.57.20", "github.com/ethereum/go-ethereum": "v1.16.0"}},
		{"broken files", []fs.FS{folder("package.json", "{", "go.mod", "\x00")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, libraries(c.folders)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := Libraries(filepath.Join(t.TempDir(), "no such folder")); got != nil {
		t.Errorf("of no folder: %v", got)
	}
}

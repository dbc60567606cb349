package project

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// chainLibraries are those by which apps reach chains and content. A name that ends with a star stands for all that begin with what is before it.
var chainLibraries = []string{
	"viem", "wagmi", "@wagmi/*", "ethers", "@ethersproject/providers", "web3", "web3-*", "ox", "permissionless", "thirdweb", "alchemy-sdk", "@rainbow-me/rainbowkit", "@reown/*", "@walletconnect/*",
	"@metamask/*", "@coinbase/wallet-sdk", "@solana/web3.js", "@solana/kit",
	"helia", "@helia/*", "ipfs-http-client", "kubo-rpc-client", "@filecoin-shipyard/*", "@filoz/synapse-sdk", "@lighthouse-web3/sdk", "@web3-storage/w3up-client", "@storacha/client", "pinata",
	"arweave", "@ardrive/turbo-sdk", "@ar.io/sdk", "@irys/sdk",
	"github.com/ethereum/go-ethereum", "github.com/ipfs/boxo", "github.com/ipfs/kubo", "github.com/gagliardetto/solana-go", "github.com/lmittmann/w3", "github.com/umbracle/ethgo",
}

// known reports whether a library is one of these.
func known(name string) bool {
	return slices.ContainsFunc(chainLibraries, func(l string) bool {
		stem, family := strings.CutSuffix(l, "*")
		return name == l || family && strings.HasPrefix(name, stem)
	})
}

// exactVersion is what may stand in a history as a version: no address of a repository, which may carry a key.
var exactVersion = regexp.MustCompile(`^v?[0-9][A-Za-z0-9.+-]{0,63}$`)

// Libraries says which versions an app's libraries have: the folder's own by package.json and go.mod, or those of the nearest folder above that its sources import. Only
// libraries by which apps reach chains and content are listed, and only what is installed or required exactly. What cannot be read is left out: there is no error.
func Libraries(folder string) map[string]string {
	dir, err := filepath.Abs(folder)
	if err != nil {
		return nil
	}
	return libraries(append([]fs.FS{os.DirFS(dir)}, parents(dir)...))
}

// libraries reads the versions of the first folder's libraries; the others are those above it, the nearest first.
func libraries(folders []fs.FS) map[string]string {
	found := map[string]string{}
	for _, manifest := range []string{"package.json", "go.mod"} {
		for i, folder := range folders {
			if _, err := fs.Stat(folder, manifest); err != nil {
				continue
			}
			var list []Dependency
			var p Project // takes the notes
			if manifest == "go.mod" {
				if m := p.goMod(folder); m != nil {
					list = m.Requires
				}
			} else if m := p.packageJSON(folder, folders[i+1:]); m != nil {
				list = m.Dependencies
			}
			list = slices.DeleteFunc(list, func(d Dependency) bool { return !d.Exact || !known(d.Name) || !exactVersion.MatchString(d.Version) })
			if i > 0 { // what it serves may be other apps
				list = imported(folders[0], list)
			}
			for _, d := range list {
				found[d.Name] = d.Version
			}
			break
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// importFiles bounds what is read to see what an app imports: a run waits for it.
const importFiles = 100

// imported keeps the libraries that the sources of a folder name in quotes, themselves or a part of them.
func imported(folder fs.FS, list []Dependency) []Dependency {
	seen := map[string]bool{}
	if len(list) > 0 {
		walk(folder, importFiles, func(_ string, data []byte) {
			for _, d := range list {
				for _, begin := range []string{`"`, `'`} {
					if bytes.Contains(data, []byte(begin+d.Name+begin)) || bytes.Contains(data, []byte(begin+d.Name+"/")) {
						seen[d.Name] = true
					}
				}
			}
		})
	}
	return slices.DeleteFunc(list, func(d Dependency) bool { return !seen[d.Name] })
}

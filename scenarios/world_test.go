package scenarios_test

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blackout/harness/canned"
	"blackout/harness/content"
	"blackout/harness/plan"
	"blackout/harness/spec"
	"blackout/scenarios"
)

// folder reads a folder of the library, as the program does.
func folder(from, name string) (files []canned.File, err error) {
	sub, err := fs.Sub(scenarios.FS(), path.Join(path.Dir(strings.TrimPrefix(from, scenarios.Prefix)), name))
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(sub, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(sub, name)
		files = append(files, canned.File{Name: name, Bytes: data})
		return err
	})
	return files, err
}

func defaultWorld(t *testing.T) *spec.World {
	t.Helper()
	file, err := base("default")
	if err != nil {
		t.Fatal(err)
	}
	world, err := spec.ParseWorld(file, spec.Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// TestDefaultWorldAnswers asks the services of the default world what apps ask them. What they say is JSON where they say so.
func TestDefaultWorldAnswers(t *testing.T) {
	sites := defaultWorld(t).Sites()
	const svg, missing = "image/svg+xml", "NoSuchKey"
	for _, tt := range []struct{ service, address, want string }{
		{"coinbase", "/v2/prices/ETH-USD/spot", `"amount": "2000.00"`},
		{"coinbase", "/v2/prices/BTC-USD/buy", `"amount": "50000.00"`},
		{"coinbase", "/v2/exchange-rates?currency=USD", `"ETH": "0.0005"`},
		{"coinbase", "/v2/time", `"epoch"`},
		{"coingecko", "/api/v3/simple/price?ids=ethereum&vs_currencies=usd", `{"ethereum":{"usd":2000}}`},
		{"coingecko", "/api/v3/simple/price?vs_currencies=usd&ids=bitcoin,ethereum", `"bitcoin":{"usd":50000}`},
		{"coingecko", "/api/v3/ping", "gecko_says"},
		{"opensea", "/api/v2/chain/ethereum/account/0x01/nfts?limit=5", `"nfts"`},
		{"opensea", "/api/v2/chain/ethereum/contract/0x01/nfts/1", `"image_url": "https://arweave.net/`},
		{"opensea", "/api/v2/collections/lamps", `"collection":"lamps"`},
		{"opensea", "/api/v2/collections/lamps/stats", `"floor_price"`},
		{"etherscan", "/v2/api?chainid=1&module=gastracker&action=gasoracle&apikey=x", `"ProposeGasPrice"`},
		{"etherscan", "/api?module=stats&action=ethprice", `"ethusd"`},
		{"s3-us-east-1", "/lamps/lamp.svg", svg},
		{"s3-us-west-2", "/lamps/lamp.json", `"image"`},
		{"s3-us-east-1", "/lamps/other.svg", missing},
		{"s3-bucket-us-east-1", "/lamp.svg", svg},
		{"s3-bucket-us-east-1", "/lamps/lamp.svg", missing},
	} {
		u, err := url.Parse(tt.address)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := sites[tt.service].Answer(canned.Request{Method: "GET", Path: u.Path, Query: u.Query()})
		kind := a.Header["Content-Type"]
		switch {
		case !ok, !strings.Contains(kind+string(a.Body), tt.want), (a.Status == 200) == (tt.want == missing):
			t.Errorf("%s %s: %d %s %s", tt.service, tt.address, a.Status, kind, a.Body)
		case kind == canned.TypeJSON && !json.Valid(a.Body):
			t.Errorf("%s %s: not JSON: %s", tt.service, tt.address, a.Body)
		}
	}
	if len(sites) != 7 {
		t.Errorf("%d services of kind http", len(sites))
	}
	// What an NFT points to is there.
	nft, _ := sites["opensea"].Answer(canned.Request{Method: "GET", Path: "/api/v2/chain/base/contract/0x01/nfts/1"})
	var said struct {
		NFT struct {
			Image    string `json:"image_url"`
			Metadata string `json:"metadata_url"`
		} `json:"nft"`
	}
	if err := json.Unmarshal(nft.Body, &said); err != nil {
		t.Fatal(err)
	}
	files := content.Files(1)
	for address, file := range map[string]content.File{said.NFT.Image: files[0], said.NFT.Metadata: files[1]} {
		if address != "https://arweave.net/"+file.TX {
			t.Errorf("%q does not lead to %s, which is https://arweave.net/%s", address, file.Name, file.TX)
		}
	}
}

// TestDefaultWorldCosts holds that services cost no nodes: each chain has its builder, its reference and one for all services, whatever scenario and sample app. Only
// a provider that stands still has two more on its chain, one in each of its regions. And that each scenario which takes away every provider takes away all of them.
func TestDefaultWorldCosts(t *testing.T) {
	world := defaultWorld(t)
	apps, err := filepath.Glob("apps/*/app.yaml")
	if err != nil || len(apps) < 3 {
		t.Fatalf("apps %v, %v", apps, err)
	}
	for _, name := range apps {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		app, err := spec.ParseApp(spec.File{Name: name, Data: data}, spec.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, scenario := range scenarios.Names(spec.KindScenario) {
			data, file, err := scenarios.Read(spec.KindScenario, scenario)
			if err != nil {
				t.Fatal(err)
			}
			s, err := spec.ParseScenario(spec.File{Name: file, Data: data}, spec.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := plan.Build(plan.Input{World: world, App: app, Scenario: s, Seed: 1})
			if err != nil {
				continue // an app that a scenario has nothing for: other tests hold which
			}
			own := 0
			if scenario == "provider-stands-still" {
				own = 2
			}
			if len(p.Nodes) != 3*len(p.Chains)+own {
				t.Errorf("%s, %s: %d nodes for %d chains", name, scenario, len(p.Nodes), len(p.Chains))
			}
			if !slices.Contains([]string{"every-provider-unreachable", "addresses-replaced", "txpool-full"}, scenario) {
				continue
			}
			for _, service := range p.Services {
				if r := p.Radius(service.Name); (service.Kind == "rpc") != (r.Share == 1) {
					t.Errorf("%s, %s: %g of %s is hit", name, scenario, r.Share, service.Name)
				}
			}
		}
	}
}

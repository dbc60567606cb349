package project_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/canned"
	"blackout/harness/project"
	"blackout/harness/spec"
	"blackout/scenarios"
)

// world is the one that ships.
func world(t *testing.T) *spec.World {
	t.Helper()
	data, name, err := scenarios.Read(spec.KindWorld, "default")
	if err != nil {
		t.Fatal(err)
	}
	w, err := spec.ParseWorld(spec.File{Name: name, Data: data}, spec.Options{Folder: func(_, folder string) (files []canned.File, err error) {
		below, err := fs.Sub(scenarios.FS(), path.Join("worlds", folder))
		if err != nil {
			return nil, err
		}
		err = fs.WalkDir(below, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(below, name)
			files = append(files, canned.File{Name: name, Bytes: data})
			return err
		})
		return files, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// look makes a project of files, by name and text.
func look(files map[string]string, above ...map[string]string) *project.Project {
	var parents []fstest.MapFS
	for _, files := range append([]map[string]string{files}, above...) {
		m := fstest.MapFS{}
		for name, text := range files {
			m[name] = &fstest.MapFile{Data: []byte(text)}
		}
		parents = append(parents, m)
	}
	if len(parents) == 1 {
		return project.Look("folder", parents[0])
	}
	return project.Look("folder", parents[0], parents[1])
}

const noOne = "0x0000000000000000000000000000000000000000"

const express = `import express from 'express'
import { createPublicClient, http, formatEther } from 'viem'
const client = createPublicClient({ transport: http(process.env.RPC_URL) })
const app = express()
app.get('/health', (req, res) => res.send('ok'))
app.get('/balance/:address', async (req, res) => {
  const wei = await client.getBalance({ address: req.params.address })
  res.json({ address: req.params.address, balance: formatEther(wei) })
})
app.listen(process.env.PORT)
`

const goServer = `package main

import "net/http"

const provider = "https://mainnet.infura.io/v3/0123456789abcdef0123456789abcdef"

func main() {
	http.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {})
	http.HandleFunc("GET /api/balance/{account}", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"wei": "1"})
	})
	http.ListenAndServe(":8080", nil)
}
`

// TestPropose loads each proposal as a run would, and holds what it says.
func TestPropose(t *testing.T) {
	type app struct {
		Name     string
		Prepare  []string
		Command  []string
		Env      map[string]string
		URL      string
		Ready    string
		Request  string
		Chain    string
		Answer   string
		Scenario string
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  app
	}{
		{"express with viem", map[string]string{
			"package.json": `{"name": "@me/wallet", "scripts": {"start": "node server.js"}, "dependencies": {"viem": "^2.0.0"}}`, "server.js": express, "package-lock.json": "{}",
		}, app{
			Name: "wallet", Prepare: []string{"npm", "ci"}, Command: []string{"node", "server.js"}, Env: map[string]string{"PORT": "${instance.port}", "RPC_URL": "${service.infura.ethereum.url}"},
			URL: "http://127.0.0.1:${instance.port}", Ready: "/health", Request: "/balance/${account.address}", Answer: "$.balance ether", Scenario: "infura-unreachable",
		}},
		{"go with everything compiled in", map[string]string{"go.mod": "module example.org/teller\n", "main.go": goServer}, app{
			Name: "teller", Prepare: []string{"go", "build", "-o", ".bin/teller", "."}, Command: []string{".bin/teller"},
			URL: "http://127.0.0.1:8080", Ready: "/healthz", Request: "/api/balance/${account.address}", Answer: "$.wei wei", Scenario: "infura-unreachable",
		}},
		{"two providers, a key, a hot key, a mounted router, typescript", map[string]string{
			"package.json":      `{"name": "shop", "scripts": {"start": "tsx src/index.ts"}, "dependencies": {}}`,
			"src/index.ts":      "const { PORT, ALCHEMY_WS_URL, RPC_URL, RPC_URL_FALLBACK, INFURA_API_KEY, BASE_RPC_URL, POLYGON_RPC_URL, PRIVATE_KEY, DATABASE_URL, API_BASE_URL } = process.env\napp.use('/api', router)\napp.use('/static', express.static('x'))\n",
			"src/router.ts":     "router.get('/balance', (req, res) => {\n  const { address } = req.query\n  res.json({ data, walletBalance: x.toFixed(4), e: fromWei(b) })\n})\n",
			"src/x.test.ts":     "app.get('/balance/:address')",
			"node_modules/a.js": "app.get('/balance/:address')",
		}, app{
			Name: "shop", Command: []string{"npm", "start", "--silent"}, Env: map[string]string{
				"PORT": "${instance.port}", "ALCHEMY_WS_URL": "${service.alchemy.ethereum.ws}", "RPC_URL": "${service.infura.ethereum.url}", "RPC_URL_FALLBACK": "${service.alchemy.ethereum.url}",
				"INFURA_API_KEY": "any-key-will-do-in-a-run", "BASE_RPC_URL": "${service.alchemy.base.url}", "PRIVATE_KEY": "${payer.key}",
			},
			URL: "http://127.0.0.1:${instance.port}", Ready: "/api/balance?address=" + noOne, Request: "/api/balance?address=${account.address}", Answer: "$.walletBalance ether 4", Scenario: "infura-unreachable",
		}},
		{"only Base, compiled in, next", map[string]string{
			"package.json":                       `{"scripts": {"start": "next start", "build": "next build"}, "dependencies": {"next": "15"}}`,
			"app/api/balance/[address]/route.ts": "export async function GET() { return Response.json({ balance: wei }) }\nconst url = 'https://mainnet.base.org'\n",
		}, app{
			Name: "folder", Prepare: []string{"sh", "-c", "npm install && npm run build"}, Command: []string{"npm", "start", "--silent"}, Env: map[string]string{"PORT": "${instance.port}"},
			URL: "http://127.0.0.1:${instance.port}", Ready: "/api/balance/" + noOne, Request: "/api/balance/${account.address}", Chain: "base", Answer: "$.balance wei", Scenario: "aws-us-east-1-down",
		}},
		{"a server without a framework, as its image starts it", map[string]string{
			"Dockerfile": "FROM node AS build\nCMD [\"x\"]\nFROM node\nENV HTTP_PORT=80 IPFS_GATEWAY=\"a b\"\nEXPOSE 80\nCMD [\"node\", \"lib/a.js\", \"$HOME\"]\n",
			"lib/a.js":   "if (pathname.startsWith('/balance/')) {}\n",
		}, app{
			Name: "folder", Command: []string{"node", "lib/a.js", "$$HOME"}, Env: map[string]string{"HTTP_PORT": "${instance.port}", "IPFS_GATEWAY": "${service.ipfs-io.url}"},
			URL: "http://127.0.0.1:${instance.port}", Ready: "/balance/" + noOne, Request: "/balance/${account.address}", Answer: "$.balance wei", Scenario: "ipfs-gateway-unreachable",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := world(t)
			p := look(c.files)
			proposal := p.Propose(w)
			a, err := spec.ParseApp(spec.File{Name: "app.yaml", Data: []byte(proposal.Text)}, spec.Options{})
			if err != nil {
				t.Fatalf("%v\n%s", err, proposal.Text)
			}
			if err := spec.Check(w, a, nil); err != nil {
				t.Errorf("%v\n%s", err, proposal.Text)
			}
			if problems := spec.Unsupported(a); len(problems) > 0 || len(proposal.Todo) > 0 {
				t.Errorf("unsupported %v, to do %v", problems, proposal.Todo)
			}
			j := a.Journeys["view-balance"]
			balance := j.Answer["balance"]
			answer := balance.Path + " " + balance.Unit
			if balance.Decimals >= 0 {
				answer += fmt.Sprintf(" %d", balance.Decimals)
			}
			got := app{a.Name, a.Start.Prepare, a.Start.Command, a.Start.Env, a.URL, a.Ready.Request.Path, j.Request.Path, j.Chain, answer, proposal.Scenario}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, proposal.Text)
			}
			if n := uncommented(proposal.Text); n > 40 {
				t.Errorf("%d lines without comments", n)
			}
		})
	}
}

func uncommented(text string) (n int) {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			n++
		}
	}
	return n
}

// TestTodo holds that what could not be guessed is reported by its line.
func TestTodo(t *testing.T) {
	proposal := look(nil).Propose(world(t))
	_, err := spec.ParseApp(spec.File{Name: "app.yaml", Data: []byte(proposal.Text)}, spec.Options{})
	if err == nil || len(proposal.Todo) != 3 {
		t.Fatalf("error %v, to do %v", err, proposal.Todo)
	}
	for _, todo := range proposal.Todo {
		if at := fmt.Sprintf("app.yaml:%d:", todo.Line); !strings.Contains(err.Error(), at) {
			t.Errorf("lint does not report %s\n%v", at, err)
		}
	}
	if n := strings.Count(err.Error(), "app.yaml:"); n != 3 {
		t.Errorf("%d problems:\n%v", n, err)
	}
}

// TestNoValues holds that no value of a variable reaches anything that is said or written.
func TestNoValues(t *testing.T) {
	const value = "hunter2"
	p := look(map[string]string{
		".env":         "RPC_URL=https://hunter2.infura.io/v3/hunter2\nexport JWT_SECRET='hunter2'\nPEM=\"-----BEGIN\nHUNTER2hunter2=\nHUNTER2=hunter2\n-----END\"\nhunter2=x\nAFTER=1 # hunter2\n",
		".env.example": "OTHER=hunter2\n",
		"Dockerfile":   "FROM x\nENV A=hunter2 B=\"hunter2 HUNTER2=hunter2\" \\\n  C='hunter2 D=hunter2'\nENV E hunter2 HUNTER2=hunter2\nEXPOSE ${X:-hunter2} 80\nCMD KEY=hunter2 node x.js\n",
		"compose.yaml": "services:\n  web:\n    ports: ['80:80', '${PORT:-hunter2}:1', {target: 9, published: hunter2}]\n    environment:\n      - SOME=hunter2\n  db:\n    environment: {MORE: hunter2}\n",
		"package.json": `{"scripts": {"start": "KEY=hunter2 node x.js"}}`,
		"main.js":      "fetch('https://user:hunter2@mainnet.infura.io/v3/hunter2')",
	})
	w := world(t)
	var said strings.Builder
	p.Tell(&said, w)
	all := said.String() + p.Propose(w).Text
	if at := strings.Index(strings.ToLower(all), value); at >= 0 {
		t.Errorf("a value is said: …%s", all[max(0, at-40):])
	}
	p.Package.Start = "" // the one that is never shown: it is run by npm
	data, err := json.Marshal(p)
	if err != nil || strings.Contains(strings.ToLower(string(data)), value) {
		t.Errorf("error %v, a value is kept: %s", err, data)
	}
	var names []string
	for _, file := range p.Env {
		names = append(names, file.Names...)
	}
	if diff := cmp.Diff([]string{"RPC_URL", "JWT_SECRET", "PEM", "AFTER", "OTHER", "A", "B", "C", "E"}, append(names, p.Image.Env...)); diff != "" {
		t.Error(diff)
	}
	want := []project.ComposeService{{Name: "web", Ports: []string{"80:80", "9"}, Env: []string{"SOME"}}, {Name: "db", Env: []string{"MORE"}}}
	if diff := cmp.Diff(want, p.Compose.Services); diff != "" {
		t.Error(diff)
	}
}

// TestHosts holds which hosts are modelled, which are not, and which are no matter.
func TestHosts(t *testing.T) {
	h := look(map[string]string{"a.js": `
		'https://mainnet.infura.io/v3/x' "wss://MAINNET.infura.io/ws" 'https://eth-mainnet.alchemyapi.io' 'https://ipfs.io/ipfs/'
		'https://eth.merkle.io' "https://rpc.mychain.xyz" 'https://api.mine.com/x' // https://www.w3.org http://localhost:3000 http://10.0.0.1:80 https://x.internal
		'https://${name}.infura.io'`}).Hosts(world(t))
	var got []string
	for _, m := range h.Modelled {
		got = append(got, m.Service+" "+m.Text)
	}
	for _, m := range h.Unmodelled {
		got = append(got, "unmodelled "+m.Text)
	}
	for _, m := range h.Other {
		got = append(got, "other "+m.Text)
	}
	want := []string{"infura mainnet.infura.io", "alchemy eth-mainnet.alchemyapi.io", "ipfs-io ipfs.io", "unmodelled eth.merkle.io", "unmodelled rpc.mychain.xyz", "other api.mine.com"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestVersions holds where a library's version comes from.
func TestVersions(t *testing.T) {
	p := look(map[string]string{
		"package.json":                       `{"dependencies": {"viem": "^2.0.0", "ethers": "^6", "../x": "1", "@metamask/utils": "git+https://key@example.org/x"}, "devDependencies": {"tsx": "1"}}`,
		"node_modules/viem/package.json":     `{"version": "2.57.20"}`,
		"go.mod":                             "module m\n\nrequire github.com/a/b v1.2.3\n\nrequire (\n\tgithub.com/ethereum/go-ethereum v1.16.0\n\tgithub.com/c/d v1.0.0 // indirect\n)\n",
		"node_modules/ignored/package.json":  `{"version": "1"}`,
		"node_modules/../../x/package.json":  `{"version": "1"}`,
		"node_modules/@metamask/utils/other": ``,
	}, map[string]string{"node_modules/viem/package.json": `{"version": "1.0.0"}`, "node_modules/ethers/package.json": `{"version": "6.17.0"}`})
	want := []project.Dependency{{"../x", "1", false}, {"@metamask/utils", "", false}, {"ethers", "6.17.0", true}, {"viem", "2.57.20", true}}
	if diff := cmp.Diff(want, p.Package.Dependencies); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]project.Dependency{{"github.com/a/b", "v1.2.3", true}, {"github.com/ethereum/go-ethereum", "v1.16.0", true}}, p.Module.Requires); diff != "" {
		t.Error(diff)
	}
}

// TestBounds holds that a large folder is read in part and that it is said.
func TestBounds(t *testing.T) {
	files := map[string]string{"big.js": strings.Repeat("x", 300<<10)}
	for i := range 600 {
		files[fmt.Sprintf("f%03d.js", i)] = "// x"
	}
	p := look(files)
	if p.Source.Files != 500 || !p.Source.Cut {
		t.Errorf("%d files, cut %t", p.Source.Files, p.Source.Cut)
	}
	p = look(map[string]string{"package.json": "{", "compose.yaml": "a: [", "Dockerfile": strings.Repeat("x", 2<<20)})
	if diff := cmp.Diff([]string{"package.json: it is no JSON of the usual form", "Dockerfile: it is larger than 1024 KiB", "compose.yaml: it is no YAML of the usual form"}, p.Notes); diff != "" {
		t.Error(diff)
	}
}

// TestNotes holds that what the file could have and has not is told: containers, also as commented lines, and a journey that pays.
func TestNotes(t *testing.T) {
	pays := express + "app.post('/do', async (req, res) => { await house.sendTransaction({ to: req.body.to }) })\n"
	for name, c := range map[string]struct {
		files    map[string]string
		comments []string
		notes    []string
	}{
		"nothing":      {map[string]string{"server.js": express}, nil, nil},
		"by its code":  {map[string]string{"server.js": "app.post('/send', logIn)\n" + pays}, nil, []string{"No journey pays yet: POST /do (server.js:12) looks like one; see send-payment in Blackout's scenarios/README.md."}},
		"by its path":  {map[string]string{"server.js": express + "app.post('/v1/payments/:id', pay)\n"}, nil, []string{"No journey pays yet: POST /v1/payments/{id} (server.js:11) looks like one; see send-payment in Blackout's scenarios/README.md."}},
		"a Dockerfile": {map[string]string{"server.js": express, "Dockerfile": "FROM node\n"}, []string{"  # build: ."}, []string{"A run can start the app as a container too, by Dockerfile: see the comments in start."}},
		"both": {
			map[string]string{"server.js": express, "Dockerfile": "FROM node\n", "docker-compose.yml": "services:\n  db: {image: x}\n  web: {build: ., ports: ['80:80']}\n"},
			[]string{"  # build: .", "  # compose: docker-compose.yml", "  # service: web"}, []string{"A run can start the app as a container too, by Dockerfile or docker-compose.yml: see the comments in start."},
		},
		"one service": {
			map[string]string{"server.js": express, "compose.yaml": "services: {web: {build: .}}\n"},
			[]string{"  # compose: compose.yaml"}, []string{"A run can start the app as a container too, by compose.yaml: see the comments in start."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			proposal := look(c.files).Propose(world(t))
			var comments []string
			for line := range strings.Lines(proposal.Text) {
				if key, _, _ := strings.Cut(line, ": "); key == "  # build" || key == "  # compose" || key == "  # service" {
					comments = append(comments, strings.TrimSuffix(line, "\n"))
				}
			}
			if diff := cmp.Diff(c.comments, comments); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.notes, proposal.Notes); diff != "" {
				t.Error(diff)
			}
			if len(comments) == 0 {
				return
			}
			// In place of the command the lines make a sound file.
			var text strings.Builder
			for line := range strings.Lines(proposal.Text) {
				switch key, _, _ := strings.Cut(strings.TrimSpace(line), ":"); {
				case key == "prepare", key == "command", strings.HasPrefix(line, "  # build: ") && len(comments) > 1:
				case strings.HasPrefix(line, "  # build: "), strings.HasPrefix(line, "  # compose: "), strings.HasPrefix(line, "  # service: "):
					text.WriteString(strings.Replace(line, "# ", "", 1))
				default:
					text.WriteString(line)
				}
			}
			if _, err := spec.ParseApp(spec.File{Name: "app.yaml", Data: []byte(text.String())}, spec.Options{}); err != nil {
				t.Errorf("%v\n%s", err, text.String())
			}
		})
	}
}

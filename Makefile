# Blackout. "make help" lists what can be done.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := bin/blackout
APPS := scenarios/apps
LINT := tools/bin/golangci-lint
K6 := tools/bin/k6
GO_FILES := $(shell find cmd harness reports scenarios -name '*.go' -not -path '*/.bin/*' 2>/dev/null)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-15s %s\n", $$1, $$2}'

.PHONY: build
build: ## build bin/blackout
	go build -o $(BIN) ./cmd/blackout

PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
.PHONY: archives
archives: ## release archives for Linux and macOS in dist/release, with their SHA-256: make archives VERSION=v1.2.3
	@[[ "$(VERSION)" =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$$ ]] || { echo "VERSION is written v1.2.3" >&2; exit 2; }
	@rm -rf dist/release && mkdir -p dist/release
	@for platform in $(PLATFORMS); do \
	  name=blackout_$(VERSION)_$${platform/\//_}; mkdir dist/release/$$name; echo $$name; \
	  CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} go build -trimpath -ldflags '-s -w -X main.released=$(VERSION)' -o dist/release/$$name/blackout ./cmd/blackout; \
	  cp LICENSE NOTICE README.md CHANGELOG.md dist/release/$$name; \
	  tar -C dist/release -czf dist/release/$$name.tar.gz $$name; rm -r dist/release/$$name; \
	done
	@cd dist/release && { command -v sha256sum >/dev/null && sha256sum *.tar.gz || shasum -a 256 *.tar.gz; } > SHA256SUMS && cat SHA256SUMS

.PHONY: demo
demo: build ## the day AWS us-east-1 went down, against two wallets side by side (about two minutes)
	@$(BIN) run aws-us-east-1-down --app $(APPS)/wallet-single --app $(APPS)/wallet-resilient --parallel 2 --out runs || [ $$? -eq 1 ]

NODE_APPS := $(APPS)/node_modules/.package-lock.json
.PHONY: apps
apps: $(NODE_APPS) ## install what the sample apps in Node need, by their lock file (needs Node 18.18 or newer)

$(NODE_APPS): $(APPS)/package.json $(APPS)/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(Number(a < 18 || (a == 18 && b < 18)))' || { echo "the sample apps in Node need Node 18.18 or newer, and npm: on Debian, apt install nodejs npm" >&2; exit 1; }
	cd $(APPS) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

CARDS := wallet-single wallet-resilient viem-wallet ethers-wallet ethers-default metamask
.PHONY: scorecards
scorecards: build apps ## scorecards of six sample apps over the standard suite, in dist/scorecards, with what changed since the last (162 runs, more than an hour)
	@$(BIN) run --suite standard $(CARDS:%=--app $(APPS)/%) --parallel 4 --out runs/scorecards || [[ $$? =~ ^[13]$$ ]] # failing and inconclusive runs are told on the page
	@$(BIN) scorecard runs/scorecards --suite standard $(if $(wildcard dist/scorecards/scorecard.json),--since dist/scorecards/scorecard.json) --publish dist/scorecards

.PHONY: test
test: ## the tests that every change must pass
	go vet ./...
	go test -count=1 $(shell go list ./... | grep -v '/cmd/blackout$$')
	go test -count=1 ./cmd/blackout # whole runs, for which the machine must not be busy with the rest

.PHONY: verify
verify: lint contracts-check apps ## the longer proofs: the race detector, real runs, fuzzing
	go test -count=1 -race $(shell go list ./... | grep -vE '/harness/chain$$|/cmd/blackout$$')
	go test -count=1 -tags=verify -timeout 10m -v -run '^TestVerify' ./harness/run
	@rm -rf dist/_artifacts && mkdir -p dist
	go test -count=1 -tags=verify -timeout 75m -v -parallel $(CALIBRATE_PARALLEL) -artifacts -outputdir=dist -run '^TestVerify' ./cmd/blackout
	$(MAKE) --no-print-directory fuzz FUZZTIME=10s

.PHONY: nightly
nightly: ## 400 good days of the calibration wallet, 40 of each sample wallet, ten runs under load, both runtimes (about two hours)
	@rm -rf dist/_artifacts && mkdir -p dist
	go test -count=1 -tags=nightly -timeout 3h -v -artifacts -outputdir=dist -run '^TestNightly' ./cmd/blackout

.PHONY: runtimes
runtimes: ## every scenario with the sample wallets, on this machine and in containers, side by side (needs Docker; about half an hour)
	@mkdir -p dist
	go test -count=1 -tags=nightly -timeout 3h -v -artifacts -outputdir=dist -run '^TestNightlyRuntimes$$' ./cmd/blackout

CALIBRATE_PARALLEL ?= 6
.PHONY: calibrate
calibrate: ## take each defence of the calibration wallet away, and write down which checks speak (about 20 minutes)
	@rm -rf dist/_artifacts && mkdir -p dist
	go test -count=1 -tags=calibrate -timeout 3h -v -parallel $(CALIBRATE_PARALLEL) -artifacts -outputdir=dist -run '^TestVerifyCalibration$$' ./cmd/blackout -update -seeds=3

.PHONY: outside-check
outside-check: $(K6) ## have k6 ask the apps while runs go on, and compare what both saw (about eight minutes)
	@rm -rf dist/_artifacts && mkdir -p dist
	go test -count=1 -tags=outside -timeout 40m -v -artifacts -outputdir=dist -run '^TestOutside' ./cmd/blackout

$(K6): tools/k6/go.mod tools/k6/go.sum
	cd tools/k6 && go build -o ../bin/k6 go.k6.io/k6

FUZZTIME ?= 60s
.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME
	@tools/fuzz $(FUZZTIME)

.PHONY: bench
bench: ## speed and memory, in one run on this machine
	go test -count=1 -tags=bench -timeout 40m -v -run '^TestBench' ./cmd/blackout

.PHONY: lint
lint: $(LINT) ## gofmt, vet and golangci-lint
	@test -z "$$(gofmt -l cmd harness reports scenarios)" || { gofmt -l cmd harness reports scenarios; echo "run: gofmt -w"; exit 1; }
	$(LINT) run ./...

$(LINT): tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && go build -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

SOLC := tools/contracts/node_modules/solc
.PHONY: contracts
contracts: $(SOLC) ## compile the contracts that wallets read (needs Node), after a change of a .sol file
	node tools/contracts/compile.js

.PHONY: contracts-check
contracts-check: $(SOLC) ## hold the compiled contracts against their sources
	node tools/contracts/compile.js --check

$(SOLC): tools/contracts/package.json tools/contracts/package-lock.json
	cd tools/contracts && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: clean
clean: ## remove what was built and the runs
	rm -rf bin dist runs tools/bin tools/contracts/node_modules $(APPS)/*/.bin $(APPS)/node_modules

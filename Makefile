# Blackout. "make help" lists what can be done.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := bin/blackout
APPS := scenarios/apps
LINT := tools/bin/golangci-lint
GO_FILES := $(shell find cmd harness reports scenarios -name '*.go' -not -path '*/.bin/*' 2>/dev/null)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

.PHONY: build
build: ## build bin/blackout
	go build -o $(BIN) ./cmd/blackout

.PHONY: demo
demo: build ## the day AWS us-east-1 went down, against two wallets side by side (about two minutes)
	@$(BIN) run aws-us-east-1-down --app $(APPS)/wallet-single --app $(APPS)/wallet-resilient --parallel 2 --out runs || [ $$? -eq 1 ]

.PHONY: test
test: ## the tests that every change must pass
	go vet ./...
	go test -count=1 $(shell go list ./... | grep -v '/cmd/blackout$$')
	go test -count=1 ./cmd/blackout # whole runs, for which the machine must not be busy with the rest

.PHONY: verify
verify: lint ## the longer proofs: the race detector, real runs, fuzzing
	go test -count=1 -race $(shell go list ./... | grep -vE '/harness/chain$$|/cmd/blackout$$')
	@rm -rf dist/_artifacts && mkdir -p dist
	go test -count=1 -tags=verify -timeout 35m -v -artifacts -outputdir=dist -run '^TestVerify' ./cmd/blackout
	$(MAKE) --no-print-directory fuzz FUZZTIME=10s

.PHONY: nightly
nightly: ## NIGHTLY_RUNS (40) good days for each sample wallet (about half an hour)
	@rm -rf dist/_artifacts && mkdir -p dist
	go test -count=1 -tags=nightly -timeout 3h -v -artifacts -outputdir=dist -run '^TestNightly' ./cmd/blackout

FUZZTIME ?= 60s
.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME
	@for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' harness reports | xargs -n1 dirname | sort -u); do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z]+' $$dir/*_test.go | sed 's/func //' | sort -u); do \
	    echo "$$dir $$target"; go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) ./$$dir; \
	  done; \
	done

.PHONY: bench
bench: ## speed and memory, in one run on this machine
	go test -count=1 -tags=bench -timeout 40m -v -run '^TestBench' ./cmd/blackout

.PHONY: lint
lint: $(LINT) ## gofmt, vet and golangci-lint
	@test -z "$$(gofmt -l cmd harness reports scenarios)" || { gofmt -l cmd harness reports scenarios; echo "run: gofmt -w"; exit 1; }
	$(LINT) run ./...

$(LINT): tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && go build -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: clean
clean: ## remove what was built and the runs
	rm -rf bin dist runs tools/bin $(APPS)/*/.bin

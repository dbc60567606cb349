package spec

import (
	"strings"
	"testing"
)

const crossWorld = `schema: blackout/world/1
name: w
clouds:
  aws: {regions: [us-east-1, us-west-2]}
  operators: {shared_fate: none, regions: [op-1]}
chains: {ethereum: {id: 1, block_time: 2s}, base: {id: 8453, block_time: 1s}}
services:
  infura: {kind: rpc, hosts: {ethereum: mainnet.infura.io, base: base.infura.io}, placement: {aws/us-east-1: 100%}}
  single: {kind: rpc, hosts: {ethereum: single.example.org}, placement: {aws/us-east-1: 100%}}
  api: {kind: http, host: api.example.org, placement: {aws/us-east-1: 100%}}
  db: {kind: tcp, host: [db.example.org, db2.example.org], placement: {aws/us-east-1: 100%}, upstream: "127.0.0.1:5432"}
  inner: {kind: internal, placement: {aws/us-east-1: 100%}}
`

// TestCheck holds the text of all problems between files that are fine by themselves.
func TestCheck(t *testing.T) {
	w, err := ParseWorld(File{"world.yaml", []byte(crossWorld)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseApp(File{"app.yaml", []byte(`schema: blackout/app/1
name: wallet
start:
  command: [node, "${service.infura.ethereum.url}", "${service.single.url}", "${service.single.ethereum.ws}", "${service.api.url}"]
  env:
    A: "${service.infra.url}"
    B: "${service.infura.url}"
    C: "${service.infura.bsae.ws}"
    D: "${service.inner.url}"
    E: "${service.api.ws}"
    F: "${service.infura.base.named_ws} ${service.single.named_url} ${service.api.named_url} ${dns.address}"
    G: "${service.api.named_ws}"
    H: "${service.infura.named_url}"
    I: "${service.db.url}"
    J: "${service.api.named_address}"
    K: "${service.db.address} ${service.db.named_address}"
    L: "${service.db.named_ws}"
url: "http://127.0.0.1:${instance.port}"
ready: {request: GET /health}
instances: {aws/us-east-1: 1, aws/us-esat-1: 1}
journeys:
  view: {kind: read, chain: etherum, rate: 1/s, deadline: 2s, request: GET /}
`)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseScenario(File{"scenario.yaml", []byte(`schema: blackout/scenario/1
name: s
phases:
  - name: one
    for: 10s
    faults:
      - {fault: unreachable, target: {service: infra}}
      - {fault: unreachable, target: {region: aws/us-east-2}}
      - {fault: unreachable, target: {cloud: asw}}
      - {fault: unreachable, target: {cloud: operators}}
      - {fault: unreachable, target: {cloud: operators, service: infura}}
      - {fault: chain-halt, target: {chain: bsae}}
      - {fault: unreachable, target: {host: mainet.infura.io}}
      - {fault: unreachable, target: [{host: db2.example.org}, {host: db3.example.org}]}
      - {fault: wrong-chain, with: {chain: bsae}, target: {service: infura}}
      - {fault: unreachable, target: [{app: all, region: aws/us-wset-2}, {app: all, region: aws/us-west-2}]}
      - {fault: unreachable, target: {region: aws/us-east-1, except: {service: apii}}}
`)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = Check(w, a, s)
	if err == nil {
		t.Fatal("no problem")
	}
	golden(t, "testdata/check.golden", err.Error()+"\n")
	if err := Check(w, nil, nil); err != nil {
		t.Error(err)
	}
	if err := Check(w, nil, s); err == nil || strings.Contains(err.Error(), "app.yaml") {
		t.Errorf("without an app: %v", err)
	}
}

func TestUnsupported(t *testing.T) {
	a, err := ParseApp(file(`schema: blackout/app/1
name: wallet
start: {compose: compose.yaml, service: web}
url: "http://127.0.0.1:${instance.port}"
ready: {request: GET /health}
journeys:
  page: {kind: events, driver: browser, rate: 1/s, deadline: 2s, steps: [{goto: /}], answer: {events: {css: li}}}
  view: {kind: read, rate: 1/s, deadline: 2s, request: GET /}
  health: {kind: status, rate: 1/s, deadline: 2s, request: GET /status, answer: {status: {path: "$.s"}}, states: {fine: [ok], trouble: [down]}}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/unsupported.golden", Problems(Unsupported(a)).Error()+"\n")
	a, err = ParseApp(file(smallApp), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := Unsupported(a); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

package fault

import (
	"math"
	"testing"
)

func TestDrawFollowsTheShareAndNothingElse(t *testing.T) {
	const units = 20000
	for _, share := range []float64{0, 0.01, 0.3, 0.8, 1} {
		taken := 0
		for n := range uint64(units) {
			if Draw(7, "c1/http-status/infura", "infura", n, share) {
				taken++
			}
		}
		// Five standard deviations of a binomial.
		if off := math.Abs(float64(taken) - share*units); off > 5*math.Sqrt(share*(1-share)*units) {
			t.Errorf("share %v took %d of %d", share, taken, units)
		}
	}
	for n := range uint64(1000) {
		if Draw(7, "a", "s", n, 0.3) && !Draw(7, "a", "s", n, 0.5) {
			t.Fatalf("unit %d is taken at 30 %% and not at 50 %%", n)
		}
	}
}

func TestGripCoversAndCounts(t *testing.T) {
	g := &Grip{ID: "e", Service: "infura", Chain: "base", Regions: []string{"aws/us-east-1"}}
	g.SetShare(1)
	for _, tt := range []struct {
		region, chain string
		want          bool
	}{{"aws/us-east-1", "base", true}, {"aws/us-east-1", "", true}, {"aws/us-east-1", "ethereum", false}, {"gcp/us-central1", "base", false}} {
		if got := g.Takes(tt.region, tt.chain, 3); got != tt.want {
			t.Errorf("%s %s: %v", tt.region, tt.chain, got)
		}
	}
	select {
	case <-g.Hit():
		t.Fatal("hit before the first touch")
	default:
	}
	for _, l := range []Layer{LayerNames, LayerConnection, LayerCertificate, LayerHTTP, LayerRPC, LayerChain} {
		g.Touch(l)
	}
	<-g.Hit()
	if lookups, connections, requests := g.Counts(); lookups != 1 || connections != 2 || requests != 3 {
		t.Errorf("counted %d %d %d", lookups, connections, requests)
	}
}

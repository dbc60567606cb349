package verdict

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"blackout/harness/content"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// withFiles gives a plan with the journey picture three storage services and the files of its seed. Content is on no chain.
func withFiles(p *plan.Plan) {
	i := slices.IndexFunc(p.Journeys, func(j plan.Journey) bool { return j.Kind == kindContent })
	if i < 0 {
		return
	}
	p.Journeys[i].Chain = ""
	// No app of the stories reads Arweave, so nobody is told that it was healthy.
	for _, name := range []string{"arweave", "dweb-link", "ipfs-io"} {
		dialect := "plain"
		if name == "arweave" {
			dialect = "arweave"
		}
		p.Services = append(p.Services, plan.Service{
			Name: name, Kind: fault.KindStorage, Dialect: dialect, Hosts: []plan.Host{{Name: name + ".test"}}, Placement: []plan.Placement{{Region: "aws/us-east-1", Share: 1}},
		})
	}
	for _, f := range content.Files(p.Seed) {
		p.Content = append(p.Content, plan.Content{ID: f.ID, Name: f.Name, Type: f.Type, Bytes: len(f.Bytes), SHA256: f.SHA256})
	}
}

// file fills in what came for a file.
func (x *expander) file(a *history.Attempt, n int, g group) {
	asked := x.plan.Content[n%len(x.plan.Content)]
	a.Answer, a.Content = nil, asked.ID
	if a.Error != "" {
		return
	}
	body := g.Body
	switch name, k := call(or(g.Answer, "truth")); name {
	case "truth":
		if a.Status == 200 {
			a.SHA256 = asked.SHA256
			return
		}
	case "page":
		body = "<!DOCTYPE html>\n<title>We have moved</title>"
	case "other":
		body = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	case "file":
		a.SHA256, a.Body = x.plan.Content[(n+k)%len(x.plan.Content)].SHA256, "<svg>"
		return
	case "long":
		a.Detail, a.Body = "the answer is longer than 1048576 bytes", "xxxx"
		return
	case "unrecorded":
		return
	case "empty":
	default:
		panic("a story says " + g.Answer)
	}
	sum := sha256.Sum256([]byte(body))
	a.SHA256, a.Body = hex.EncodeToString(sum[:]), body
	if g.Declined != "" {
		a.Answer = map[string]string{"declined": g.Declined}
	}
}

// callOf gives the chain and the method of a story's calls.
func (x *expander) callOf(c storyCalls) (chain, method string) {
	i := slices.IndexFunc(x.plan.Services, func(s plan.Service) bool { return s.Name == c.Service })
	if i >= 0 && x.plan.Services[i].Kind == fault.KindStorage {
		return "", or(c.Method, "GET")
	}
	return storyNet, or(c.Method, "eth_getBalance")
}

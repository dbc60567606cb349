package plan

import (
	"slices"

	"blackout/harness/clock"
)

// Radius is how much of a service or a chain is hit at its worst moment, when that begins, and by which faults.
type Radius struct {
	Share  float64 // of its units, in [0, 1]; 0: it is healthy
	At     clock.Micros
	Faults []string
}

// Radius gives how much of a service is hit at its worst moment. Where effects overlap a unit may escape one and be hit by another: their draws are independent,
// so what escapes is the product of what each lets go.
func (p *Plan) Radius(service string) Radius {
	i := slices.IndexFunc(p.Services, func(s Service) bool { return s.Name == service })
	if i < 0 {
		return Radius{}
	}
	chains := []string{}
	for _, h := range p.Services[i].Hosts {
		chains = append(chains, h.Chain)
	}
	if len(chains) == 0 {
		chains = []string{""}
	}
	var worst Radius
	for _, chain := range chains {
		hits := p.effectsWhere(func(e Effect) bool { return e.Service == service && (e.Chain == "" || e.Chain == chain) })
		if r := worstOf(hits, p.Services[i].Placement); r.Share > worst.Share {
			worst = r
		}
	}
	return worst
}

func (p *Plan) chainRadius(chain string) Radius {
	return worstOf(p.effectsWhere(func(e Effect) bool { return e.Service == "" && e.Chain == chain }), []Placement{{Share: 1}})
}

func (p *Plan) effectsWhere(keep func(Effect) bool) []Effect {
	var list []Effect
	for _, e := range p.Effects {
		if keep(e) {
			list = append(list, e)
		}
	}
	return list
}

func worstOf(effects []Effect, placement []Placement) Radius {
	var moments []clock.Micros
	for _, e := range effects {
		for _, s := range e.Steps {
			moments = append(moments, s.At)
		}
	}
	slices.Sort(moments)
	var worst Radius
	for _, at := range slices.Compact(moments) {
		now := Radius{At: at}
		for _, place := range placement {
			escapes := 1.0
			for _, e := range effects {
				share := e.shareAt(at)
				if share == 0 || len(e.Regions) > 0 && !slices.Contains(e.Regions, place.Region) {
					continue
				}
				escapes *= 1 - share
				if !slices.Contains(now.Faults, e.Fault) {
					now.Faults = append(now.Faults, e.Fault)
				}
			}
			now.Share += place.Share * (1 - escapes)
		}
		if now.Share = round(now.Share); now.Share > worst.Share {
			worst = now
		}
	}
	return worst
}

func (e Effect) shareAt(at clock.Micros) float64 {
	if at < e.From || at >= e.To {
		return 0
	}
	share := 0.0
	for _, s := range e.Steps {
		if s.At > at {
			break
		}
		share = s.Share
	}
	return share
}

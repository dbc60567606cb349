package verdict

// Together is the findings of one check on one journey, for people: ten users who were shown the same zero are one thing to read about.
type Together struct {
	Check, Journey string
	Class          Class
	Count          int     // attempts
	FirstAtS       float64 // of the earliest
	LastAtS        float64
	Findings       []Finding // in their order
}

// Group puts findings together by check, class and journey, in the order in which each first appears.
func Group(findings []Finding) []Together {
	type key struct {
		check, journey string
		class          Class
	}
	at := map[key]int{}
	var groups []Together
	for _, f := range findings {
		k := key{f.Check, f.Journey, f.Class}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, Together{Check: f.Check, Journey: f.Journey, Class: f.Class, FirstAtS: f.FirstAtS, LastAtS: f.LastAtS})
		}
		g := &groups[i]
		g.Count += f.Count
		g.FirstAtS, g.LastAtS = min(g.FirstAtS, f.FirstAtS), max(g.LastAtS, f.LastAtS)
		g.Findings = append(g.Findings, f)
	}
	return groups
}

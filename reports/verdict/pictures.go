package verdict

// Picture is what a browser showed right after an attempt had ended: one of each phase, of the baseline and of the end.
type Picture struct {
	Journey string `json:"journey"`
	Phase   string `json:"phase"` // the phase's name, or baseline or after
	Attempt string `json:"attempt"`
	Class   Class  `json:"class"` // the attempt's
	File    string `json:"file"`  // a PNG in the run's folder, with forward slashes
}

// pictures are those of attempts that were judged.
func (e *evidence) pictures() []Picture {
	if len(e.h.Pictures) == 0 {
		return nil
	}
	classes := map[string]Class{}
	for _, a := range e.attempts {
		classes[a.id()] = a.class
	}
	var out []Picture
	for _, p := range e.h.Pictures {
		if class, ok := classes[p.Attempt]; ok {
			out = append(out, Picture{Journey: p.Journey, Phase: p.Phase, Attempt: p.Attempt, Class: class, File: p.File})
		}
	}
	return out
}

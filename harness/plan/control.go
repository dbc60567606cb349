package plan

// withoutFaults turns a plan into that of its control: the same timeline, load and world, and nothing fails. Windows, nodes and links stay as the faults would have
// had them, so that what the two runs differ in is the faults alone: a service that is reached through a link in the run is reached through one in its control. With
// nothing broken every app can be ok all the time, and no node is held back, so each tells what could be known.
func (p *Plan) withoutFaults() {
	p.Control = true
	p.Causes, p.Effects, p.Skipped = []Cause{}, []Effect{}, nil
	for i := range p.Nodes {
		p.Nodes[i].Touched = false
	}
	for i := range p.Journeys {
		p.Journeys[i].Best = []Best{{From: 0, Class: classes[0]}}
	}
}

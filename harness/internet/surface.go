package internet

import (
	"errors"
	"fmt"
	"time"

	"blackout/harness/fault"
)

var _ fault.Surface = (*Internet)(nil)

func (i *Internet) service(name string) (*service, error) {
	s, ok := i.services[name]
	if !ok {
		return nil, fmt.Errorf("the plan has no service %q", name)
	}
	return s, nil
}

// Link is the connection layer in front of a service. It fails for a service whose connections no fault of the plan touches: that one has none.
func (i *Internet) Link(name string) (fault.Link, error) {
	s, err := i.service(name)
	if err != nil {
		return nil, err
	}
	if s.link == nil {
		return nil, fmt.Errorf("service %s has no link: the plan has no connection fault for it", name)
	}
	return s.link, nil
}

// Gateway is the front door of a service.
func (i *Internet) Gateway(name string) (fault.Gateway, error) {
	s, err := i.service(name)
	if err != nil {
		return nil, err
	}
	return s.gateway, nil
}

// Certificates is what a service shows in TLS handshakes. It fails where services are reached without TLS.
func (i *Internet) Certificates(name string) (fault.Certificates, error) {
	s, err := i.service(name)
	if err != nil {
		return nil, err
	}
	if s.front == nil {
		return nil, fmt.Errorf("service %s shows no certificate: TLS is spoken in a private network only", name)
	}
	return s.front, nil
}

// Chain is the conductor of a chain.
func (i *Internet) Chain(name string) (fault.Chain, error) { return i.cfg.Chain(name) }

// App is the instances of the app.
func (i *Internet) App() (fault.App, error) {
	if i.cfg.App == nil {
		return nil, errors.New("the run has no app")
	}
	return i.cfg.App()
}

// Requests is how many requests of the app a service has had; 0 for one that is not in the plan.
func (i *Internet) Requests(name string) int64 {
	if s, ok := i.services[name]; ok {
		return s.gateway.Requests()
	}
	return 0
}

// Opened is how many connections the app has opened to a service, probes not included; 0 for one that is not in the plan.
func (i *Internet) Opened(name string) int64 {
	s, ok := i.services[name]
	switch {
	case !ok:
		return 0
	case s.link != nil:
		return s.link.Opened()
	default:
		return s.gateway.Opened()
	}
}

// Handshakes is how many handshakes of TLS the app has begun with a service, probes not included; 0 where TLS is not spoken, and for one that is not in the plan.
func (i *Internet) Handshakes(name string) int64 {
	if s, ok := i.services[name]; ok && s.front != nil {
		return s.front.Handshakes()
	}
	return 0
}

// BeginBaseline remembers the requests so far, which Arm leaves out: what an app sends while it starts is not its usual rate.
func (i *Internet) BeginBaseline() {
	marked := make(map[string]int64, len(i.services))
	for name, s := range i.services {
		marked[name] = s.gateway.Requests()
	}
	i.mu.Lock()
	i.marked = marked
	i.mu.Unlock()
}

// Arm starts the services' capacity at the end of a baseline of the given length, from the rate that the app has shown in it: of each kind, the requests to all
// services together, since the app may bring all of it to one when the others fail.
func (i *Internet) Arm(baseline time.Duration) {
	i.mu.Lock()
	marked := i.marked
	i.mu.Unlock()
	requests := map[string]int64{}
	for name, s := range i.services {
		requests[s.plan.Kind] += s.gateway.Requests() - marked[name]
	}
	for _, s := range i.services {
		rps := 0.0
		if baseline > 0 {
			rps = float64(requests[s.plan.Kind]) / baseline.Seconds()
		}
		s.gateway.Arm(rps)
	}
}

package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"blackout/harness/plan"
	"blackout/harness/spec"
)

// Instance is one running copy of the app.
type Instance struct {
	Name   string // fit for a file name: "aws-us-east-1-0"
	Region string // "cloud/region", or "" when it is placed nowhere
	Index  int    // over all instances, from 0: session i uses instance i mod n
	Port   int    // on the loopback interface, for ${instance.port}
	Dir    string // an own scratch folder

	hold net.Listener // keeps Port until the instance starts; nil when nothing keeps it
}

// Release gives the instance's port back. Start does it for the instances that it is given; it is needed only when Start is never called. Calling it again does nothing.
func (i Instance) Release() {
	if i.hold != nil {
		_ = i.hold.Close() // a second Close says that it is closed already
	}
}

// Plan lays out the instances of an app: as the plan has them, with a free loopback port and a scratch folder each. The ports are held until Start runs the
// instances, so that no other program takes them in between; call Release on each instance if Start is not called.
//
// An app that runs already (start.url) has one instance, whose port is the address's. elsewhere says that the instances run on another machine than this one.
func Plan(a *spec.App, scratch string, elsewhere bool) ([]Instance, error) {
	if err := supported(a, elsewhere); err != nil {
		return nil, err
	}
	for region, count := range a.Instances {
		if count < 0 {
			return nil, fmt.Errorf("instances: %s: %d instances", region, count)
		}
	}
	planned := plan.Instances(a)
	if len(planned) == 0 {
		return nil, fmt.Errorf("instances: an app needs one at least")
	}
	if a.Start.URL != "" {
		return planRunning(a, planned)
	}
	var instances []Instance
	for _, p := range planned {
		i, err := newInstance(p, len(instances), scratch)
		if err != nil {
			for _, earlier := range instances {
				earlier.Release()
			}
			return nil, err
		}
		instances = append(instances, i)
	}
	return instances, nil
}

func newInstance(p plan.Instance, index int, scratch string) (Instance, error) {
	i := Instance{Name: p.Name, Region: p.Region, Index: index}
	i.Dir = filepath.Join(scratch, i.Name)
	if err := os.MkdirAll(i.Dir, 0o700); err != nil {
		return Instance{}, fmt.Errorf("instance %s: scratch folder: %w", i.Name, err)
	}
	hold, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return Instance{}, fmt.Errorf("instance %s: no free loopback port: %w", i.Name, err)
	}
	i.hold, i.Port = hold, hold.Addr().(*net.TCPAddr).Port
	return i, nil
}

func planRunning(a *spec.App, planned []plan.Instance) ([]Instance, error) {
	if len(planned) > 1 {
		return nil, fmt.Errorf("start.url is one app that runs already: instances says %d; let it start the app (start.command) to have more than one", len(planned))
	}
	u, err := loopbackURL("start.url", a.Start.URL)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portOf(u))
	if err != nil {
		return nil, fmt.Errorf("start.url: port of %s: %w", u.Redacted(), err)
	}
	return []Instance{{Name: planned[0].Name, Region: planned[0].Region, Port: port}}, nil
}

// supported refuses the ways to start an app that belong to another runtime.
func supported(a *spec.App, elsewhere bool) error {
	contained := a.Start.Contained()
	switch {
	case contained != "" && !elsewhere:
		return fmt.Errorf("start.%s starts containers, and this run has none: use --runtime docker", contained)
	case contained == "" && elsewhere:
		return errors.New("a run in containers starts the app by start.image, start.build or start.compose: a program or an address of this machine is not reached from there")
	case contained == "" && len(a.Start.Command) == 0 && a.Start.URL == "":
		return errors.New("start: neither command nor url is set: say how the app starts")
	}
	return nil
}

// loopbackURL parses an address of the app and refuses any that is not on this machine: a run must never send traffic elsewhere.
func loopbackURL(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: not a URL", what)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s: %q is not http or https", what, u.Scheme)
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s: %q is not a loopback address: an app under test runs on this machine, at 127.0.0.1", what, host)
	}
	return u, nil
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

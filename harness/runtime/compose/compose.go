// Package compose reads a compose file into what a cell in containers starts: the app's service, and those that come along with it. It starts nothing.
//
//	compose.yaml, .env, env_file ──compose-go──▶ refused, with the service, key and line ──▶ before the app, the app, after it
package compose

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

// Source says what to read.
type Source struct {
	Path string // of the file, absolute
	Name string // what messages call it
	// Service is the app's. It may be empty where the file has one only.
	Service string
	// Environ are the variables of the file, as NAME=value. A file .env beside it has those that are missing.
	Environ []string
}

// File is a compose file as a cell uses it. All lists are in the order in which things start.
type File struct {
	App *Service
	// Before start before the app's instances, After once these take requests: they depend on the app.
	Before, After []*Service
	// Volumes are the named volumes that the services use.
	Volumes []string
}

// Service is one service. Empty fields are as the image has them.
type Service struct {
	Name  string
	Image string
	Build *Build // nil: Image is used as it is
	// Entrypoint and Command that are there and empty take those of the image away.
	Entrypoint, Command []string
	Env                 map[string]string
	User, WorkingDir    string
	Hostname            string
	Aliases             []string // names beside its own by which it is found
	StopSignal, Restart string
	Init                *bool
	ReadOnly, TTY       bool
	NoNewPrivileges     bool
	ShmSize             int64 // bytes; 0 for the engine's
	CapAdd, CapDrop     []string
	GroupAdd            []string
	Sysctls             map[string]string
	ExtraHosts          []string // name:address
	Ulimits             []Ulimit
	Tmpfs               map[string]string // options by path
	Mounts              []Mount
	Health              *Health // nil: the image's
	Needs               []Need
	// Files are secrets and configs, by absolute path.
	Files map[string][]byte
}

// Build makes a service's image by a Dockerfile.
type Build struct {
	Context    string // absolute
	Dockerfile string // below it
	Target     string
	Args       map[string]*string
	NoCache    bool
}

// Ulimit is a limit of processes.
type Ulimit struct {
	Name       string
	Soft, Hard int64
}

// Kinds of mounts.
const (
	Bind   = types.VolumeTypeBind
	Volume = types.VolumeTypeVolume
	Tmpfs  = types.VolumeTypeTmpfs
)

// Mount is what a service sees at a path.
type Mount struct {
	Kind     string
	Source   string // an absolute path, or a name of File.Volumes; "" for a volume that goes with the container
	Target   string
	ReadOnly bool
	Options  string // of Bind: what the engine takes beside ro, as "z" for SELinux
	NoCopy   bool   // of Volume: leave out what the image has there
	Size     int64  // of Tmpfs, in bytes; 0 for no limit
	Mode     uint32 // of Tmpfs; 0 for the engine's
}

// Health is how the engine finds out whether a service is well. Zero fields are the engine's.
type Health struct {
	Test                                          []string
	Interval, Timeout, StartPeriod, StartInterval time.Duration
	Retries                                       int
}

// What one service may wait for of another.
const (
	Started   = types.ServiceConditionStarted
	Healthy   = types.ServiceConditionHealthy
	Completed = types.ServiceConditionCompletedSuccessfully
)

// Need is another service that has to be there first.
type Need struct {
	Service, Condition string
	// Optional has a condition that is not met pass.
	Optional bool
}

// NoService says that the app's service is not known. Known are the services that there are.
type NoService struct {
	File, Service string
	Known         []string
}

func (e *NoService) Error() string {
	if e.Service == "" {
		return fmt.Sprintf("%s has %d services: start.service has to say which is the app (%s)", e.File, len(e.Known), strings.Join(e.Known, ", "))
	}
	return fmt.Sprintf("%s has no service %q (it has %s)", e.File, e.Service, strings.Join(e.Known, ", "))
}

// Read reads a compose file as Docker Compose does that is given it with --file. Errors name the service, the key and, where it is in this file, the line of each thing
// that a cell cannot do; *NoService says which services there are.
func Read(ctx context.Context, src Source) (*File, error) {
	logrus.SetOutput(io.Discard) // compose-go's way to say that a variable is not set, which is blank then
	at, err := readLines(src)
	if err != nil {
		return nil, err
	}
	project, err := load(ctx, src)
	if err != nil {
		return nil, err
	}
	known := slices.Sorted(maps.Keys(project.Services))
	name := src.Service
	if name == "" && len(known) == 1 {
		name = known[0]
	}
	if _, ok := project.Services[name]; !ok {
		return nil, &NoService{src.Name, name, known}
	}
	r := &reader{project: project, at: at, all: map[string]*Service{}}
	for _, one := range known {
		r.all[one] = r.service(project.Services[one])
	}
	r.links()
	f := r.order(name, known)
	if err := all(r.problems); err != nil {
		return nil, err
	}
	return f, nil
}

// load has compose-go read the file. The services of a profile are there when the profile is asked for (COMPOSE_PROFILES), or one of them is the app.
func load(ctx context.Context, src Source) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{src.Path}, cli.WithWorkingDirectory(filepath.Dir(src.Path)), cli.WithName("blackout"),
		cli.WithEnv(src.Environ), cli.WithEnvFiles(), cli.WithDotEnv, cli.WithDefaultProfiles())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.Name, err)
	}
	project, err := options.LoadProject(ctx)
	if err == nil && src.Service != "" {
		if _, off := project.DisabledServices[src.Service]; off {
			if project, err = project.WithServicesEnabled(src.Service); err == nil {
				project, err = project.WithServicesEnvironmentResolved(true)
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s", src.Name, strings.ReplaceAll(err.Error(), src.Path, "it"))
	}
	return project, nil
}

// reader makes services of what compose-go has read, and keeps what a cell cannot do.
type reader struct {
	project  *types.Project
	at       lines
	all      map[string]*Service
	problems []problem
}

// refuse keeps a problem with a key of the file.
func (r *reader) refuse(why string, path ...string) {
	where := strings.Join(path, ".")
	if path[0] == "services" {
		where = "service " + path[1] + ": " + strings.Join(path[2:], ".")
	}
	r.problems = append(r.problems, r.at.problem(path, where+": "+why))
}

// order sorts what comes before the app from what comes after it, each in the order of what they need.
func (r *reader) order(app string, names []string) *File {
	f := &File{App: r.all[app]}
	after := map[string]bool{app: true}
	var sorted []*Service
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		s := r.all[name]
		if s == nil || seen[name] {
			return // one that is not there is not required; compose-go refuses circles
		}
		seen[name] = true
		for _, n := range s.Needs {
			if visit(n.Service); after[n.Service] {
				after[name] = true
				if n.Service == app && n.Condition == Completed {
					r.refuse("it waits for the end of the app, which goes on as long as the run", "services", name, "depends_on", app)
				}
			}
		}
		sorted = append(sorted, s)
	}
	volumes := map[string]bool{}
	for _, name := range names {
		visit(name)
	}
	for _, s := range sorted {
		for _, m := range s.Mounts {
			if m.Kind == Volume && m.Source != "" {
				volumes[m.Source] = true
			}
		}
		switch {
		case s == f.App:
		case after[s.Name]:
			f.After = append(f.After, s)
		default:
			f.Before = append(f.Before, s)
		}
	}
	f.Volumes = slices.Sorted(maps.Keys(volumes))
	return f
}

// All are all services, the app's among them.
func (f *File) All() []*Service { return slices.Concat(f.Before, []*Service{f.App}, f.After) }

// Names are all names by which the services are found.
func (f *File) Names() []string {
	var all []string
	for _, s := range f.All() {
		all = append(append(all, s.Name), s.Aliases...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Service is a service by its name; nil for one that is not there.
func (f *File) Service(name string) *Service {
	for _, s := range f.All() {
		if s.Name == name {
			return s
		}
	}
	return nil
}

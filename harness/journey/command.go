package journey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"blackout/harness/spec"
)

// Commands runs the programs of journeys with the driver exec.
type Commands interface {
	// Run runs argv with the declared environment and PATH, HOME and LANG, in the folder of the app file and in a process group of its own, of which nothing is left when
	// it returns: when the program has ended, or when ctx has. stdout has at most limit bytes, and one more when there was more; stderr has the last. An error means that it
	// did not start, or was ended by a signal.
	Run(ctx context.Context, argv []string, declared map[string]string, limit int) (code int, stdout, stderr []byte, err error)
}

// program is a command with variables.
type program struct {
	argv []string
	env  map[string]string
	uses map[string]bool // the variables in it
}

// compileCommand checks that known knows each variable of a command.
func compileCommand(argv []string, env map[string]string, known func(name string) bool) (*program, error) {
	if len(argv) == 0 || argv[0] == "" {
		return nil, errors.New("the command is empty")
	}
	c := &program{argv: argv, env: env, uses: map[string]bool{}}
	_, _, err := c.expand(func(name string) (string, bool) {
		c.uses[name] = true
		return "1", known(name)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// expand gives one attempt's command and environment. Nothing is escaped: no shell reads them.
func (c *program) expand(vars lookup) (argv []string, env map[string]string, err error) {
	argv = make([]string, len(c.argv))
	for i, word := range c.argv {
		if argv[i], err = spec.Expand(word, vars); err != nil {
			return nil, nil, fmt.Errorf("command: %w", err)
		}
	}
	env = make(map[string]string, len(c.env))
	for name, text := range c.env {
		if env[name], err = spec.Expand(text, vars); err != nil {
			return nil, nil, fmt.Errorf("env.%s: %w", name, err)
		}
	}
	return argv, env, nil
}

// prepare makes a command ready to run.
func (c *program) prepare(ctx context.Context, r *Runner, s *session, vars lookup) (func() (reply, error), error) {
	argv, env, err := c.expand(func(name string) (string, bool) {
		if name == appURL {
			return r.cfg.URL(s.index), true
		}
		if value, ok := vars(name); ok {
			return value, true
		}
		return r.ofWorld(name)
	})
	if err != nil {
		return nil, err
	}
	return func() (reply, error) {
		code, stdout, stderr, err := r.cfg.Commands.Run(ctx, argv, env, maxBody)
		if err != nil {
			return reply{body: stdout}, err
		}
		return ofProgram(code, stdout, stderr)
	}, nil
}

// ofProgram reads a program's end as an answer in the words of HTTP, which the verdict knows: exit status 0 is a 200. Any other is a 500, a no in the program's own word,
// told in the detail; what it wrote to its standard error is then part of what the user saw.
func ofProgram(code int, stdout, stderr []byte) (reply, error) {
	rep := reply{status: http.StatusOK, body: stdout}
	var err error
	if len(rep.body) > maxBody {
		rep.body, err = rep.body[:maxBody], errTooLong
	}
	if code != 0 {
		rep.status, rep.detail, rep.aside = http.StatusInternalServerError, fmt.Sprintf("exit status %d", code), stderr
	}
	return rep, err
}

// appURL is the variable of the address of a session's instance.
const appURL = "app.url"

// needs reports whether the command uses a variable for which have is false.
func (c *program) needs(have func(name string) bool) bool {
	for name := range maps.Keys(c.uses) {
		if !have(name) {
			return true
		}
	}
	return false
}

// ofWorld gives a variable that says where services are.
func (r *Runner) ofWorld(name string) (string, bool) {
	if r.cfg.Services == nil || !strings.HasPrefix(name, "service.") && !strings.HasPrefix(name, "dns.") {
		return "", false
	}
	return r.cfg.Services(name)
}

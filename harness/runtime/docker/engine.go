package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// Hint says what to do where there is no engine.
const Hint = "install Docker Engine 20.10 or newer (on Debian: apt install docker.io) and start it, or set DOCKER_HOST"

// Advice says what to do about an error of Connect.
func Advice(err error) string {
	if strings.Contains(err.Error(), "permission denied") {
		return "add yourself to the group docker (sudo usermod -aG docker $USER) and log in again"
	}
	return Hint
}

// leastAPI is the engine's API of Docker 20.10.
var leastAPI = [2]int{1, 41}

// Engine is a container engine on this machine.
type Engine struct {
	// Version and API are what the engine says of itself: "20.10.24", "1.41".
	Version, API string

	provider *testcontainers.DockerProvider
	client   client.APIClient
	create   func(context.Context, testcontainers.GenericContainerRequest) (testcontainers.Container, error)
	building chan struct{} // has room for the one that builds an image: cells need the same ones
}

// answering is how long an engine may take to answer at all.
const answering = 10 * time.Second

// Connect finds the engine, where testcontainers and the docker command do. One that DOCKER_HOST names and that is not there is an error: no other is taken.
func Connect(ctx context.Context) (*Engine, error) {
	// Its reaper is an image that may not be had, and Sweep does what it would. A file /.dockerenv would have it take this machine for a container.
	for name, value := range map[string]string{"TESTCONTAINERS_RYUK_DISABLED": "true", "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1"} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	log.SetDefault(log.NewNoopLogger())
	ctx, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	provider, err := find(ctx)
	if err != nil {
		return nil, fmt.Errorf("no container engine: %w", firstLine(err))
	}
	e := &Engine{provider: provider, client: provider.Client(), create: testcontainers.GenericContainer, building: make(chan struct{}, 1)}
	v, err := e.client.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the container engine does not answer: %w", firstLine(err)), e.Close())
	}
	e.Version, e.API = v.Version, v.APIVersion
	if !recent(e.API) {
		return nil, errors.Join(fmt.Errorf("the container engine %s is too old: it speaks API %s, and %d.%d is needed", e.Version, e.API, leastAPI[0], leastAPI[1]), e.Close())
	}
	// Where there is none, testcontainers makes another and connects every container to it: a way out.
	if _, err := e.client.NetworkInspect(ctx, "bridge", client.NetworkInspectOptions{}); err != nil {
		return nil, errors.Join(fmt.Errorf("the container engine has no network called bridge, as it has by itself: %w", firstLine(err)), e.Close())
	}
	return e, nil
}

// find is testcontainers' search. That heeds no context, and where the engine of DOCKER_HOST is gone it would take another.
func find(ctx context.Context) (*testcontainers.DockerProvider, error) {
	if named := os.Getenv(client.EnvOverrideHost); named != "" {
		c, err := client.New(client.FromEnv)
		if err != nil {
			return nil, fmt.Errorf("DOCKER_HOST: %w", err)
		}
		_, err = c.Ping(ctx, client.PingOptions{})
		if err = errors.Join(err, c.Close()); err != nil {
			return nil, fmt.Errorf("DOCKER_HOST is %s: %w", named, err)
		}
	}
	type found struct {
		provider *testcontainers.DockerProvider
		err      error
	}
	result := make(chan found, 1)
	go func() {
		provider, err := testcontainers.NewDockerProvider()
		result <- found{provider, err}
	}()
	select {
	case f := <-result:
		return f.provider, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("it does not answer: %w", ctx.Err())
	}
}

// recent reports whether an API version, such as 1.41, is one that this package can use.
func recent(api string) bool {
	var v [2]int
	_, err := fmt.Sscanf(api, "%d.%d", &v[0], &v[1])
	return err == nil && slices.Compare(v[:], leastAPI[:]) >= 0
}

// Close ends the connection. What the engine runs goes on.
func (e *Engine) Close() error { return e.provider.Close() }

// firstLine is an error without what libraries explain at length.
func firstLine(err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(line)
}

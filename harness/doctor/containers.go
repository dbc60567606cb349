package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"blackout/harness/clock"
	"blackout/harness/runtime/docker"
)

const (
	// engineAnswers is how long a container engine may take to answer at all, and engineTries how long to do what a cell needs, an image included.
	engineAnswers = 3 * time.Second
	engineTries   = time.Minute
	// leastRoom is the space, in bytes, below which the images of an app may not find room.
	leastRoom = 2 << 30
)

// forContainers begins what is to be done where there is no engine that will do.
const forContainers = "only apps that start as containers need it: "

// containers tries what a cell in containers is made of. It leaves the image of the internet behind, which runs of this program take.
func containers(ctx context.Context, k clock.Clock, scratch string, self Self) (c Check) {
	c = Check{Name: "containers", Optional: true}
	engine, err := reach(ctx)
	if err != nil {
		c.Err, c.Hint = err, forContainers+docker.Advice(err)
		return c
	}
	defer func() { c.Err = errors.Join(c.Err, engine.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, engineTries)
	defer cancel()
	free, folder, known := engine.Room(ctx)
	if known && free < leastRoom {
		c.Hint = fmt.Sprintf("%s has %.1f GiB left, and images need room: remove what is not used (blackout images remove --old, docker system prune)", folder, gib(free))
	}
	made := k.Now()
	image, err := engine.BuildInternet(ctx, self.Executable)
	if err != nil {
		c.Err, c.Hint = err, cannot(c.Hint)
		return c
	}
	tried := k.Now()
	if err := engine.Try(ctx, image, scratch, self.Inhabit...); err != nil {
		c.Err, c.Hint = fmt.Errorf("engine %s: %w", engine.Version, err), cannot(c.Hint)
		return c
	}
	ended := k.Now()
	c.Found = fmt.Sprintf("engine %s, API %s: a network and a container that takes it over came and went in %s", engine.Version, engine.API, rounded(ended-tried))
	if image := tried - made; image > clock.Of(time.Second) {
		c.Found += fmt.Sprintf(", after its image was made in %s", rounded(image))
	}
	if known {
		c.Found += fmt.Sprintf("; %.1f GiB free", gib(free))
	}
	return c
}

// reach connects to the engine, in a bounded time.
func reach(ctx context.Context) (*docker.Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, engineAnswers)
	defer cancel()
	return docker.Connect(ctx)
}

// cannot is what to do where the engine cannot do what a cell needs. A disk that is full is the first thing to look at.
func cannot(room string) string {
	if room != "" {
		return room
	}
	return forContainers + "please report this with the text above, and what \"docker info\" says"
}

func gib(bytes uint64) float64 { return float64(bytes) / (1 << 30) }

func rounded(m clock.Micros) time.Duration { return m.Duration().Round(10 * time.Millisecond) }

package docker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"blackout/harness/runtime/compose"
)

// patience is how long a service may take to be what another needs of it; longer where its own health check takes longer to fail.
const patience = 2 * time.Minute

// pollService is the pause between two looks at a service.
const pollService = 100 * time.Millisecond

// await waits until what a service needs is there. The error names who did not come to be what, and has its last lines.
func (c *Cell) await(ctx context.Context, s *services, one *compose.Service) error {
	for _, n := range one.Needs {
		made := c.service(s, n.Service)
		if made == nil || n.Condition == compose.Started {
			continue // what comes before the app was started before this one; the app takes requests when what needs it starts
		}
		within, terminal := patience, false
		if of := s.file.Service(n.Service); of != nil {
			within, terminal = max(patience, failing(of.Health)), of.TTY
		}
		if err := c.become(ctx, made.GetContainerID(), n.Condition, within); err != nil && !n.Optional {
			return fmt.Errorf("service %s, which %s waits for: %w%s", n.Service, one.Name, err, c.lastLines(ctx, made.GetContainerID(), terminal))
		}
	}
	return nil
}

// failing is how long a health check takes until it says that a service is not well. What the file leaves to the engine counts with its defaults.
func failing(h *compose.Health) time.Duration {
	if h == nil {
		return 0
	}
	interval, timeout, retries := h.Interval, h.Timeout, h.Retries
	if interval == 0 {
		interval = 30 * time.Second
	}
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	if retries == 0 {
		retries = 3
	}
	return h.StartPeriod + time.Duration(retries+1)*(interval+timeout)
}

// become waits until a container meets a condition.
func (c *Cell) become(ctx context.Context, id, condition string, within time.Duration) error {
	late := time.NewTimer(within)
	defer late.Stop()
	look := time.NewTicker(pollService)
	defer look.Stop()
	for {
		seen, err := c.engine.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		if err != nil {
			return firstLine(err)
		}
		if met, err := meets(seen.Container.State, condition); met || err != nil {
			return err
		}
		select {
		case <-look.C:
		case <-late.C:
			return fmt.Errorf("it is not %s after %s", strings.TrimPrefix(condition, "service_"), within)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// meets says whether a container meets a condition by now. The error says that it will not.
func meets(now *container.State, condition string) (bool, error) {
	ended := !now.Running && !now.Restarting && now.Status != container.StateCreated
	switch {
	case condition == compose.Completed && ended && now.ExitCode == 0:
		return true, nil
	case ended:
		return false, fmt.Errorf("it ended with exit status %d", now.ExitCode)
	case condition == compose.Completed:
		return false, nil
	case now.Health == nil || now.Health.Status == container.NoHealthcheck:
		return false, fmt.Errorf("it has no health check, neither in the file nor in its image")
	case now.Health.Status == container.Unhealthy:
		return false, fmt.Errorf("it is not healthy: its check failed %d times%s", now.Health.FailingStreak, lastCheck(now.Health))
	}
	return now.Health.Status == container.Healthy, nil
}

// lastCheck is what the last check printed.
func lastCheck(h *container.Health) string {
	if len(h.Log) == 0 {
		return ""
	}
	said := strings.TrimSpace(h.Log[len(h.Log)-1].Output)
	if said == "" {
		return ""
	}
	return " (" + said + ")"
}

// lastLines are the last that a container printed, for an error, which may be that ctx has ended.
func (c *Cell) lastLines(ctx context.Context, id string, terminal bool) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answering)
	defer cancel()
	logs, err := c.engine.client.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "10"})
	if err != nil {
		return "; what it printed cannot be read: " + firstLine(err).Error()
	}
	defer logs.Close()
	var text strings.Builder
	if err := copyLogs(&text, logs, terminal); err != nil {
		return "; what it printed cannot be read: " + firstLine(err).Error()
	}
	said := strings.TrimSpace(text.String())
	if said == "" {
		return "; it printed nothing"
	}
	return "; its last lines:\n" + said
}

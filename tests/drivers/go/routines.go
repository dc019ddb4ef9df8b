package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync/atomic"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// counters are kept by the routines themselves, before their answers leave.
type counters struct {
	started, finished, cancelled, cleaned, yielded atomic.Int64
	// blocked holds those that wait for conf.unblock.
	blocked blocker
	// held are those that wait for conf.letgo.
	held holder
	// keys are the credentials of the process.
	keys keyring
}

// body counts a routine that begins; the function that it returns counts its end.
func (c *counters) body() func() {
	c.started.Add(1)
	return func() { c.finished.Add(1) }
}

// generator is body for streams, whose end is a clean-up as well.
func (c *counters) generator() func() {
	end := c.body()
	return func() {
		c.cleaned.Add(1)
		end()
	}
}

func (c *counters) String() string {
	m := c.asMap()
	return fmt.Sprintf("running=%d started=%d finished=%d cancelled=%d cleaned=%d yielded=%d",
		m["running"], m["started"], m["finished"], m["cancelled"], m["cleaned"], m["yielded"])
}

func (c *counters) asMap() map[string]any {
	// finished before started: running must not come out negative.
	finished := c.finished.Load()
	started := c.started.Load()
	return map[string]any{
		"running": started - finished, "started": started, "finished": finished,
		"cancelled": c.cancelled.Load(), "cleaned": c.cleaned.Load(), "yielded": c.yielded.Load(),
	}
}

func registerRoutines(rt *wool.Runtime, c *counters) error {
	if err := registerErrors(rt); err != nil {
		return err
	}
	routines := standardRoutines(rt, c)
	maps.Copy(routines, generators(c))
	maps.Copy(routines, nestedRoutines(c))
	maps.Copy(routines, contextRoutines(c))
	maps.Copy(routines, failures(c))
	for name, routine := range routines {
		if err := wool.Register(rt, name, routine, wool.WithParameters(parameterNames[name]...)); err != nil {
			return err
		}
	}
	return nil
}

// parameterNames are those by which arguments can be passed.
var parameterNames = map[string][]string{"conf.add": {"a", "b"}, "conf.named": {"a", "b", "scale"}}

// standardRoutines are those of the protocol that are no generators and do not fail, by name.
func standardRoutines(rt *wool.Runtime, c *counters) map[string]any {
	wait := func(ctx context.Context) error {
		defer c.body()()
		<-ctx.Done()
		c.cancelled.Add(1)
		return ctx.Err()
	}
	echo := func(_ context.Context, x any) (any, error) {
		defer c.body()()
		return x, nil
	}
	return map[string]any{
		"conf.echo":   echo,
		"conf.direct": echo,
		"conf.add": func(_ context.Context, a, b int64) (int64, error) {
			defer c.body()()
			return a + b, nil
		},
		"conf.named": func(_ context.Context, a, b int64, scale *int64) (int64, error) {
			defer c.body()()
			if scale == nil {
				return a + b, nil
			}
			return (a + b) * *scale, nil
		},
		"conf.concat": func(_ context.Context, parts []string) (string, error) {
			defer c.body()()
			return strings.Join(parts, ""), nil
		},
		"conf.size": func(_ context.Context, data []byte) (int, error) {
			defer c.body()()
			return len(data), nil
		},
		"conf.fill": func(_ context.Context, n, seed int) ([]byte, error) {
			defer c.body()()
			return fill(n, seed), nil
		},
		"conf.wait": wait,
		"conf.gate": wait,
		"conf.pid": func(context.Context) (int, error) {
			defer c.body()()
			return os.Getpid(), nil
		},
		"conf.exit": func(_ context.Context, status int) error {
			defer c.body()()
			os.Exit(status)
			return nil
		},
		"conf.counters": func(context.Context) (map[string]any, error) { return c.asMap(), nil },
		"conf.relay": func(ctx context.Context, namespace, directory, routine string, arguments []any) (any, error) {
			defer c.body()()
			return relay(ctx, rt, c.keys.own(), wool.LocalDiscovery{Namespace: namespace, Directory: directory}, routine, arguments)
		},
		"conf.block": func(context.Context) error {
			defer c.body()()
			c.blocked.wait(true)
			return nil
		},
		"conf.unblock": func(context.Context) (int, error) {
			defer c.body()()
			return c.blocked.release(), nil
		},
	}
}

// relay calls a routine through a pool that is there for this one call.
func relay(ctx context.Context, rt *wool.Runtime, credentials *wool.Credentials, discovery wool.Discovery, routine string, arguments []any) (any, error) {
	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery, Credentials: credentials})
	if err != nil {
		return nil, err
	}
	result, err := pool.Call(ctx, routine, arguments...)
	if closeErr := closing(pool.Close); err == nil {
		err = closeErr
	}
	return result, err
}

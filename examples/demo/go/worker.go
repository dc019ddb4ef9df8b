package main

import (
	"context"
	"errors"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// serve serves until the pool that started this process says stop, or has gone.
func serve(ctx context.Context) (err error) {
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Close(ctx)) }()
	if err := errors.Join(
		wool.Register(rt, "demo.count", count),
		wool.Register(rt, "demo.ping", ping),
		wool.Register(rt, "demo.few", few),
	); err != nil {
		return err
	}
	spawned, err := wool.ServeIfSpawned(rt)
	if err == nil && !spawned {
		err = errors.New("serve is for pools to start")
	}
	return err
}

// count says how often each word is there.
func count(_ context.Context, words []string) (map[string]int, error) {
	counts := make(map[string]int)
	for _, word := range words {
		counts[word]++
	}
	return counts, nil
}

func ping(_ context.Context, n int) (int, error) { return n, nil }

// few is a generator: it runs to its next Yield when the caller asks for the next item.
func few(_ context.Context, y *wool.Yield[any, int], n int) error {
	for i := range n {
		if _, err := y.Yield(i); err != nil {
			return err
		}
	}
	return nil
}

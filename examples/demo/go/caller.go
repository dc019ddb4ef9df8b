package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

const (
	// items is the length of each stream.
	items = 5
	// timeout is for one call: one that takes longer will not come back.
	timeout = 10 * time.Second
)

// measure calls the workers found in a namespace over and over, one call after the other, and prints the medians of a call and of a
// stream from its opening to its end, in microseconds. There are a fifth as many streams as calls.
func measure(ctx context.Context, namespace string, calls int) (err error) {
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Close(ctx)) }()
	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: wool.LocalDiscovery{Namespace: namespace}})
	if err != nil {
		return err
	}
	streams := max(calls/5, 1)
	// The first calls connect and warm up.
	if _, err := median(streams, func(n int) error { return callOnce(ctx, pool, n) }); err != nil {
		return err
	}
	call, err := median(calls, func(n int) error { return callOnce(ctx, pool, n) })
	if err != nil {
		return err
	}
	stream, err := median(streams, func(int) error { return streamOnce(ctx, pool) })
	if err != nil {
		return err
	}
	fmt.Printf("%.1f %.1f\n", call, stream)
	return nil
}

func callOnce(ctx context.Context, pool *wool.Pool, n int) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := wool.Call[int](ctx, pool, "demo.ping", n)
	if err == nil && answer != n {
		err = fmt.Errorf("demo.ping(%d) answered %d", n, answer)
	}
	return err
}

func streamOnce(ctx context.Context, pool *wool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	next := 0
	for item, err := range wool.Stream[int](ctx, pool, "demo.few", items) {
		if err != nil {
			return err
		}
		if item != next {
			return fmt.Errorf("demo.few(%d) yielded %d instead of %d", items, item, next)
		}
		next++
	}
	if next != items {
		return fmt.Errorf("demo.few(%d) yielded %d items", items, next)
	}
	return nil
}

// median runs something n times and returns how long it took, in microseconds.
func median(n int, run func(int) error) (float64, error) {
	times := make([]time.Duration, n)
	for i := range times {
		began := time.Now()
		if err := run(i); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return float64(times[n/2].Nanoseconds()) / 1e3, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// serve serves until standard input ends; it prints the address first.
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
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		return err
	}
	fmt.Println(worker.Address())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return worker.Stop(ctx, 0)
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

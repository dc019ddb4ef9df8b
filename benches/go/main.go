// A worker or a caller for wool-bench; ../README.md has the protocol.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

const (
	small = 64
	large = 1 << 20
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer rt.Close(ctx)
	var credentials *wool.Credentials
	if len(args) > 1 {
		if folder, told := strings.CutPrefix(args[1], "credentials="); told {
			args = slices.Delete(args, 1, 2)
			credentials, err = wool.NewCredentials(wool.CredentialsOptions{
				CAFile:          filepath.Join(folder, "ca.pem"),
				CertificateFile: filepath.Join(folder, "own.pem"),
				KeyFile:         filepath.Join(folder, "own.key"),
			})
			if err != nil {
				return err
			}
			defer credentials.Close()
		}
	}
	switch {
	case len(args) == 1 && args[0] == "worker":
		return work(rt, credentials)
	case len(args) == 2 && args[0] == "caller":
		return call(ctx, rt, credentials, args[1])
	}
	return fmt.Errorf("worker, or caller, perhaps credentials=FOLDER, and the caller's ADDRESS; got %q", args)
}

func work(rt *wool.Runtime, credentials *wool.Credentials) error {
	echo := func(_ context.Context, data []byte) ([]byte, error) { return data, nil }
	if err := wool.Register(rt, "bench.echo", echo); err != nil {
		return err
	}
	length := func(_ context.Context, data []byte) (int, error) { return len(data), nil }
	if err := wool.Register(rt, "bench.length", length); err != nil {
		return err
	}
	pull := func(_ context.Context, y *wool.Yield[any, []byte]) error {
		for {
			if _, err := y.Yield(make([]byte, small)); err != nil {
				return err
			}
		}
	}
	if err := wool.Register(rt, "bench.pull", pull); err != nil {
		return err
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Credentials: credentials})
	if err != nil {
		return err
	}
	fmt.Println(worker.Address())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func call(ctx context.Context, rt *wool.Runtime, credentials *wool.Credentials, address string) error {
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{address}, Credentials: credentials})
	if err != nil {
		return err
	}
	jobs := bufio.NewScanner(os.Stdin)
	for jobs.Scan() {
		answer, err := measure(ctx, pool, jobs.Text())
		if err != nil {
			answer = "error " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Println(answer)
	}
	return jobs.Err()
}

// measure does one job.
func measure(ctx context.Context, pool *wool.Pool, job string) (string, error) {
	var shape string
	var inFlight, milliseconds int
	if _, err := fmt.Sscanf(job, "%s %d %d", &shape, &inFlight, &milliseconds); err != nil {
		return "", fmt.Errorf("%q is not a job: %w", job, err)
	}
	loop, known := loops[shape]
	if !known {
		return "", fmt.Errorf("%q is not a job", job)
	}
	began := time.Now()
	until := began.Add(time.Duration(milliseconds) * time.Millisecond)
	latencies := make([][]time.Duration, inFlight)
	errs := make([]error, inFlight)
	var running sync.WaitGroup
	for i := range inFlight {
		running.Add(1)
		go func() {
			defer running.Done()
			l := laps{from: time.Now(), until: until}
			errs[i] = loop(ctx, pool, &l)
			latencies[i] = l.latencies
		}()
	}
	running.Wait()
	elapsed := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return "", err
		}
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	percentile := func(percent int) int64 {
		if len(all) == 0 {
			return 0
		}
		return all[(len(all)-1)*percent/100].Nanoseconds()
	}
	return fmt.Sprint(len(all), elapsed.Nanoseconds(), percentile(50), percentile(99)), nil
}

// laps takes the time of the calls of one loop.
type laps struct {
	from, until time.Time
	latencies   []time.Duration
}

// lap notes that a call came back. True: make another.
func (l *laps) lap() bool {
	now := time.Now()
	l.latencies = append(l.latencies, now.Sub(l.from))
	l.from = now
	return now.Before(l.until)
}

// loops are the shapes of jobs, each made by as many goroutines as are in flight.
var loops = map[string]func(context.Context, *wool.Pool, *laps) error{
	"echo": func(ctx context.Context, pool *wool.Pool, l *laps) error {
		data := make([]byte, small)
		for {
			if _, err := wool.Call[[]byte](ctx, pool, "bench.echo", data); err != nil || !l.lap() {
				return err
			}
		}
	},
	"length": func(ctx context.Context, pool *wool.Pool, l *laps) error {
		data := make([]byte, large)
		for {
			if _, err := wool.Call[int](ctx, pool, "bench.length", data); err != nil || !l.lap() {
				return err
			}
		}
	},
	"pull": func(ctx context.Context, pool *wool.Pool, l *laps) error {
		for _, err := range wool.Stream[[]byte](ctx, pool, "bench.pull") {
			if err != nil {
				return err
			}
			if !l.lap() {
				break
			}
		}
		return nil
	},
}

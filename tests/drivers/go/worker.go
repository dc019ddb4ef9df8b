package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// runWorker serves the standard routines.
func runWorker(options map[string]string) error {
	var concurrency uint64
	if text, given := options["concurrency"]; given {
		var err error
		if concurrency, err = strconv.ParseUint(text, 10, 32); err != nil {
			return fmt.Errorf("concurrency: %w", err)
		}
	}
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	var count counters
	worker, err := startWorker(rt, &count, options["register"] == "dup", wool.WorkerOptions{
		Concurrency: uint32(concurrency), SocketPath: options["socket"], Secret: []byte(options["secret"]),
	})
	var failure *wool.Error
	if errors.As(err, &failure) {
		say("error", failure.Kind.String(), textToken(failure.Message))
		return closing(rt.Close)
	}
	if err != nil {
		return err
	}
	say("ready", worker.Address(), worker.UID())
	err = commands(func(tokens []string) {
		switch tokens[0] {
		case "count":
			say("count", count.String())
		case "stop":
			grace, err := parseGrace(tokens[1:])
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			// count goes on working while the worker stops.
			go func() {
				if err := worker.Stop(context.Background(), grace); err != nil {
					fmt.Fprintln(os.Stderr, "stop:", err)
					return
				}
				say("stopped")
			}()
		default:
			fmt.Fprintf(os.Stderr, "unknown command %q\n", tokens[0])
		}
	})
	return errors.Join(err, closing(rt.Close))
}

func startWorker(rt *wool.Runtime, count *counters, twice bool, options wool.WorkerOptions) (*wool.Worker, error) {
	routines := standardRoutines(count)
	for name, routine := range routines {
		if err := wool.Register(rt, name, routine, wool.WithParameters(parameterNames[name]...)); err != nil {
			return nil, err
		}
	}
	if twice {
		if err := wool.Register(rt, "conf.echo", routines["conf.echo"]); err != nil {
			return nil, err
		}
	}
	return wool.NewWorker(rt, options)
}

// parseGrace reads milliseconds; negative is for ever.
func parseGrace(tokens []string) (time.Duration, error) {
	if len(tokens) != 1 {
		return 0, errors.New("stop wants a grace in milliseconds")
	}
	n, err := strconv.ParseInt(tokens[0], 10, 64)
	if err != nil || n > math.MaxInt64/int64(time.Millisecond) {
		return 0, fmt.Errorf("stop: %q is no number of milliseconds", tokens[0])
	}
	return time.Duration(max(n, -1)) * time.Millisecond, nil
}

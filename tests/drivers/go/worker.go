package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// runWorker serves the standard routines.
func runWorker(rt *wool.Runtime, count *counters, options driverOptions) error {
	events, err := listen(rt, options)
	if err != nil {
		return err
	}
	if options.has("run") {
		return runByHelper(rt, count, options, events)
	}
	worker, err := startWorker(rt, count, options)
	if err != nil {
		sayNotReady(err)
		return nil
	}
	return serveCommands(worker, count, events)
}

// runByHelper lets the binding run the worker, until it says that it has ended.
func runByHelper(rt *wool.Runtime, count *counters, options driverOptions, events *heard) error {
	grace, err := options.number("run")
	if err != nil {
		return err
	}
	workerOptions, err := options.worker(count)
	if err != nil {
		return err
	}
	commandsEnd, ended := make(chan error, 1), make(chan error, 1)
	workerOptions.Started = func(worker *wool.Worker) {
		go func() { commandsEnd <- serveCommands(worker, count, events) }()
	}
	go func() { ended <- wool.RunWorker(context.Background(), rt, workerOptions, span(grace)) }()
	select {
	case err := <-ended:
		if err != nil {
			sayNotReady(err)
			return nil
		}
		say("ran")
		return nil
	case err := <-commandsEnd:
		return errors.Join(err, closing(rt.Close), <-ended)
	}
}

// serveCommands tells of the worker and does what it is told, until it is told to end.
func serveCommands(worker *wool.Worker, count *counters, events *heard) error {
	say("ready", worker.Address(), worker.UID())
	return commands(func(tokens []string) {
		switch tokens[0] {
		case "events":
			say(append([]string{"events"}, events.report()...)...)
		case "count":
			say("count", count.String())
		case "reload":
			renewed, err := count.keys.reload()
			if err != nil {
				sayNotReady(err)
				return
			}
			say("reloaded", renewed)
		case "problem":
			problem, err := count.keys.problem()
			if err != nil {
				sayNotReady(err)
				return
			}
			say("problem", problem)
		case "stop":
			stopped := func(err error) {
				if err != nil {
					fmt.Fprintln(os.Stderr, "stop:", err)
					return
				}
				say("stopped")
			}
			if err := stopWorker(worker, tokens[1:], stopped); err != nil {
				stopped(err)
			}
		default:
			fmt.Fprintf(os.Stderr, "unknown command %q\n", tokens[0])
		}
	})
}

func startWorker(rt *wool.Runtime, count *counters, options driverOptions) (*wool.Worker, error) {
	workerOptions, err := options.worker(count)
	if err != nil {
		return nil, err
	}
	if options.text("register") == "dup" {
		echo := func(_ context.Context, x any) (any, error) { return x, nil }
		if err := wool.Register(rt, "conf.echo", echo); err != nil {
			return nil, err
		}
	}
	return wool.NewWorker(rt, workerOptions)
}

// admit decides by the tag of the call.
func (c *counters) admit(_ context.Context, request wool.AdmissionRequest) error {
	switch request.Tag {
	case "busy":
		return wool.Busy("busy by the hook")
	case "refuse":
		return fmt.Errorf("refused by the hook: %s", request.Routine)
	case "alone":
		if request.InFlight > 0 {
			return fmt.Errorf("%d others in flight", request.InFlight)
		}
	case "friends":
		var who string
		key := wool.ContextKey{Namespace: "conf", Name: "who"}
		if found, err := request.ContextValue(key, &who); err != nil || !found {
			who = "nobody"
		}
		if who != "friend" {
			return fmt.Errorf("%s is no friend", who)
		}
	case "names":
		names := strings.Join(request.Peer(), ",")
		if names == "" {
			names = "nobody"
		}
		return fmt.Errorf("called by %s", names)
	case "throw":
		panic("the hook threw")
	case "hold":
		c.blocked.wait(false)
	}
	return nil
}

// stopWorker stops with the grace that the tokens say, negative being for ever, and then tells. The driver
// goes on meanwhile.
func stopWorker(worker *wool.Worker, tokens []string, stopped func(error)) error {
	if len(tokens) != 1 {
		return errors.New("expected a grace in milliseconds")
	}
	grace, err := strconv.ParseInt(tokens[0], 10, 64)
	if err != nil {
		return err
	}
	go func() { stopped(worker.Stop(context.Background(), span(grace))) }()
	return nil
}

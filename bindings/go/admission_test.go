package wool_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func TestAdmission(t *testing.T) {
	asked := make(chan wool.AdmissionRequest, 1)
	n := start(t, map[string]any{"calc.add": add}, wool.WorkerOptions{Admit: func(ctx context.Context, request wool.AdmissionRequest) error {
		switch request.Tag {
		case "look":
			asked <- request
		case "busy":
			return fmt.Errorf("at noon: %w", wool.Busy("the shearers eat"))
		case "refuse":
			return errors.New("not for you")
		case "panic":
			panic("the gate fell")
		case "exit":
			runtime.Goexit()
		case "hostile":
			return &hostile{}
		}
		return nil
	}})
	call := func(tag string) error {
		options := wool.CallOptions{Tag: tag}
		if tag == "busy" {
			options.DispatchTimeout = 300 * time.Millisecond // there is no other worker to go to
		}
		sum, err := wool.Call[int](testContext(t), n.pool, "calc.add", 1, 2, options)
		if err == nil && sum != 3 {
			t.Errorf("%s: 1 + 2 = %d", tag, sum)
		}
		return err
	}
	must(t, call("look"))
	if request := <-asked; request != (wool.AdmissionRequest{Routine: "calc.add", Tag: "look"}) {
		t.Errorf("the hook was asked about %+v", request)
	}
	for _, c := range []struct {
		tag     string
		kind    wool.ErrorKind
		message string
	}{
		{"busy", wool.ErrBusy, "at noon: the shearers eat"},
		{"refuse", wool.ErrPermissionDenied, "not for you"},
		{"panic", wool.ErrRejected, "the admission hook failed: the gate fell"},
		{"exit", wool.ErrRejected, "the admission hook failed"},
		{"hostile", wool.ErrRejected, "the admission hook failed: no words"},
	} {
		failure := remote(t, call(c.tag))
		if failure.Kind != c.kind || !strings.Contains(failure.Message, c.message) || !failure.Retryable {
			t.Errorf("%s: %#v", c.tag, failure)
		}
	}
	must(t, call(""))
}

// A hook that waits holds up its own call, and learns when there is no use in waiting.
func TestAdmissionThatWaits(t *testing.T) {
	waiting, left := make(chan int, 2), make(chan error, 1)
	letIn := make(chan struct{})
	hook := func(ctx context.Context, request wool.AdmissionRequest) error {
		switch request.Tag {
		case "wait":
			waiting <- request.InFlight
			<-letIn
		case "ctx":
			waiting <- request.InFlight
			<-ctx.Done()
			left <- ctx.Err()
		}
		return nil
	}
	n := start(t, map[string]any{"calc.add": add}, wool.WorkerOptions{Admit: hook})
	ctx := testContext(t)
	calling, giveUp := context.WithCancel(ctx)
	defer giveUp()
	ends := make(chan error, 2)
	call := func(tag string) {
		_, err := wool.Call[int](calling, n.pool, "calc.add", 1, 2, wool.CallOptions{Tag: tag})
		ends <- err
	}
	go call("wait")
	await(t, "the hook", waiting)
	if sum, err := wool.Call[int](ctx, n.pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("beside a hook that waits, 1 + 2 = %d, %v", sum, err)
	}
	go call("ctx")
	if others := await(t, "the second hook", waiting); others != 1 {
		t.Errorf("beside one call that waits to be let in, %d are in flight", others)
	}
	close(letIn)
	must(t, await(t, "the call that was let in", ends))
	must(t, n.worker.Stop(ctx, 0))
	if err := await(t, "the end of the hook's context", left); err != context.Canceled {
		t.Errorf("the hook's context ended by %v", err)
	}
	giveUp() // else it waits for another worker
	if err := await(t, "the call to a worker that stops", ends); err == nil {
		t.Error("a call got into a worker that has stopped")
	}
}

// A runtime that closes lets go of the hooks of its workers.
func TestAdmissionEndsWithTheRuntime(t *testing.T) {
	waiting := make(chan struct{}, 1)
	rt, err := wool.NewRuntime()
	must(t, err)
	must(t, wool.Register(rt, "calc.add", add))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Admit: func(ctx context.Context, _ wool.AdmissionRequest) error {
		waiting <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}})
	must(t, err)
	pool, err := wool.NewPool(newRuntime(t), wool.PoolOptions{Addresses: []string{worker.Address()}})
	must(t, err)
	ctx := testContext(t)
	calling, giveUp := context.WithCancel(ctx)
	defer giveUp()
	ended := make(chan error, 1)
	go func() {
		_, err := pool.Call(calling, "calc.add", 1, 2)
		ended <- err
	}()
	await(t, "the hook", waiting)
	must(t, rt.Close(ctx))
	giveUp() // else it waits for another worker
	if err := await(t, "the call", ended); err == nil {
		t.Error("a call got into a runtime that has closed")
	}
}

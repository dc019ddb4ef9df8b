package wool_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// runAsWorker is a program that is a worker. It prints its address, and how it ended.
func runAsWorker() int {
	ctx := context.Background()
	rt, err := wool.NewRuntime()
	for name, routine := range processRoutines {
		err = errors.Join(err, wool.Register(rt, name, routine))
	}
	options := wool.WorkerOptions{Started: func(w *wool.Worker) { fmt.Println(w.Address()) }}
	if err == nil {
		err = wool.RunWorker(ctx, rt, options, -1)
	}
	fmt.Println("ran:", err)
	if err := rt.Close(ctx); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// workerProgram starts such a program, and a stream of three items that it has begun.
func workerProgram(t *testing.T) (command *exec.Cmd, output *bufio.Reader, pool *wool.Pool, stream *wool.PullStream) {
	t.Helper()
	command = program(t, programThatIsAWorker)
	pipe, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	output = bufio.NewReader(pipe)
	address, err := output.ReadString('\n')
	must(t, err)
	pool = openPool(t, wool.PoolOptions{Addresses: []string{strings.TrimSpace(address)}})
	stream, err = pool.Stream(testContext(t), "process.count", 3)
	must(t, err)
	_, err = stream.Next()
	must(t, err)
	return command, output, pool, stream
}

func draining(s wool.PoolStatus) bool { return len(members(s)) == 0 }

func TestRunWorkerDrains(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		command, output, pool, stream := workerProgram(t)
		must(t, command.Process.Signal(signal))
		statusWhere(t, pool, "a worker that drains", draining)
		for range 2 {
			_, err := stream.Next()
			must(t, err)
		}
		if _, err := stream.Next(); err != io.EOF {
			t.Errorf("the stream ended with %v", err)
		}
		rest, err := io.ReadAll(output)
		must(t, err)
		if string(rest) != "ran: <nil>\n" {
			t.Errorf("the program said %q", rest)
		}
		must(t, command.Wait())
	}
}

func TestRunWorkerStopsAtOnceWhenAskedAgain(t *testing.T) {
	command, output, pool, stream := workerProgram(t)
	must(t, command.Process.Signal(syscall.SIGTERM))
	statusWhere(t, pool, "a worker that drains", draining)
	must(t, command.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(output)
	must(t, err)
	if string(rest) != "ran: <nil>\n" {
		t.Errorf("the program said %q", rest)
	}
	must(t, command.Wait())
	if item, err := stream.Next(); err == nil || err == io.EOF {
		t.Errorf("after a stop the stream gave %v, %v", item, err)
	}
}

// What does not stop when it is cancelled is no reason to be deaf: a third signal ends the process.
func TestRunWorkerCanBeKilled(t *testing.T) {
	command, output, pool, _ := workerProgram(t)
	ctx := testContext(t)
	go func() { _, _ = pool.Call(ctx, "process.deaf") }()
	held, err := pool.Stream(ctx, "process.hold")
	must(t, err)
	_, err = held.Next()
	must(t, err)
	statusWhere(t, pool, "all tasks", func(s wool.PoolStatus) bool { return s.Workers[0].InFlight == 3 })
	must(t, command.Process.Signal(syscall.SIGTERM))
	statusWhere(t, pool, "a worker that drains", draining)
	must(t, command.Process.Signal(syscall.SIGTERM))
	if _, err := held.Next(); !errors.Is(err, wool.ErrCancelled) {
		t.Errorf("a task that was cancelled gave %v", err)
	}
	must(t, command.Process.Signal(syscall.SIGTERM))
	_, err = io.ReadAll(output)
	must(t, err)
	var exit *exec.ExitError
	if err := command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Errorf("the program ended by %v", err)
	}
}

func TestRunWorkerEndsOtherwise(t *testing.T) {
	ctx := testContext(t)
	run := func(ctx context.Context, rt *wool.Runtime, options wool.WorkerOptions) (<-chan *wool.Worker, <-chan error) {
		started, ended := make(chan *wool.Worker, 1), make(chan error, 1)
		options.Started = func(w *wool.Worker) { started <- w }
		go func() { ended <- wool.RunWorker(ctx, rt, options, 0) }()
		return started, ended
	}
	discovery := privateDiscovery()

	rt := newRuntime(t)
	must(t, wool.Register(rt, "calc.add", add))
	leaving, leave := context.WithCancel(ctx)
	defer leave()
	started, ended := run(leaving, rt, wool.WorkerOptions{Publish: discovery})
	worker := await(t, "the worker", started)
	pool := openPool(t, wool.PoolOptions{Discovery: discovery})
	if sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("1 + 2 = %d, %v", sum, err)
	}
	leave()
	must(t, await(t, "the end by the context", ended))
	statusWhere(t, pool, "no worker", func(s wool.PoolStatus) bool { return len(s.Workers) == 0 })
	must(t, worker.Stop(ctx, 0))

	started, ended = run(ctx, rt, wool.WorkerOptions{})
	must(t, await(t, "the worker", started).Stop(ctx, 0))
	must(t, await(t, "the end by a stop", ended))

	started, ended = run(ctx, rt, wool.WorkerOptions{})
	await(t, "the worker", started)
	must(t, rt.Close(ctx))
	must(t, await(t, "the end by the runtime", ended))

	if err := wool.RunWorker(ctx, rt, wool.WorkerOptions{}, time.Second); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a worker in a closed runtime gave %v", err)
	}
}

// A worker does not outlive a hook that panics.
func TestRunWorkerWhoseHookPanics(t *testing.T) {
	rt := newRuntime(t)
	var worker *wool.Worker
	func() {
		defer func() {
			if recover() != "a wolf" {
				t.Error("the panic did not come out")
			}
		}()
		_ = wool.RunWorker(testContext(t), rt, wool.WorkerOptions{Started: func(w *wool.Worker) {
			worker = w
			panic("a wolf")
		}}, 0)
	}()
	pool := openPool(t, wool.PoolOptions{Addresses: []string{worker.Address()}})
	statusWhere(t, pool, "a refused connection", func(s wool.PoolStatus) bool { return s.Workers[0].State == wool.WorkerDown })
}

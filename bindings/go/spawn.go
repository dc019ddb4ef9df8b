package wool

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"time"
)

// mainCloses is how long Main waits for routines that do not return when the program ends.
const mainCloses = 30 * time.Second

// Main is where a program becomes a worker: first thing in main, once its routines are registered. In a
// process that a pool started, it serves the routines until the pool says stop or has gone, or SIGTERM or
// SIGINT asks it to drain. In any other process it calls run, whose pools may start this program again.
//
//	func main() {
//		rt, err := wool.NewRuntime()
//		...
//		err = wool.Register(rt, "calc.add", add)
//		...
//		err = wool.Main(rt, func() error { return run(rt) })
//		...
//	}
//
// In the end it closes the runtime, which takes half a minute at most: [ErrTimeout] says what still runs
// then. It returns run's error and that of closing; main is to return next.
func Main(rt *Runtime, run func() error) error {
	spawned, err := ServeIfSpawned(rt)
	if !spawned && err == nil {
		err = run()
	}
	ctx, cancel := context.WithTimeout(context.Background(), mainCloses)
	defer cancel()
	return errors.Join(err, rt.Close(ctx))
}

// ServeIfSpawned is the part of [Main] that serves, for a program that goes on by itself, and for
// TestMain, where tests call pools that start the test's own program.
//
// False: no pool started this process, which goes on; its pools may start this program again. True: it
// was a worker and has ended; close the runtime and leave main. An error says why it could be neither: leave
// main too. It is an [ErrSpawnFailed] where a worker was wanted, and the command that started this process
// withheld its standard input.
func ServeIfSpawned(rt *Runtime) (spawned bool, err error) {
	e := rt.engine
	if !e.guard.enter() {
		return false, closedError()
	}
	defer e.guard.leave()
	ended := newWaiter()
	tag, closed := e.queue.expect(ended)
	if closed != nil {
		return false, closed
	}
	var serves C.int32_t
	var failure *C.wool_error_t
	status := C.int32_t(C.wool_serve_if_spawned_submit(e.handle, e.queue.handle, C.uint64_t(tag), &serves, &failure))
	if status < 0 {
		e.queue.forget(tag)
		return false, takeError(status, failure)
	}
	if serves == 0 {
		e.queue.forget(tag)
		return false, nil
	}
	return true, <-ended
}

package wool

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// RunWorker is a program that is a worker: it starts one and serves until SIGTERM or SIGINT comes, or ctx is done; then
// it drains: the worker is withdrawn from where it is published, refuses new tasks, and has the grace for those that run, as
// [Worker.Stop] has. nil says that it did. A second signal stops at once, with tasks cancelled; a third does what it
// does in a program that does not care.
//
//	func main() {
//		rt, err := wool.NewRuntime()
//		err = wool.Register(rt, "calc.add", add)
//		options := wool.WorkerOptions{Bind: "0.0.0.0:0", AllowPlaintext: true, Publish: wool.LANDiscovery{}}
//		err = wool.RunWorker(context.Background(), rt, options, 30*time.Second)
//	}
//
// It also ends when the worker is stopped, over the network too ([WorkerOptions.Stoppers]), or the runtime closed by others. It fails as [NewWorker] does.
func RunWorker(ctx context.Context, rt *Runtime, options WorkerOptions, grace time.Duration) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	worker, err := NewWorker(rt, options)
	if err != nil {
		return err
	}
	// When it has drained, that does nothing; but Started may panic.
	defer worker.Stop(context.Background(), 0)
	if options.Started != nil {
		options.Started(worker)
	}
	stopped := make(chan error, 2)
	stop := func(grace time.Duration) { stopped <- worker.Stop(context.Background(), grace) }
	left, draining, asked := ctx.Done(), false, 0
	drain := func() {
		if !draining {
			draining = true
			go stop(grace)
		}
	}
	for {
		select {
		case err := <-stopped:
			return err
		case <-worker.core.ended:
			if draining {
				return <-stopped
			}
			return nil
		case <-left:
			left = nil
			drain()
		case <-signals:
			// A context that ends with the first signal is no reason to take that for the second.
			if asked++; asked == 2 {
				signal.Stop(signals)
				go stop(0)
			}
			drain()
		}
	}
}

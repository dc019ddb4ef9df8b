// A program that is a worker, and one that starts it, calls it, and asks it to end while it has something to do.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"syscall"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// work is the worker: it serves until SIGTERM or SIGINT, and then lets its tasks end.
func work(ctx context.Context, discovery wool.Discovery) error {
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer rt.Close(ctx)
	if err := wool.Register(rt, "wool.shear", shear); err != nil {
		return err
	}
	return wool.RunWorker(ctx, rt, wool.WorkerOptions{Publish: discovery}, 30*time.Second)
}

// shear is a generator.
func shear(_ context.Context, y *wool.Yield[any, string], sheep int) error {
	for n := range sheep {
		if _, err := y.Yield(fmt.Sprint("sheep ", n+1)); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	ctx := context.Background()
	if len(os.Args) > 1 {
		if err := work(ctx, wool.LocalDiscovery{Namespace: "shearing", Directory: os.Args[1]}); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := call(ctx); err != nil {
		log.Fatal(err)
	}
}

func call(ctx context.Context) error {
	directory, err := os.MkdirTemp("", "wool-worker-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	worker := exec.Command(self, directory)
	worker.Stderr = os.Stderr
	if err := worker.Start(); err != nil {
		return err
	}
	defer worker.Process.Kill()

	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer rt.Close(ctx)
	pool, err := wool.NewPool(rt, wool.PoolOptions{
		Discovery: wool.LocalDiscovery{Namespace: "shearing", Directory: directory},
	})
	if err != nil {
		return err
	}
	asked := false
	for sheep, err := range wool.Stream[string](ctx, pool, "wool.shear", 3) {
		if err != nil {
			return err
		}
		fmt.Println(sheep)
		if !asked {
			asked = true
			if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
				return err
			}
		}
	}
	if err := worker.Wait(); err != nil {
		return err
	}
	fmt.Println("the worker has ended")
	return nil
}

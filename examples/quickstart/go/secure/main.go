// A worker and a caller that know each other by their certificates: `make certs` puts some into certs.
//
//	secure worker 0.0.0.0:7000
//	secure caller localhost:7000
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func credentials(own string) (*wool.Credentials, error) {
	return wool.NewCredentials(wool.CredentialsOptions{
		CAFile:          "certs/ca.pem",
		CertificateFile: "certs/" + own + ".pem",
		KeyFile:         "certs/" + own + ".key",
	})
}

// work serves until SIGTERM or SIGINT.
func work(ctx context.Context, rt *wool.Runtime, bind string) error {
	if err := wool.Register(rt, "calc.add", add); err != nil {
		return err
	}
	own, err := credentials("worker")
	if err != nil {
		return err
	}
	defer own.Close()
	options := wool.WorkerOptions{Bind: bind, Credentials: own}
	options.Started = func(worker *wool.Worker) { fmt.Println(worker.Address()) }
	return wool.RunWorker(ctx, rt, options, 30*time.Second)
}

func call(ctx context.Context, rt *wool.Runtime, address string) error {
	own, err := credentials("caller")
	if err != nil {
		return err
	}
	defer own.Close()
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{address}, Credentials: own})
	if err != nil {
		return err
	}
	sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2)
	if err != nil {
		return err
	}
	fmt.Println("1 + 2 =", sum)
	return pool.Close(ctx)
}

func add(_ context.Context, a, b int) (int, error) { return a + b, nil }

func main() {
	if len(os.Args) != 3 {
		log.Fatal("worker BIND, or caller ADDRESS")
	}
	ctx := context.Background()
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	run := call
	if os.Args[1] == "worker" {
		run = work
	}
	if err := run(ctx, rt, os.Args[2]); err != nil {
		log.Fatal(err)
	}
	if err := rt.Close(ctx); err != nil {
		log.Fatal(err)
	}
}

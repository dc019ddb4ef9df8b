// Who is who, and who may call what: a worker, and three pools that are not the same to it. The certificates are in certs.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
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

func greet(ctx context.Context) (string, error) {
	task, _ := wool.TaskFromContext(ctx)
	return "hello, " + strings.Join(task.Peer, ", "), nil
}

func reset(context.Context) (string, error) { return "done", nil }

func serve(rt *wool.Runtime) (*wool.Worker, error) {
	own, err := credentials("worker")
	if err != nil {
		return nil, err
	}
	defer own.Close()
	err = errors.Join(wool.Register(rt, "wool.greet", greet), wool.Register(rt, "admin.reset", reset))
	if err != nil {
		return nil, err
	}
	return wool.NewWorker(rt, wool.WorkerOptions{
		Credentials: own,
		// Whom it talks to, of those whom the authority vouches for.
		Callers: []string{"*.wool.example"},
		// What is not for all of them.
		RoutineCallers: []wool.RoutineCallers{{Routine: "admin.*", Callers: []string{"admin.wool.example"}}},
	})
}

// ask calls a routine by a pool of its own.
func ask(ctx context.Context, rt *wool.Runtime, worker *wool.Worker, own *wool.Credentials, routine string) error {
	pool, err := wool.NewPool(rt, wool.PoolOptions{
		Addresses:       []string{worker.Address()},
		Credentials:     own,
		DispatchTimeout: 2 * time.Second,
	})
	if err != nil {
		return err
	}
	answer, err := wool.Call[string](ctx, pool, routine)
	var failure *wool.Error
	if errors.As(err, &failure) {
		fmt.Printf("%s: %v\n", routine, failure.Kind)
	} else {
		fmt.Println(answer)
	}
	return pool.Close(ctx)
}

func run(ctx context.Context) error {
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer rt.Close(ctx)
	worker, err := serve(rt)
	if err != nil {
		return err
	}
	caller, err := credentials("caller")
	if err != nil {
		return err
	}
	admin, err := credentials("admin")
	if err != nil {
		return err
	}
	// It knows the worker, and has nothing to show.
	nobody, err := wool.NewCredentials(wool.CredentialsOptions{CAFile: "certs/ca.pem"})
	if err != nil {
		return err
	}
	return errors.Join(
		ask(ctx, rt, worker, caller, "wool.greet"),
		ask(ctx, rt, worker, caller, "admin.reset"),
		ask(ctx, rt, worker, admin, "admin.reset"),
		ask(ctx, rt, worker, nobody, "wool.greet"),
	)
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

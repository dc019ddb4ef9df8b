// A caller's certificate is renewed while it calls, as an operator would do it, and then spoilt. Those of certs are used.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func credentials(folder, own string) (*wool.Credentials, error) {
	return wool.NewCredentials(wool.CredentialsOptions{
		CAFile:          filepath.Join(folder, "ca.pem"),
		CertificateFile: filepath.Join(folder, own+".pem"),
		KeyFile:         filepath.Join(folder, own+".key"),
		// How often the files are looked at.
		Poll: 10 * time.Second,
	})
}

func caller(ctx context.Context) (string, error) {
	task, _ := wool.TaskFromContext(ctx)
	return strings.Join(task.Peer, ", "), nil
}

func shear(_ context.Context, y *wool.Yield[any, int]) error {
	for sheep := range 3 {
		if _, err := y.Yield(sheep + 1); err != nil {
			return err
		}
	}
	return nil
}

func serve(rt *wool.Runtime) (*wool.Worker, error) {
	err := errors.Join(wool.Register(rt, "wool.caller", caller), wool.Register(rt, "wool.shear", shear))
	if err != nil {
		return nil, err
	}
	own, err := credentials("certs", "worker")
	if err != nil {
		return nil, err
	}
	defer own.Close()
	return wool.NewWorker(rt, wool.WorkerOptions{Credentials: own})
}

// replace puts a file into the place of another, whole: nobody reads half of it.
func replace(folder, name string, text []byte) error {
	draft := filepath.Join(folder, "draft")
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, filepath.Join(folder, name))
}

// issue copies files of certs, each to the name that follows it.
func issue(folder string, names ...string) error {
	for i := 0; i < len(names); i += 2 {
		text, err := os.ReadFile(filepath.Join("certs", names[i]))
		if err != nil {
			return err
		}
		if err := replace(folder, names[i+1], text); err != nil {
			return err
		}
	}
	return nil
}

// seenAs calls until the worker sees this name.
func seenAs(ctx context.Context, pool *wool.Pool, name string) error {
	for {
		seen, err := wool.Call[string](ctx, pool, "wool.caller")
		if err != nil {
			return err
		}
		if seen == name {
			fmt.Println("called by", name)
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	folder, err := os.MkdirTemp("", "wool-rotating-")
	if err != nil {
		log.Fatal(err)
	}
	err = run(context.Background(), folder)
	os.RemoveAll(folder)
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, folder string) error {
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer rt.Close(ctx)
	if err := issue(folder, "ca.pem", "ca.pem", "caller.key", "own.key", "caller.pem", "own.pem"); err != nil {
		return err
	}
	own, err := credentials(folder, "own")
	if err != nil {
		return err
	}
	defer own.Close()
	worker, err := serve(rt)
	if err != nil {
		return err
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}, Credentials: own})
	if err != nil {
		return err
	}
	if err := seenAs(ctx, pool, "caller.wool.example"); err != nil {
		return err
	}
	shorn, rotated := 0, false
	for _, err := range wool.Stream[int](ctx, pool, "wool.shear") {
		if err != nil {
			return err
		}
		shorn++
		if !rotated {
			rotated = true
			if err := rotate(ctx, pool, own, folder); err != nil {
				return err
			}
		}
	}
	// What was running went on where it was.
	fmt.Println(shorn, "sheep")
	return spoil(ctx, pool, own, folder)
}

func rotate(ctx context.Context, pool *wool.Pool, own *wool.Credentials, folder string) error {
	// The key first: whoever sees the new certificate finds its key.
	if err := issue(folder, "next.key", "own.key", "next.pem", "own.pem"); err != nil {
		return err
	}
	// They would be looked at within ten seconds; this does it now.
	renewed, err := own.Reload()
	if err != nil {
		return err
	}
	fmt.Println("renewed:", renewed)
	return seenAs(ctx, pool, "next.wool.example")
}

func spoil(ctx context.Context, pool *wool.Pool, own *wool.Credentials, folder string) error {
	if err := replace(folder, "own.key", []byte("nonsense")); err != nil {
		return err
	}
	_, err := own.Reload()
	fmt.Println("not renewed:", errors.Is(err, wool.ErrInvalidArgument))
	// Also for those who come later: it is what a health check asks for.
	fmt.Println("a problem:", own.Problem() != nil)
	// Those of before are still good.
	return seenAs(ctx, pool, "next.wool.example")
}

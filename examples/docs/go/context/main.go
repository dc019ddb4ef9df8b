// Values that ride along with calls, on to what these call, and back.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	wool "github.com/wool-labs/libwool/bindings/go"
)

var (
	customer = wool.ContextKey{Namespace: "shop", Name: "customer"}
	greeted  = wool.ContextKey{Namespace: "shop", Name: "greeted"}
	hint     = wool.ContextKey{Namespace: "shop", Name: "hint"}
)

func name(ctx context.Context) (string, error) {
	if err := wool.SetContextValue(ctx, greeted, true); err != nil {
		return "", err
	}
	var name string
	_, err := wool.ContextValue(ctx, customer, &name)
	return name, err
}

func greet(ctx context.Context) (string, error) {
	// The context of this task goes along, and takes up what is changed there.
	name, err := wool.CallFrom[string](ctx, "wool.name")
	if err != nil {
		return "", err
	}
	return "Good morning, " + name, wool.UnsetContextValue(ctx, hint)
}

func main() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(wool.Register(rt, "wool.name", name), wool.Register(rt, "wool.greet", greet))
	if err != nil {
		log.Fatal(err)
	}
	err = wool.Main(rt, func() error { return run(context.Background(), rt) })
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rt *wool.Runtime) error {
	pool, err := wool.NewPool(rt, wool.PoolOptions{Spawn: 1})
	if err != nil {
		return err
	}
	defer pool.Close(ctx)

	ctx = wool.WithContextValues(ctx)
	err = errors.Join(wool.SetContextValue(ctx, customer, "Dolly"), wool.SetContextValue(ctx, hint, "shy"))
	if err != nil {
		return err
	}
	greeting, err := wool.Call[string](ctx, pool, "wool.greet")
	if err != nil {
		return err
	}
	fmt.Println(greeting)

	var done bool
	if _, err := wool.ContextValue(ctx, greeted, &done); err != nil {
		return err
	}
	fmt.Println("greeted:", done)
	word := "none"
	if _, err := wool.ContextValue(ctx, hint, &word); err != nil {
		return err
	}
	fmt.Println("hint:", word)
	return nil
}

package wool_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// countdown is a generator.
func countdown(_ context.Context, y *wool.Yield[any, int], from int) error {
	defer fmt.Println("cleaned up")
	for n := from; n > 0; n-- {
		if _, err := y.Yield(n); err != nil {
			return err
		}
	}
	return nil
}

// exampleNetwork serves some routines and returns a pool that calls them.
func exampleNetwork() (pool *wool.Pool, closeIt func()) {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	for name, routine := range map[string]any{
		"calc.add": add, "calc.countdown": countdown,
		"calc.divide": func(_ context.Context, a, b int) (int, error) {
			if b == 0 {
				return 0, errors.New("division by zero")
			}
			return a / b, nil
		},
	} {
		if err := wool.Register(rt, name, routine); err != nil {
			log.Fatal(err)
		}
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	pool, err = wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		log.Fatal(err)
	}
	return pool, func() {
		if err := rt.Close(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
}

func Example() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	defer rt.Close(ctx)
	err = wool.Register(rt, "greet", func(_ context.Context, name string) (string, error) {
		return "Hello, " + name + "!", nil
	})
	if err != nil {
		log.Fatal(err)
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		log.Fatal(err)
	}
	greeting, err := wool.Call[string](ctx, pool, "greet", "Dolly")
	fmt.Println(greeting, err)
	// Output: Hello, Dolly! <nil>
}

// Point is a map on the wire: {"x": 1.0, "y": 2.0}.
type Point struct {
	X float64 `wool:"x"`
	Y float64 `wool:"y"`
}

// scale may be called without a factor.
func scale(_ context.Context, points []Point, factor *float64) ([]Point, error) {
	if factor != nil {
		for i := range points {
			points[i] = Point{points[i].X * *factor, points[i].Y * *factor}
		}
	}
	return points, nil
}

func ExampleRegister_typed() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	defer rt.Close(ctx)
	if err := wool.Register(rt, "geometry.scale", scale, wool.WithParameters("points", "factor")); err != nil {
		log.Fatal(err)
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		log.Fatal(err)
	}
	points := []Point{{1, 2}}
	scaled, err := wool.Call[[]Point](ctx, pool, "geometry.scale", points, wool.Named{"factor": 10})
	fmt.Println(scaled, err)
	_, err = pool.Call(ctx, "geometry.scale", []string{"north"})
	fmt.Println(err)
	// Output:
	// [{10 20}] <nil>
	// ArgumentError: geometry.scale: argument 1 "points" ($[0][0]): expected map, found string
}

func ExampleMain() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	if err := wool.Register(rt, "calc.add", add); err != nil {
		log.Fatal(err)
	}
	err = wool.Main(rt, func() error {
		pool, err := wool.NewPool(rt, wool.PoolOptions{Spawn: 2})
		if err != nil {
			return err
		}
		ctx := context.Background()
		sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2)
		if err != nil {
			return err
		}
		fmt.Println("1 + 2 =", sum)
		return pool.Close(ctx)
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 1 + 2 = 3
}

func ExampleLocalDiscovery() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	defer rt.Close(ctx)
	if err := wool.Register(rt, "calc.add", add); err != nil {
		log.Fatal(err)
	}
	discovery := wool.LocalDiscovery{Namespace: fmt.Sprint("calc.", os.Getpid())}
	if _, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery}); err != nil {
		log.Fatal(err)
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery})
	if err != nil {
		log.Fatal(err)
	}
	sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2)
	fmt.Println(sum, err)
	// Output: 3 <nil>
}

func ExampleCall() {
	pool, closeIt := exampleNetwork()
	defer closeIt()
	sum, err := wool.Call[int](context.Background(), pool, "calc.add", 1, 2)
	fmt.Println(sum, err)
	// Output: 3 <nil>
}

func ExampleStream() {
	pool, closeIt := exampleNetwork()
	defer closeIt()
	for n, err := range wool.Stream[int](context.Background(), pool, "calc.countdown", 10) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(n)
		if n == 9 {
			break
		}
	}
	fmt.Println("after the loop")
	// Output:
	// 10
	// 9
	// cleaned up
	// after the loop
}

func ExamplePool_Stream() {
	pool, closeIt := exampleNetwork()
	defer closeIt()
	ctx := context.Background()
	stream, err := pool.Stream(ctx, "calc.countdown", 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stream.Next())
	fmt.Println(stream.Close(ctx))
	// Output:
	// 10 <nil>
	// cleaned up
	// <nil>
}

func ExampleError() {
	pool, closeIt := exampleNetwork()
	defer closeIt()
	_, err := pool.Call(context.Background(), "calc.divide", 1, 0)
	var failure *wool.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Kind, failure.Type, failure.Message)
	}
	_, err = pool.Call(context.Background(), "calc.multiply", 1, 0)
	fmt.Println(errors.Is(err, wool.ErrRoutineNotFound))
	// Output:
	// TASK_FAILED errors.errorString division by zero
	// true
}

// OutOfStock travels as "shop.OutOfStock", with its fields.
type OutOfStock struct {
	Item string `wool:"item"`
	Left int    `wool:"left"`
}

func (e *OutOfStock) Error() string { return fmt.Sprintf("only %d of %s left", e.Left, e.Item) }

func ExampleRegisterError() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	defer rt.Close(ctx)
	err = errors.Join(
		wool.RegisterError[*OutOfStock](rt, "shop.OutOfStock"),
		wool.Register(rt, "shop.order", func(_ context.Context, item string) error {
			return fmt.Errorf("order: %w", &OutOfStock{item, 3})
		}),
	)
	if err != nil {
		log.Fatal(err)
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		log.Fatal(err)
	}
	_, err = pool.Call(ctx, "shop.order", "yarn")
	var out *OutOfStock
	fmt.Println(errors.As(err, &out), out.Item, out.Left)
	fmt.Println(err)
	// Output:
	// true yarn 3
	// shop.OutOfStock: order: only 3 of yarn left
}

func ExampleOpenStream() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	defer rt.Close(ctx)
	err = wool.Register(rt, "wool.weigh", func(_ context.Context, y *wool.Yield[int, int]) error {
		defer fmt.Println("put away")
		for total := 0; ; {
			sent, err := y.Yield(total)
			if err != nil {
				return err
			}
			total += sent
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		log.Fatal(err)
	}
	scale, err := wool.OpenStream[int, int](ctx, pool, "wool.weigh")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scale.Next())
	fmt.Println(scale.Send(4))
	fmt.Println(scale.Send(3))
	fmt.Println(scale.Close(ctx))
	// Output:
	// 0 <nil>
	// 4 <nil>
	// 7 <nil>
	// put away
	// <nil>
}

func ExampleBusy() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	defer rt.Close(ctx)
	if err := wool.Register(rt, "calc.add", add); err != nil {
		log.Fatal(err)
	}
	admit := func(_ context.Context, call wool.AdmissionRequest) error {
		switch {
		case call.Tag == "guest":
			return fmt.Errorf("%s is not for guests", call.Routine)
		case call.InFlight > 100:
			return wool.Busy("a hundred are enough")
		default:
			return nil
		}
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Admit: admit})
	if err != nil {
		log.Fatal(err)
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pool.Call(ctx, "calc.add", 1, 2))
	_, err = pool.Call(ctx, "calc.add", 1, 2, wool.CallOptions{Tag: "guest"})
	fmt.Println(errors.Is(err, wool.ErrPermissionDenied), err)
	// Output:
	// 3 <nil>
	// true wool: calc.add is not for guests
}

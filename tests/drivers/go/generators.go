package main

import (
	"context"
	"errors"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// generators are the routines that are streams.
func generators(c *counters) map[string]any {
	count := func(_ context.Context, y *wool.Yield[any, int], n int) error {
		defer c.generator()()
		return c.yieldUpTo(y, n)
	}
	return map[string]any{
		"conf.count":       count,
		"conf.directcount": count,
		"conf.endless": func(_ context.Context, y *wool.Yield[any, int]) error {
			defer c.generator()()
			return c.yieldUpTo(y, endless)
		},
		"conf.failafter": func(_ context.Context, y *wool.Yield[any, int], n int, message string) error {
			defer c.generator()()
			if err := yieldUpTo(y, n); err != nil {
				return err
			}
			return &namedError{"ConformanceError", message}
		},
		"conf.panicafter": func(_ context.Context, y *wool.Yield[any, int], n int, message string) error {
			defer c.generator()()
			if err := yieldUpTo(y, n); err != nil {
				return err
			}
			panic(message)
		},
		"conf.accumulate": func(_ context.Context, y *wool.Yield[*int64, int64], total int64) error {
			defer c.generator()()
			return accumulate(y, total)
		},
		"conf.mirror": func(_ context.Context, y *wool.Yield[any, any]) error {
			defer c.generator()()
			var item any
			for {
				sent, err := y.Yield(item)
				if err != nil {
					return err
				}
				item = sent
			}
		},
		"conf.stubborn": func(_ context.Context, y *wool.Yield[any, int]) error {
			defer c.body()()
			for n := 0; ; n++ {
				_, _ = y.Yield(n)
			}
		},
		"conf.failclean": func(_ context.Context, y *wool.Yield[any, int], message string) error {
			defer c.generator()()
			err := yieldUpTo(y, endless)
			if errors.Is(err, wool.ErrStreamClosed) {
				return &namedError{"ConformanceError", message}
			}
			return err
		},
		"conf.stall": func(ctx context.Context, y *wool.Yield[any, int]) error {
			defer c.body()()
			if _, err := y.Yield(0); err != nil {
				return err
			}
			<-ctx.Done()
			c.cancelled.Add(1)
			return ctx.Err()
		},
	}
}

// endless is more than anybody asks for.
const endless = 1 << 62

func yieldUpTo(y *wool.Yield[any, int], n int) error {
	for i := range n {
		if _, err := y.Yield(i); err != nil {
			return err
		}
	}
	return nil
}

// yieldUpTo counts what is about to be yielded, too.
func (c *counters) yieldUpTo(y *wool.Yield[any, int], n int) error {
	for i := range n {
		c.yielded.Add(1)
		if _, err := y.Yield(i); err != nil {
			return err
		}
	}
	return nil
}

// accumulate adds what it is sent. A plain next sends nothing.
func accumulate(y *wool.Yield[*int64, int64], total int64) error {
	for total >= 0 {
		n, err := y.Yield(total)
		switch {
		case errors.Is(err, resetError{}):
			total = 0
		case err != nil:
			return err
		case n != nil:
			total += *n
		}
	}
	return nil
}

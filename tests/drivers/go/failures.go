package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// outOfStock is the protocol's registered error with data.
type outOfStock struct {
	Item string `wool:"item"`
	Left int64  `wool:"left"`
}

func (e *outOfStock) Error() string { return fmt.Sprintf("%s: %d left", e.Item, e.Left) }

// resetError is what conf.accumulate catches.
type resetError struct{}

func (resetError) Error() string { return "reset" }

// oddError may hold what cannot be encoded.
type oddError struct{ Data any }

func (oddError) Error() string { return "odd" }

func registerErrors(rt *wool.Runtime) error {
	return errors.Join(
		wool.RegisterError[*outOfStock](rt, "conf.OutOfStock"),
		wool.RegisterError[resetError](rt, "conf.Reset"),
		wool.RegisterError[oddError](rt, "conf.Odd"),
	)
}

// namedError has whatever type name the caller wants.
type namedError struct{ typeName, message string }

func (e *namedError) Error() string         { return e.message }
func (e *namedError) WoolErrorType() string { return e.typeName }

// causedError does not tell its cause in its message.
type causedError struct {
	message string
	cause   error
}

func (e *causedError) Error() string { return e.message }
func (e *causedError) Unwrap() error { return e.cause }

// failures are the routines that fail.
func failures(c *counters) map[string]any {
	return map[string]any{
		"conf.fail": func(_ context.Context, typeName, message string) error {
			defer c.body()()
			return confInner(typeName, message)
		},
		"conf.panic": func(_ context.Context, message string) error {
			defer c.body()()
			panic(message)
		},
		"conf.outofstock": func(_ context.Context, item string, left int64) error {
			defer c.body()()
			return &outOfStock{item, left}
		},
		"conf.failcause": func(_ context.Context, n int, message string) error {
			defer c.body()()
			var cause error
			for i := n; i > 0; i-- {
				cause = &causedError{fmt.Sprint("cause ", i), cause}
			}
			return &causedError{message, cause}
		},
		"conf.failbig": func(_ context.Context, n int) error {
			defer c.body()()
			return errors.New(strings.Repeat("x", n))
		},
		"conf.failodd": func(_ context.Context, what string) (any, error) {
			defer c.body()()
			switch what {
			case "nothing":
				panic(nil)
			case "data":
				return nil, oddError{make(chan int)}
			case "result":
				return make(chan int), nil
			default:
				return nil, fmt.Errorf("%q is none of nothing, data and result", what)
			}
		},
	}
}

// confInner is where conf.fail fails, one call deeper, for the traceback.
func confInner(typeName, message string) error {
	return wool.Traced(&namedError{typeName, message})
}

// The demo in Go: a worker that counts words, and a caller that measures.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve(ctx)
	case len(args) == 3 && args[0] == "call":
		calls, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return measure(ctx, args[1], calls)
	default:
		return fmt.Errorf("usage: %s serve | call NAMESPACE CALLS", os.Args[0])
	}
}

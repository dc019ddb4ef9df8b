// The Go conformance driver: does what the runner tells it (tests/drivers/PROTOCOL.md) through the public
// API of the Go binding.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// closeTime is how long a driver that has been told to end waits for what it has opened.
const closeTime = 30 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "wool-driver-go:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: wool-driver-go worker|caller [key=value ...]")
	}
	options, err := parseOptions(args[1:])
	if err != nil {
		return err
	}
	switch args[0] {
	case "worker":
		return runWorker(options)
	case "caller":
		return runCaller(options)
	default:
		return fmt.Errorf("%q is neither worker nor caller", args[0])
	}
}

func parseOptions(args []string) (map[string]string, error) {
	options := make(map[string]string)
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		if !found {
			return nil, fmt.Errorf("option %q is not of the form key=value", arg)
		}
		options[key] = value
	}
	return options, nil
}

// say writes one line of answer, whole. Safe for concurrent use.
var say = func() func(tokens ...string) {
	var mu sync.Mutex
	return func(tokens ...string) {
		mu.Lock()
		defer mu.Unlock()
		// os.Stdout is unbuffered; a runner that has gone shows as end-of-file on stdin.
		fmt.Println(strings.Join(tokens, " "))
	}
}()

// commands calls do with the tokens of each line of stdin, until "exit" or end-of-file.
func commands(do func(tokens []string)) error {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if tokens := strings.Fields(line); len(tokens) > 0 {
			if tokens[0] == "exit" {
				return nil
			}
			do(tokens)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading commands: %w", err)
		}
	}
}

// closing bounds the wait for something to close.
func closing(closeIt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return closeIt(ctx)
}

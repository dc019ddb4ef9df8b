// The Go conformance driver: does what the runner tells it (tests/drivers/PROTOCOL.md) through the public
// API of the Go binding.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
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
		return fmt.Errorf("usage: wool-driver-go worker|caller|spawned [key=value ...]")
	}
	options, err := parseOptions(args[1:])
	if err != nil {
		return err
	}
	if crash := options.text("crash"); args[0] == "spawned" && crash != "" {
		fmt.Fprintln(os.Stderr, crash)
		os.Exit(3)
	}
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	var count counters
	defer count.keys.close()
	if err := registerRoutines(rt, &count); err != nil {
		return err
	}
	switch args[0] {
	case "worker":
		err := runWorker(rt, &count, options)
		return errors.Join(err, closing(rt.Close))
	case "caller":
		return wool.Main(rt, func() error { return runCaller(rt, &count, options) })
	case "spawned":
		return wool.Main(rt, func() error {
			say("error", wool.ErrUnsupported.String(), textToken("this program is started by a pool, to be its worker"))
			return nil
		})
	default:
		return fmt.Errorf("%q is none of worker, caller and spawned", args[0])
	}
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

// sayNotReady tells of an error that is that of no request with an id.
func sayNotReady(err error) {
	say("error", kindToken(err), textToken(messageOf(err)))
}

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

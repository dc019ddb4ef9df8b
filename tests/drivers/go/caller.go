package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// caller serves the commands of a caller driver. Its fields but the pool belong to the goroutine that
// reads commands.
type caller struct {
	pool *wool.Pool
	// cancels ends a call or stream by its id; it stays there after the end.
	cancels map[string]context.CancelFunc
	streams map[string]*openStream
	// requests are those under way since the last closepool.
	requests *sync.WaitGroup
}

// openStream is a stream, or why it could not be opened.
type openStream struct {
	stream *wool.PullStream
	err    error
}

func runCaller(options map[string]string) error {
	var dispatchTimeout int64
	if text, given := options["dispatch_timeout"]; given {
		var err error
		if dispatchTimeout, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("dispatch_timeout: %w", err)
		}
	}
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{
		Addresses: strings.Split(options["address"], ","), Secret: []byte(options["secret"]),
		DispatchTimeout: time.Duration(dispatchTimeout) * time.Millisecond,
	})
	if err != nil {
		return errors.Join(err, closing(rt.Close))
	}
	say("ready")
	c := &caller{
		pool: pool, cancels: make(map[string]context.CancelFunc), streams: make(map[string]*openStream),
		requests: new(sync.WaitGroup),
	}
	err = commands(c.do)
	err = errors.Join(err, closing(rt.Close))
	c.requests.Wait()
	return err
}

// do starts a command; what waits does so on a goroutine of its own.
func (c *caller) do(tokens []string) {
	if len(tokens) < 2 {
		say("error", "-", wool.ErrUnsupported.String(), "-", textToken("a command without an id: "+tokens[0]), "0", "-")
		return
	}
	verb, id, rest := tokens[0], tokens[1], tokens[2:]
	perform := map[string]func(id string, rest []string) error{
		"call": c.call, "cancel": c.cancel, "open": c.open, "next": c.next, "closestream": c.closeStream,
		"iterate": c.iterate, "burst": c.burst, "bad": c.bad, "closepool": c.closePool,
	}[verb]
	if perform == nil {
		say("error", id, wool.ErrUnsupported.String(), "-", textToken("unknown command "+verb), "0", "-")
		return
	}
	if err := perform(id, rest); err != nil {
		sayError(id, err)
	}
}

// request runs one request on its own goroutine.
func (c *caller) request(answer func()) {
	requests := c.requests
	requests.Add(1)
	go func() {
		defer requests.Done()
		answer()
	}()
}

// context makes the context of a call or stream, which cancel and a timeout option end.
func (c *caller) context(id string, options []string) (context.Context, error) {
	ctx, cancel := context.WithCancel(context.Background())
	for _, option := range options {
		text, found := strings.CutPrefix(option, "timeout=")
		milliseconds, err := strconv.ParseInt(text, 10, 64)
		if !found || err != nil {
			cancel()
			return nil, fmt.Errorf("unknown option %q", option)
		}
		ctx, cancel = context.WithTimeout(ctx, time.Duration(milliseconds)*time.Millisecond)
	}
	c.cancels[id] = cancel
	return ctx, nil
}

// splitNamed tells the named arguments from the other options.
func splitNamed(options []string) (named wool.Named, others []string, err error) {
	named = wool.Named{}
	for _, option := range options {
		argument, found := strings.CutPrefix(option, "named=")
		if !found {
			others = append(others, option)
			continue
		}
		name, token, _ := strings.Cut(argument, ":")
		if name, err = url.PathUnescape(name); err != nil {
			return nil, nil, err
		}
		if named[name], err = parseValue(token); err != nil {
			return nil, nil, err
		}
	}
	return named, others, nil
}

// routineCall reads "ROUTINE N VALUE*N [named=NAME:VALUE ...] [timeout=MS]".
func (c *caller) routineCall(id string, rest []string) (context.Context, string, []any, error) {
	if len(rest) < 2 {
		return nil, "", nil, errors.New("expected a routine and its arguments")
	}
	args, options, err := parseValues(rest[1:])
	if err != nil {
		return nil, "", nil, err
	}
	named, options, err := splitNamed(options)
	if err != nil {
		return nil, "", nil, err
	}
	if len(named) > 0 {
		args = append(args, named)
	}
	ctx, err := c.context(id, options)
	return ctx, rest[0], args, err
}

func (c *caller) call(id string, rest []string) error {
	ctx, routine, args, err := c.routineCall(id, rest)
	if err != nil {
		return err
	}
	c.request(func() {
		result, err := c.pool.Call(ctx, routine, args...)
		sayValue("result", id, result, err)
	})
	return nil
}

func sayValue(kind, id string, value any, err error) {
	if err != nil {
		sayError(id, err)
		return
	}
	token, err := valueToken(value)
	if err != nil {
		sayError(id, err)
		return
	}
	say(kind, id, token)
}

func (c *caller) cancel(id string, _ []string) error {
	if cancel, found := c.cancels[id]; found {
		cancel()
	}
	return nil
}

func (c *caller) open(id string, rest []string) error {
	ctx, routine, args, err := c.routineCall(id, rest)
	var opened openStream
	if opened.err = err; err == nil {
		opened.stream, opened.err = c.pool.Stream(ctx, routine, args...)
	}
	c.streams[id] = &opened
	return nil
}

func (c *caller) stream(id string) (*wool.PullStream, error) {
	opened, found := c.streams[id]
	if !found {
		return nil, fmt.Errorf("no stream %s is open", id)
	}
	return opened.stream, opened.err
}

func (c *caller) next(id string, _ []string) error {
	stream, err := c.stream(id)
	if err != nil {
		return err
	}
	c.request(func() {
		item, err := stream.Next()
		if err == io.EOF {
			say("end", id)
			return
		}
		sayValue("item", id, item, err)
	})
	return nil
}

func (c *caller) closeStream(id string, _ []string) error {
	stream, err := c.stream(id)
	if err != nil {
		return err
	}
	c.request(func() {
		if err := stream.Close(context.Background()); err != nil {
			sayError(id, err)
			return
		}
		say("end", id)
	})
	return nil
}

func (c *caller) iterate(id string, rest []string) error {
	if len(rest) < 3 {
		return errors.New("expected a routine, a limit and arguments")
	}
	limit, err := strconv.Atoi(rest[1])
	if err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	args, options, err := parseValues(rest[2:])
	if err != nil {
		return err
	}
	ctx, err := c.context(id, options)
	if err != nil {
		return err
	}
	c.request(func() {
		count, last, outcome := 0, "-", "end"
		for item, err := range wool.Stream[any](ctx, c.pool, rest[0], args...) {
			if err == nil {
				last, err = valueToken(item)
			}
			if err != nil {
				outcome = "error:" + kindToken(err)
				break
			}
			count++
			if count == limit {
				outcome = "break"
				break
			}
		}
		say("items", id, strconv.Itoa(count), last, outcome)
	})
	return nil
}

func (c *caller) burst(id string, rest []string) error {
	if len(rest) < 3 {
		return errors.New("expected a routine, a count and arguments")
	}
	count, err := strconv.Atoi(rest[1])
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	args, _, err := parseValues(rest[2:])
	if err != nil {
		return err
	}
	c.request(func() {
		results := make(chan burstResult, count)
		for range count {
			go func() {
				value, err := c.pool.Call(context.Background(), rest[0], args...)
				results <- burstResult{value, err}
			}()
		}
		var ok, failed, same int
		for range count {
			result := <-results
			if result.err != nil {
				failed++
				continue
			}
			ok++
			if len(args) > 0 && equal(result.value, args[0]) {
				same++
			}
		}
		say("burst", id, fmt.Sprintf("ok=%d errors=%d same=%d", ok, failed, same))
	})
	return nil
}

type burstResult struct {
	value any
	err   error
}

// equal compares encodings, in which NaN equals itself.
func equal(a, b any) bool {
	left, leftErr := wool.Marshal(a)
	right, rightErr := wool.Marshal(b)
	return leftErr == nil && rightErr == nil && bytes.Equal(left, right)
}

func (c *caller) bad(id string, rest []string) error {
	var argument any
	switch strings.Join(rest, " ") {
	case "unsupported":
		argument = make(chan int)
	case "afterclose":
		argument = 1
	default:
		say("error", id, wool.ErrUnsupported.String(), "-", textToken("unknown misuse "+strings.Join(rest, " ")), "0", "-")
		return nil
	}
	c.request(func() {
		result, err := c.pool.Call(context.Background(), "conf.echo", argument)
		sayValue("result", id, result, err)
	})
	return nil
}

func (c *caller) closePool(id string, _ []string) error {
	before := c.requests
	c.requests = new(sync.WaitGroup)
	c.request(func() {
		err := closing(c.pool.Close)
		// The requests so far report before the close does.
		before.Wait()
		if err != nil {
			sayError(id, err)
			return
		}
		say("closed", id)
	})
	return nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// caller serves the commands of a caller driver. Its fields belong to the goroutine that reads commands.
type caller struct {
	rt    *wool.Runtime
	count *counters
	// pools are the first one, which has no id, and those of the pool command.
	pools   map[string]*openPool
	workers map[string]*wool.Worker
	// cancels ends a call or stream by its id; it stays there after the end.
	cancels map[string]context.CancelFunc
	streams map[string]*openStream
	// bags are contexts that have values of their own.
	bags   map[string]context.Context
	events *heard
}

// openPool is a pool, and its requests that are under way since its last closepool.
type openPool struct {
	*wool.Pool
	requests *sync.WaitGroup
}

func runCaller(rt *wool.Runtime, count *counters, options driverOptions) error {
	events, err := listen(rt, options)
	if err != nil {
		return err
	}
	c := &caller{
		rt: rt, events: events, bags: make(map[string]context.Context), count: count, pools: make(map[string]*openPool), workers: make(map[string]*wool.Worker),
		cancels: make(map[string]context.CancelFunc), streams: make(map[string]*openStream),
	}
	if err := c.openPool("", options); err != nil {
		sayNotReady(err)
		return nil
	}
	say("ready")
	err = commands(c.do)
	err = errors.Join(err, closing(rt.Close))
	for _, pool := range c.pools {
		pool.requests.Wait()
	}
	return err
}

func (c *caller) openPool(id string, options driverOptions) error {
	poolOptions, err := options.pool(c.count)
	if err != nil {
		return err
	}
	pool, err := wool.NewPool(c.rt, poolOptions)
	if err != nil {
		return err
	}
	c.pools[id] = &openPool{Pool: pool, requests: new(sync.WaitGroup)}
	return nil
}

// pool is the one that options name, else the first.
func (c *caller) pool(options driverOptions) (*openPool, error) {
	id := options.text("pool")
	pool, found := c.pools[id]
	if !found {
		return nil, fmt.Errorf("no pool %s has been opened", id)
	}
	return pool, nil
}

// do starts a command; what waits does so on a goroutine of its own.
func (c *caller) do(tokens []string) {
	if len(tokens) < 2 {
		sayUnsupported("-", "a command without an id: "+tokens[0])
		return
	}
	verb, id, rest := tokens[0], tokens[1], tokens[2:]
	perform := map[string]func(id string, rest []string) error{
		"call": c.call, "cancel": c.cancel, "open": c.open, "next": c.next, "send": c.send, "throw": c.throw, "closestream": c.closeStream,
		"iterate": c.iterate, "bag": c.bag, "bagset": c.bagSet, "bagget": c.bagGet, "map": c.mapOver, "broadcast": c.broadcast,
		"events": c.tellEvents, "burst": c.burst, "bad": c.bad, "status": c.status, "list": c.list, "pool": c.secondPool,
		"worker": c.worker, "stopworker": c.stopWorker, "closepool": c.closePool,
		"reload": c.reload, "problem": c.problem,
	}[verb]
	if perform == nil {
		sayUnsupported(id, "unknown command "+verb)
		return
	}
	if err := perform(id, rest); err != nil {
		sayError(id, err)
	}
}

// request runs one request on its own goroutine.
func (p *openPool) request(answer func()) {
	requests := p.requests
	requests.Add(1)
	go func() {
		defer requests.Done()
		answer()
	}()
}

// context makes the context of a call or stream, which cancel and the time, in milliseconds, end.
func (c *caller) context(id string, options driverOptions) (context.Context, error) {
	base := context.Background()
	if bag := options.text("bag"); bag != "" {
		if base = c.bags[bag]; base == nil {
			return nil, fmt.Errorf("no context has been made as %s", bag)
		}
	}
	ctx, cancel := context.WithCancel(base)
	if options.has("timeout") {
		timeout, err := options.number("timeout")
		if err != nil {
			cancel()
			return nil, err
		}
		ctx, cancel = context.WithTimeout(ctx, span(timeout))
	}
	c.cancels[id] = cancel
	return ctx, nil
}

// splitOptions tells the options of one key, which it leaves as they are, from the others.
func splitOptions(options []string, key string) (values, others []string) {
	for _, option := range options {
		if value, found := strings.CutPrefix(option, key+"="); found {
			values = append(values, value)
		} else {
			others = append(others, option)
		}
	}
	return values, others
}

// namedArguments are those of the words NAME:VALUE.
func namedArguments(words []string) (named wool.Named, err error) {
	named = wool.Named{}
	for _, word := range words {
		name, token, _ := strings.Cut(word, ":")
		if name, err = url.PathUnescape(name); err != nil {
			return nil, err
		}
		if named[name], err = parseValue(token); err != nil {
			return nil, err
		}
	}
	return named, nil
}

// contextValues are those of the words NAMESPACE:NAME:VALUE.
func contextValues(words []string) (values map[wool.ContextKey]any, err error) {
	values = map[wool.ContextKey]any{}
	for _, word := range words {
		parts := strings.SplitN(word, ":", 3)
		if len(parts) < 3 {
			return nil, fmt.Errorf("context=%s is no namespace, name and value", word)
		}
		var key wool.ContextKey
		if key.Namespace, err = parseText(parts[0]); err != nil {
			return nil, err
		}
		if key.Name, err = parseText(parts[1]); err != nil {
			return nil, err
		}
		if values[key], err = parseValue(parts[2]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// routineCall is "ROUTINE N VALUE*N [named=NAME:VALUE ...] [context=NAMESPACE:NAME:VALUE ...] [timeout=MS] [pool=ID] ...".
type routineCall struct {
	ctx     context.Context
	pool    *openPool
	routine string
	args    []any
	// options are the last of args, too.
	options wool.CallOptions
}

func (c *caller) routineCall(id string, rest []string) (call routineCall, err error) {
	if len(rest) < 2 {
		return call, errors.New("expected a routine and its arguments")
	}
	call.routine = rest[0]
	var words []string
	if call.args, words, err = parseValues(rest[1:]); err != nil {
		return call, err
	}
	namedWords, words := splitOptions(words, "named")
	named, err := namedArguments(namedWords)
	if err != nil {
		return call, err
	}
	if len(named) > 0 {
		call.args = append(call.args, named)
	}
	contextWords, words := splitOptions(words, "context")
	context, err := contextValues(contextWords)
	if err != nil {
		return call, err
	}
	options, err := parseOptions(words)
	if err != nil {
		return call, err
	}
	if call.pool, err = c.pool(options); err != nil {
		return call, err
	}
	callOptions, err := options.call()
	if err != nil {
		return call, err
	}
	callOptions.Context = context
	call.options = callOptions
	call.args = append(call.args, callOptions)
	call.ctx, err = c.context(id, options)
	return call, err
}

func (c *caller) call(id string, rest []string) error {
	call, err := c.routineCall(id, rest)
	if err != nil {
		return err
	}
	call.pool.request(func() {
		result, err := call.pool.Call(call.ctx, call.routine, call.args...)
		sayValue("result", id, result, err)
	})
	return nil
}

func (c *caller) tellEvents(id string, _ []string) error {
	say(append([]string{"events", id}, c.events.report()...)...)
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

func (c *caller) burst(id string, rest []string) error {
	if len(rest) < 3 {
		return errors.New("expected a routine, a count and arguments")
	}
	count, err := strconv.Atoi(rest[1])
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	call, err := c.routineCall(id, append([]string{rest[0]}, rest[2:]...))
	if err != nil {
		return err
	}
	call.pool.request(func() {
		results := make(chan burstResult, count)
		for range count {
			go func() {
				value, err := call.pool.Call(call.ctx, call.routine, call.args...)
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
			if len(call.args) > 0 && equal(result.value, call.args[0]) {
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
		sayUnsupported(id, "unknown misuse "+strings.Join(rest, " "))
		return nil
	}
	pool, err := c.pool(nil)
	if err != nil {
		return err
	}
	pool.request(func() {
		result, err := pool.Call(context.Background(), "conf.echo", argument)
		sayValue("result", id, result, err)
	})
	return nil
}

// poolOf is the pool that the words of a command name.
func (c *caller) poolOf(words []string) (*openPool, error) {
	options, err := parseOptions(words)
	if err != nil {
		return nil, err
	}
	return c.pool(options)
}

func (c *caller) status(id string, rest []string) error {
	pool, err := c.poolOf(rest)
	if err != nil {
		return err
	}
	status, err := pool.Status()
	sayValue("status", id, statusValue(status), err)
	return nil
}

func (c *caller) secondPool(id string, rest []string) error {
	options, err := parseOptions(rest)
	if err != nil {
		return err
	}
	if err := c.openPool(id, options); err != nil {
		return err
	}
	say("opened", id)
	return nil
}

func (c *caller) worker(id string, rest []string) error {
	options, err := parseOptions(rest)
	if err != nil {
		return err
	}
	worker, err := startWorker(c.rt, c.count, options)
	if err != nil {
		return err
	}
	c.workers[id] = worker
	say("serving", id, worker.Address(), worker.UID())
	return nil
}

func (c *caller) stopWorker(id string, rest []string) error {
	if len(rest) == 0 || c.workers[rest[0]] == nil {
		return fmt.Errorf("no worker has been started as %s", strings.Join(rest, " "))
	}
	return stopWorker(c.workers[rest[0]], rest[1:], func(err error) {
		if err != nil {
			sayError(id, err)
			return
		}
		say("stopped", id)
	})
}

func (c *caller) closePool(id string, rest []string) error {
	pool, err := c.poolOf(rest)
	if err != nil {
		return err
	}
	before := pool.requests
	pool.requests = new(sync.WaitGroup)
	pool.request(func() {
		err := closing(pool.Close)
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

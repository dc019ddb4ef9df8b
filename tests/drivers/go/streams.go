package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// openStream is a stream, or why it could not be opened: then that is told once.
type openStream struct {
	pool   *openPool
	stream *wool.PullStream
	err    error
}

func (c *caller) open(id string, rest []string) error {
	call, err := c.routineCall(id, rest)
	opened := openStream{pool: call.pool, err: err}
	if err == nil {
		opened.stream, opened.err = call.pool.Stream(call.ctx, call.routine, call.args...)
	}
	c.streams[id] = &opened
	return nil
}

// onStream performs a request on a stream.
func (c *caller) onStream(id string, perform func(s *wool.PullStream)) error {
	opened, found := c.streams[id]
	switch {
	case !found:
		return fmt.Errorf("no stream %s is open", id)
	case opened.err != nil:
		err := opened.err
		opened.err = nil
		return err
	case opened.stream == nil:
		say("end", id)
	default:
		opened.pool.request(func() { perform(opened.stream) })
	}
	return nil
}

// step asks a stream for an item, in the way that ask does.
func (c *caller) step(id string, ask func(s *wool.PullStream) (any, error)) error {
	return c.onStream(id, func(s *wool.PullStream) {
		item, err := ask(s)
		if err == io.EOF {
			say("end", id)
			return
		}
		sayValue("item", id, item, err)
	})
}

func (c *caller) next(id string, _ []string) error {
	return c.step(id, (*wool.PullStream).Next)
}

func (c *caller) send(id string, rest []string) error {
	if len(rest) != 1 {
		return errors.New("expected a value")
	}
	value, err := parseValue(rest[0])
	if err != nil {
		return err
	}
	return c.step(id, func(s *wool.PullStream) (any, error) { return s.Send(value) })
}

func (c *caller) throw(id string, rest []string) error {
	if len(rest) != 2 {
		return errors.New("expected a type and a message")
	}
	typeName, err := parseText(rest[0])
	if err != nil {
		return err
	}
	message, err := parseText(rest[1])
	if err != nil {
		return err
	}
	var thrown error = &namedError{typeName, message}
	if typeName == "conf.OutOfStock" {
		thrown = &outOfStock{message, 1}
	}
	return c.step(id, func(s *wool.PullStream) (any, error) { return s.Throw(thrown) })
}

func (c *caller) closeStream(id string, _ []string) error {
	return c.onStream(id, func(s *wool.PullStream) {
		if err := s.Close(context.Background()); err != nil {
			sayError(id, err)
			return
		}
		say("end", id)
	})
}

func (c *caller) iterate(id string, rest []string) error {
	if len(rest) < 3 {
		return errors.New("expected a routine, a limit and arguments")
	}
	limit, err := strconv.Atoi(rest[1])
	if err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	call, err := c.routineCall(id, append([]string{rest[0]}, rest[2:]...))
	if err != nil {
		return err
	}
	call.pool.request(func() {
		count, last, outcome := 0, "-", "end"
		for item, err := range wool.Stream[any](call.ctx, call.pool.Pool, call.routine, call.args...) {
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

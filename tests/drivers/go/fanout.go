package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// outcomeToken is how a call of a map or broadcast ended.
func outcomeToken(of string, value any, err error) string {
	if err == nil {
		var token string
		if token, err = valueToken(value); err == nil {
			return of + "=" + token
		}
	}
	return of + "!" + kindToken(err)
}

func (c *caller) mapOver(id string, rest []string) error {
	if len(rest) < 5 {
		return errors.New("expected a routine, a number in flight, an order, a limit and inputs")
	}
	inFlight, err := strconv.Atoi(rest[1])
	if err != nil {
		return fmt.Errorf("in flight: %w", err)
	}
	limit, err := strconv.Atoi(rest[3])
	if err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	inputs, words, err := parseValues(rest[4:])
	if err != nil {
		return err
	}
	call, err := c.routineCall(id, append([]string{rest[0], "0"}, words...))
	if err != nil {
		return err
	}
	progress := wool.MapProgress{Total: len(inputs)}
	options := wool.MapOptions{
		InFlight: inFlight, Ordered: rest[2] == "ordered", Total: len(inputs), Call: call.options,
		Progress: func(p wool.MapProgress) { progress = p },
	}
	call.pool.request(func() {
		var outcomes []string
		for item, err := range wool.MapOver[any](call.ctx, call.pool.Pool, call.routine, slices.Values(inputs), options) {
			if call.ctx.Err() != nil {
				break
			}
			outcomes = append(outcomes, outcomeToken(strconv.Itoa(item.Index), item.Value, err))
			if len(outcomes) == limit {
				break
			}
		}
		head := []string{"mapped", id, strconv.Itoa(progress.Total), strconv.Itoa(progress.Done), strconv.Itoa(progress.Failed), strconv.Itoa(len(outcomes))}
		say(append(head, outcomes...)...)
	})
	return nil
}

func (c *caller) broadcast(id string, rest []string) error {
	call, err := c.routineCall(id, rest)
	if err != nil {
		return err
	}
	call.pool.request(func() {
		var outcomes []string
		for item, err := range wool.Broadcast[any](call.ctx, call.pool.Pool, call.routine, call.args...) {
			if item.Worker == "" {
				sayError(id, err)
				return
			}
			outcomes = append(outcomes, outcomeToken(item.Worker, item.Value, err))
		}
		slices.Sort(outcomes)
		say(append([]string{"broadcast", id, strconv.Itoa(len(outcomes))}, outcomes...)...)
	})
	return nil
}

package main

import (
	"context"
	"strconv"
	"strings"
	"sync"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// heard keeps what the runtime tells of its tasks; nothing, unless the options say so.
type heard struct {
	events *wool.TaskEvents
	mu     sync.Mutex
	tokens []string
}

func listen(rt *wool.Runtime, options driverOptions) (*heard, error) {
	h := &heard{}
	if !options.has("events") {
		return h, nil
	}
	capacity, err := options.number("events")
	if err != nil {
		return nil, err
	}
	if h.events, err = rt.TaskEvents(int(capacity)); err != nil {
		return nil, err
	}
	go h.listen()
	return h, nil
}

// listen ends with the runtime.
func (h *heard) listen() {
	for event := range h.events.All(context.Background()) {
		h.mu.Lock()
		h.tokens = append(h.tokens, eventToken(event))
		h.mu.Unlock()
	}
}

// report is "MISSED N EVENT*N".
func (h *heard) report() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	missed := uint64(0)
	if h.events != nil {
		missed = h.events.Missed()
	}
	return append([]string{strconv.FormatUint(missed, 10), strconv.Itoa(len(h.tokens))}, h.tokens...)
}

func eventToken(event wool.TaskEvent) string {
	caller, step, status := "-", "-", "-"
	if event.Caller != (wool.UUID{}) {
		caller = event.Caller.String()
	}
	if event.Step != "" {
		step = event.Step
	}
	if event.Kind == wool.TaskCompleted {
		status = "OK"
		if event.Failure != 0 {
			status = event.Failure.String()
		}
	}
	return strings.Join([]string{
		string(event.Side), string(event.Kind), event.ID.String(), caller, event.Routine, step, status,
	}, "/")
}

package wool

// #include "shim.h"
import "C"

import (
	"context"
	"sync"
	"time"
)

// TaskInfo tells a routine about its task.
type TaskInfo struct {
	// ID of the task; Caller is that of the task that made the call, zero if none did; Worker is the uid
	// of the worker that serves it.
	ID, Caller, Worker UUID
	// Routine is the name by which it was called, and Tag the label that the caller gave it.
	Routine, Tag string
	// HasDeadline: the caller has set one, and Remaining is what is left of the time.
	HasDeadline bool
	Remaining   time.Duration
	// Peer are the names that the certificate of the caller holds, DNS names and URIs; none without TLS.
	Peer []string
}

// TaskFromContext tells about the task whose routine got ctx, or a context derived from it. It is for
// use while the routine runs.
func TaskFromContext(ctx context.Context) (TaskInfo, bool) {
	t, ok := ctx.Value(taskKey{}).(*task)
	if !ok {
		return TaskInfo{}, false
	}
	told := TaskInfo{Routine: t.routine.name}
	t.lent.Lock()
	defer t.lent.Unlock()
	runs := false
	// What info points at goes with the task, and a task with its queue.
	t.routine.engine.queue.whileOpen(func() {
		var info C.wool_task_info_t
		if info, runs = t.info(); !runs {
			return
		}
		for i := range told.ID {
			told.ID[i], told.Caller[i], told.Worker[i] = byte(info.id[i]), byte(info.caller[i]), byte(info.worker_uid[i])
		}
		told.Tag = stringOf(info.tag)
		told.Peer = textsOf(info.peer, info.peer_count)
		if info.remaining_ms >= 0 {
			told.HasDeadline, told.Remaining = true, time.Duration(info.remaining_ms)*time.Millisecond
		}
	})
	if !runs {
		return TaskInfo{}, false
	}
	return told, true
}

// info fails when the task has been answered.
func (t *task) info() (C.wool_task_info_t, bool) {
	info := C.wool_task_info_t{struct_size: C.sizeof_wool_task_info_t}
	status := C.wool_task_info(C.wool_task_t(t.handle), &info, nil)
	return info, status >= 0
}

// taskContext is a routine's context. It asks the core for the deadline only when someone wants it;
// the core itself cancels the task when it passes.
type taskContext struct {
	context.Context
	task *task

	once     sync.Once
	deadline time.Time
	bounded  bool
}

type taskKey struct{}

func (c *taskContext) Deadline() (time.Time, bool) {
	c.once.Do(func() {
		if info, ok := c.task.info(); ok && info.remaining_ms >= 0 {
			// The core rounds down. What is nested must not be out of time before its task is.
			c.deadline = time.Now().Add(time.Duration(info.remaining_ms+1) * time.Millisecond)
			c.bounded = true
		}
	})
	return c.deadline, c.bounded
}

// Err tells the end of the deadline from other cancellations.
func (c *taskContext) Err() error {
	err := c.Context.Err()
	if err != nil && context.Cause(c.Context) == context.DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return err
}

func (c *taskContext) Value(key any) any {
	switch key {
	case taskKey{}, poolKey{}, bagKey{}:
		return c.task
	}
	return c.Context.Value(key)
}

package wool

import (
	"context"
	"math"
	"time"
)

// CallOptions refine one call or stream. They are passed as an argument after those of the routine,
// and are not sent to it:
//
//	for item, err := range wool.Stream[int](ctx, pool, "count", 1_000_000, wool.CallOptions{Prefetch: 256}) { ... }
type CallOptions struct {
	// DispatchTimeout is how long to wait for a worker to be within reach; 0 is the pool's.
	DispatchTimeout time.Duration
	// Tag is a word of the caller's for the task, for logs and events.
	Tag string
	// Worker is the uid of the only worker that may get the call; any if empty. One that the pool does not have, or
	// not any more, is an [ErrNoWorkersAvailable], and the call can be made again elsewhere ([Retryable]).
	Worker string
	// Context holds values that ride along with the call, beside its arguments: who asks, for which customer, at
	// which priority. The worker's admission hook reads them by [AdmissionRequest.ContextValue], the routine by
	// [ContextValue]. Names and encoded values may have 64 KiB together, else the call is an [ErrPayloadTooLarge].
	// They are for this call alone, on top of the context that ctx has ([SetContextValue]).
	Context map[ContextKey]any
	// Prefetch is how many items of a stream are asked for ahead, so that the worker does not wait for
	// each; more than 4,096 counts as so many. 0 is strict pull: the generator runs to the next yield only
	// when an item is asked for. Nothing can be sent or thrown to a stream that asks ahead.
	Prefetch uint32
	// StepTimeout is the time that each step of a stream may take, from asking for an item until it comes,
	// the worker for the first included; 0 is no bound. Past it the stream ends as [ErrDeadlineExceeded],
	// and the routine is cancelled.
	StepTimeout time.Duration
}

// maxPrefetch bounds the memory of a stream that asks ahead, and its share of the queue. More makes nothing
// faster.
const maxPrefetch = 4 << 10

// check refuses what makes no sense.
func (o *CallOptions) check() *Error {
	if err := refuseNegative("DispatchTimeout", o.DispatchTimeout); err != nil {
		return err
	}
	return refuseNegative("StepTimeout", o.StepTimeout)
}

func refuseNegative(name string, span time.Duration) *Error {
	if span < 0 {
		return newError(ErrInvalidArgument, "%s is negative: %v", name, span)
	}
	return nil
}

// splitArguments tells the arguments of the routine from what the binding takes out of the tail.
func splitArguments(args []any) (positional []any, named Named, options CallOptions, _ *Error) {
	var hasNamed, hasOptions bool
	for len(args) > 0 {
		switch last := args[len(args)-1].(type) {
		case Named:
			if hasNamed {
				return nil, nil, options, newError(ErrInvalidArgument, "Named is given twice")
			}
			named, hasNamed = last, true
		case CallOptions:
			if hasOptions {
				return nil, nil, options, newError(ErrInvalidArgument, "CallOptions are given twice")
			}
			options, hasOptions = last, true
		default:
			return args, named, options, nil
		}
		args = args[:len(args)-1]
	}
	return args, named, options, nil
}

// milliseconds rounds up, so that a short wait does not become none.
func milliseconds(span time.Duration) uint64 {
	if span <= 0 {
		return 0
	}
	return uint64((span-1)/time.Millisecond) + 1
}

// signedMilliseconds is a wait for the C API: negative is for ever.
func signedMilliseconds(span time.Duration) int64 {
	if span < 0 {
		return -1
	}
	return int64(min(milliseconds(span), math.MaxInt64))
}

// budget is what remains of a context's deadline in milliseconds; 0 is no deadline.
func budget(ctx context.Context, what string) (uint64, *Error) {
	if ctx.Err() != nil {
		return 0, contextError(ctx, what)
	}
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return 0, nil
	}
	remaining := time.Until(deadline)
	if remaining <= 0 {
		return 0, &Error{Kind: ErrDeadlineExceeded, Message: what + ": the deadline has passed", context: context.DeadlineExceeded}
	}
	return milliseconds(remaining), nil
}

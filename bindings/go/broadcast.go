package wool

import (
	"context"
	"iter"
	"slices"
)

// BroadcastItem is what a worker has answered to a [Broadcast].
type BroadcastItem[Out any] struct {
	// Worker is its uid.
	Worker string
	// Value is the zero value where the call has failed.
	Value Out
}

// Broadcast calls a routine once on every worker of the pool that is connected, takes calls and serves it when the loop
// begins, on all at once, and iterates over what they answer, as it comes. An error is that of its worker's call, and
// stops none of the others. Args are as in [Pool.Call]. Leaving the loop, and the end of ctx, cancel what is under way.
//
// Where there is no such worker the only pair has no Worker, and an error: [ErrNoWorkersAvailable] when none takes calls,
// [ErrRoutineNotFound] when none of those that do serves the routine; [ErrClosed] when the pool is closed.
//
//	for cleared, err := range wool.Broadcast[bool](ctx, pool, "cache.clear") {
//		fmt.Println(cleared.Worker, cleared.Value, err)
//	}
func Broadcast[Out any](ctx context.Context, pool *Pool, routine string, args ...any) iter.Seq2[BroadcastItem[Out], error] {
	return func(yield func(BroadcastItem[Out], error) bool) {
		workers, calls, err := pool.eachWorker(routine, args)
		if err != nil {
			yield(BroadcastItem[Out]{}, err)
			return
		}
		for answer, err := range MapOver[Out](ctx, pool, routine, slices.Values(calls), MapOptions{InFlight: len(calls)}) {
			item := BroadcastItem[Out]{Value: answer.Value}
			if answer.Index >= 0 {
				item.Worker = workers[answer.Index]
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// eachWorker are the workers that can be called, and the arguments for each.
func (p *Pool) eachWorker(routine string, args []any) (workers []string, calls []Arguments, _ error) {
	var options CallOptions
	if last := len(args) - 1; last >= 0 && isCallOptions(args[last]) {
		options, _ = args[last].(CallOptions)
		args = args[:last]
	}
	if options.Worker != "" {
		return nil, nil, newError(ErrInvalidArgument, "%s: a broadcast is for all workers; make a call to have it at one of them", routine)
	}
	status, err := p.Status()
	if err != nil {
		return nil, nil, err
	}
	up := 0
	for _, worker := range status.Workers {
		if worker.State != WorkerUp {
			continue
		}
		up++
		if !slices.Contains(worker.Routines, RoutineStatus{Name: routine, Kind: RoutineUnary}) {
			continue
		}
		options.Worker = worker.UID
		workers = append(workers, worker.UID)
		calls = append(calls, append(slices.Clone(Arguments(args)), options))
	}
	if len(workers) == 0 {
		none := newError(ErrNoWorkersAvailable, "%s: no worker is connected and takes calls: nobody was called", routine)
		if up > 0 {
			none = newError(ErrRoutineNotFound, "no worker that is connected and takes calls serves %s: nobody was called", routine)
		}
		none.Retryable = true
		return nil, nil, none
	}
	return workers, calls, nil
}

package wool

import (
	"context"
	"iter"
	"slices"
)

// MapOptions say how [MapOver] calls.
type MapOptions struct {
	// InFlight is how many calls are under way at most; 0 is 64.
	InFlight int
	// Ordered: outcomes come in the order of the inputs, and a slow call holds up those behind it. Else they come as
	// they are there.
	Ordered bool
	// Progress is told how far it has come, after each call that has ended, by the goroutine that runs the loop.
	Progress func(MapProgress)
	// Total is how many inputs there are, for Progress; 0 where that is not known before their end.
	Total int
	// Call refines each of the calls.
	Call CallOptions
}

// MapProgress is how far a [MapOver] has come.
type MapProgress struct {
	// Total is how many inputs there are; -1 while that is not known.
	Total int
	// Done is how many calls have ended, and Failed how many of those with an error.
	Done, Failed int
}

// Arguments as an input of [MapOver] are several arguments; a [Named] and [CallOptions] may be last. Any other input is
// one.
type Arguments []any

// MapItem is the result of a call of [MapOver].
type MapItem[Out any] struct {
	// Index is that of the input, from 0.
	Index int
	// Value is the zero value where the call has failed.
	Value Out
}

// defaultInFlight is how many calls of a map are under way when nothing is said.
const defaultInFlight = 64

// MapOver calls a routine once for each input, so many at once as the options say, and iterates over the results. An error
// is that of its input's call, and stops none of the others. Inputs are taken, by the goroutine that runs the loop, when
// they can be called or, with Ordered, at most so many beyond what has come out as may be under way, and as many again:
// there may be any number of them. Leaving the loop cancels what is under way.
//
// When ctx ends, no input is taken any more, the calls that are under way end with it, and the last pair has the index
// -1 and ctx's error.
//
//	for square, err := range wool.MapOver[int](ctx, pool, "calc.square", slices.Values(numbers), wool.MapOptions{InFlight: 8}) {
//		if err != nil {
//			log.Printf("input %d: %v", square.Index, err)
//			continue
//		}
//		fmt.Println(square.Index, square.Value)
//	}
func MapOver[Out, In any](ctx context.Context, pool *Pool, routine string, inputs iter.Seq[In], options MapOptions) iter.Seq2[MapItem[Out], error] {
	return func(yield func(MapItem[Out], error) bool) {
		m := newMapping[Out](ctx, pool, routine, options)
		defer m.leave()
		next, stop := iter.Pull(inputs)
		defer stop()
		for {
			for m.wantsMore() {
				input, there := next()
				if !there {
					m.noMore()
					break
				}
				m.add(input)
			}
			if outcome, ready := m.take(); ready {
				if !yield(outcome.item, outcome.err) {
					return
				}
			} else if m.running > 0 {
				m.wait()
			} else {
				break
			}
		}
		if m.more {
			yield(MapItem[Out]{Index: -1}, contextError(ctx, routine))
		}
	}
}

// mapping is a map under way. It belongs to the goroutine of the loop.
type mapping[Out any] struct {
	// ctx is the calls': cancel ends them.
	ctx     context.Context
	cancel  context.CancelFunc
	pool    *Pool
	routine string
	options MapOptions

	// more inputs may be there. added have been taken, running of their calls are under way, and out have been given
	// to the loop.
	more                bool
	added, running, out int
	progress            MapProgress
	// ended has room for all that are under way.
	ended chan mapOutcome[Out]
	// ready are the outcomes that the loop has not had, by their place in its order.
	ready map[int]mapOutcome[Out]
}

type mapOutcome[Out any] struct {
	item MapItem[Out]
	err  error
}

func newMapping[Out any](ctx context.Context, pool *Pool, routine string, options MapOptions) *mapping[Out] {
	if options.InFlight <= 0 {
		options.InFlight = defaultInFlight
	}
	m := &mapping[Out]{
		pool: pool, routine: routine, options: options, more: true, ended: make(chan mapOutcome[Out], options.InFlight),
		progress: MapProgress{Total: -1}, ready: make(map[int]mapOutcome[Out]),
	}
	if options.Total > 0 {
		m.progress.Total = options.Total
	}
	m.ctx, m.cancel = context.WithCancel(ctx)
	return m
}

// wantsMore: another input can be called now.
func (m *mapping[Out]) wantsMore() bool {
	return m.more && m.running < m.options.InFlight && m.added-m.out < 2*m.options.InFlight && m.ctx.Err() == nil
}

func (m *mapping[Out]) noMore() {
	m.more = false
	m.progress.Total = m.added
}

func (m *mapping[Out]) add(input any) {
	args, several := input.(Arguments)
	if !several {
		args = Arguments{input}
	}
	args = slices.Clone(args)
	if len(args) == 0 || !isCallOptions(args[len(args)-1]) {
		args = append(args, m.options.Call)
	}
	outcome := mapOutcome[Out]{item: MapItem[Out]{Index: m.added}}
	m.added++
	m.running++
	go func() {
		outcome.err = m.pool.call(m.ctx, m.routine, args, &outcome.item.Value)
		m.ended <- outcome
	}()
}

func isCallOptions(value any) bool {
	_, is := value.(CallOptions)
	return is
}

// take is the next outcome for the loop, if it is there.
func (m *mapping[Out]) take() (outcome mapOutcome[Out], ready bool) {
	if outcome, ready = m.ready[m.out]; ready {
		delete(m.ready, m.out)
		m.out++
	}
	return outcome, ready
}

// wait is for one of the calls to end.
func (m *mapping[Out]) wait() {
	outcome := <-m.ended
	m.running--
	place := m.progress.Done
	if m.options.Ordered {
		place = outcome.item.Index
	}
	m.ready[place] = outcome
	m.count(outcome.err)
}

func (m *mapping[Out]) count(err error) {
	m.progress.Done++
	if err != nil {
		m.progress.Failed++
	}
	if m.options.Progress != nil {
		m.options.Progress(m.progress)
	}
}

// leave ends what is under way, and waits for it: a cancelled call ends at once.
func (m *mapping[Out]) leave() {
	m.cancel()
	for range m.running {
		<-m.ended
	}
}

package wool

import "context"

// TypedStream is a [PullStream] whose generator takes values of the type In and gives items of the type
// Out, as its [Yield] does.
type TypedStream[In, Out any] struct {
	stream *PullStream
}

// OpenStream opens a stream with types. See [Pool.Stream].
//
//	total, err := wool.OpenStream[int, int](ctx, pool, "calc.accumulate", 10)
//	...
//	defer total.Close(ctx)
//	ten, err := total.Next()
//	fifteen, err := total.Send(5)
func OpenStream[In, Out any](ctx context.Context, pool *Pool, routine string, args ...any) (*TypedStream[In, Out], error) {
	stream, err := pool.Stream(ctx, routine, args...)
	if err != nil {
		return nil, err
	}
	return &TypedStream[In, Out]{stream}, nil
}

// Next asks for the next item and waits for it. See [PullStream.Next].
func (s *TypedStream[In, Out]) Next() (Out, error) {
	var item Out
	err := s.stream.NextInto(&item)
	return item, err
}

// Send resumes the generator with a value and waits for the next item. See [PullStream.Send].
func (s *TypedStream[In, Out]) Send(value In) (Out, error) {
	var item Out
	err := s.stream.SendInto(value, &item)
	return item, err
}

// Throw raises an error in the generator and waits for the next item. See [PullStream.Throw].
func (s *TypedStream[In, Out]) Throw(err error) (Out, error) {
	var item Out
	failure := s.stream.ThrowInto(err, &item)
	return item, failure
}

// Close closes the generator at its yield and waits for its clean-up. See [PullStream.Close].
func (s *TypedStream[In, Out]) Close(ctx context.Context) error { return s.stream.Close(ctx) }

package wool

import "errors"

// ErrStreamClosed is what [Yield.Yield] returns when the caller has closed the stream.
var ErrStreamClosed = errors.New("wool: the caller has closed the stream")

// Yield gives a generator's items to its caller. Out is the type of the items, In that of the values
// which the caller sends back; it is the zero value as long as the caller only asks for the next item.
//
//	func countUp(ctx context.Context, y *wool.Yield[any, int], n int) error {
//		defer cleanUp()
//		for i := range n {
//			if _, err := y.Yield(i); err != nil {
//				return err
//			}
//		}
//		return nil
//	}
//
// A Yield belongs to the goroutine that runs the routine, and is of no use after that has returned.
type Yield[In, Out any] struct {
	task *task
}

// Yield gives the caller an item, waits until the caller asks for the next, and returns what it sends.
//
// An error is one of two things. Either the caller has thrown it ([PullStream.Throw]): errors.As finds what
// is registered under its name ([RegisterError]), else an [*Error] with its type and message. The routine
// handles it, and yields the next item; or it returns it, and then the stream ends with that very error. So
// it is with what the caller sends and In cannot hold, an [ErrCodec].
//
// Or there is no use in going on: it is [ErrStreamClosed] when the caller closed the stream, the context's
// error when the task was cancelled, an [*Error] when the item cannot be sent. The routine should then return,
// with this error (wrapped, if you like) or nil; its deferred functions are the clean-up for which the closing
// caller waits. A clean-up that fails returns its own error, alone or joined by [errors.Join]. A routine that
// yields once more ends there, as by [runtime.Goexit], and a closing caller is told so.
func (y *Yield[In, Out]) Yield(item Out) (In, error) {
	sent, err := y.task.yield(item)
	if err != nil || sent.data == nil {
		var none In
		return none, err
	}
	return y.decode(sent)
}

func (y *Yield[In, Out]) decode(sent payload) (In, error) {
	var value In
	if err := y.task.sentInto(sent, &value); err != nil {
		var none In
		return none, err
	}
	return value, nil
}

// yielder is what the runtime sees of any Yield.
type yielder interface {
	attach(t *task)
}

func (y *Yield[In, Out]) attach(t *task) { y.task = t }

// Package wool runs named functions in other processes, and serves them to others: without a broker,
// and in whatever language the other side is written.
//
// A routine is a plain function, registered under a name that is the contract between languages. A
// [Pool] calls the routines of workers: processes that it starts, and others that it finds.
//
//	func main() {
//		rt, err := wool.NewRuntime()
//		err = wool.Register(rt, "calc.add", func(ctx context.Context, a, b int) (int, error) { return a + b, nil })
//		err = wool.Main(rt, func() error {
//			pool, err := wool.NewPool(rt, wool.PoolOptions{})
//			sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2)
//			...
//		})
//	}
//
// # Workers
//
// A pool without options starts a worker process per core: this program again, which becomes a worker
// where it calls [Main]. That works under go run too, and in tests whose TestMain calls [Main] or
// [ServeIfSpawned]. Dead workers are replaced. When the pool closes, they end, and they end with this process
// however that ends.
//
// A [Worker] serves the routines of a [Runtime] in this process; a process may be worker and caller.
// [WorkerOptions.Publish] announces it where pools with the same [Discovery] find it:
//
//	discovery := wool.LocalDiscovery{Namespace: "calc"}
//	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery})
//	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery})
//
// A program that is a worker is [RunWorker]: it serves until SIGTERM or SIGINT, and then drains.
//
// [Pool.Status] tells which workers a pool has, and which it turned away, and why; [ListWorkers] tells which there are
// without calling any.
//
// # Discoveries
//
// Where workers are announced and found is said by a [Discovery]: on this machine ([LocalDiscovery]), on the local network
// ([LANDiscovery]), at known addresses ([StaticDiscovery]), behind a name in DNS ([DNSDiscovery]), or in several of these
// ways at once ([StackedDiscovery]). One of the program's own, for a registry that it has anyway, is a [Discoverer] and,
// if it publishes workers as well, a [Publisher]:
//
//	func (r registry) Subscribe(ctx context.Context, s *wool.Subscriber) error {
//		for change := range r.watch(ctx) {
//			err := s.Found(change.record)
//			...
//		}
//		return ctx.Err()
//	}
//
//	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: wool.CustomDiscovery(registry)})
//
// # Balancers
//
// [PoolOptions.Balancer] says which of the workers that can take a call gets it: one after the other ([RoundRobin]), the
// one with the least to do ([LeastLoaded]), or the one that a function of the program's own chooses ([BalancerFunc]).
//
// # Contexts
//
// The context of a call is its life: its cancellation reaches the routine's own context on the other
// side, its deadline travels along as a budget. A call returns at once when its context ends; the
// worker's slot is held until the routine has really stopped.
//
// The values of a Go context stay where they are. What rides along with calls, beside their arguments, are the values of
// a context of wool's own, which a routine's ctx has and [WithContextValues] makes elsewhere. [SetContextValue] sets one,
// [UnsetContextValue] removes it, [ContextValue] reads it, and the worker's admission hook does so by
// [AdmissionRequest.ContextValue]. What a routine changes comes back with its items and its outcome.
//
//	var customer = wool.ContextKey{Namespace: "shop", Name: "customer"}
//
//	ctx = wool.WithContextValues(ctx)
//	err := wool.SetContextValue(ctx, customer, "Dolly")
//	sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2)
//
//	func add(ctx context.Context, a, b int) (int, error) {
//		var name string
//		found, err := wool.ContextValue(ctx, customer, &name)
//		...
//	}
//
// [CallOptions.Context] are values for one call only, which lie on top of these.
//
// # Nested calls
//
// A routine calls others by its caller's pool, without being told of it: [CallFrom], [StreamFrom] and [OpenStreamFrom]
// find it in the routine's ctx, [PoolFromContext] is the pool itself, and [WithPool] puts another in its place, or one
// where there is none.
//
//	func twice(ctx context.Context, n int) (int, error) {
//		return wool.CallFrom[int](ctx, "calc.add", n, n)
//	}
//
// Every call that is made with the routine's ctx, by whatever pool, is nested: it has the task's id as its caller
// ([TaskFromContext]), the task's deadline and its context. While the task waits for the call, it lends its place to
// others, so that a recursion does not block itself. A task that is cancelled takes its nested calls with it, however
// deep.
//
// # Many calls
//
// [MapOver] calls a routine once for each of many inputs, so many at once as [MapOptions] say, and [Broadcast] once on
// every worker. [CallOptions.Worker] names the one worker that gets a call. [Retryable] tells whether a call that failed
// has certainly not begun.
//
// # Streams
//
// A routine may be a generator. [Stream] consumes one in a for loop, [Pool.Stream] step by step, [OpenStream]
// likewise with types. The generator runs to its next yield only when it is asked for an item, unless
// [CallOptions.Prefetch] asks ahead; leaving the loop closes it at its yield, so that its deferred clean-up
// runs. [PullStream.Send] resumes it with a value, [PullStream.Throw] with an error:
//
//	func weigh(ctx context.Context, y *wool.Yield[int, int]) error {
//		for total := 0; ; {
//			sent, err := y.Yield(total)
//			if err != nil {
//				return err
//			}
//			total += sent
//		}
//	}
//
//	scale, err := wool.OpenStream[int, int](ctx, pool, "wool.weigh")
//	nothing, err := scale.Next()
//	four, err := scale.Send(4)
//
// # Values
//
// Arguments, results and items are values of the network. Every one has a form in Go:
//
//	wire              Go, decoded into any
//	null              nil
//	bool              bool
//	int               int64, beyond it *big.Int
//	float             float64
//	string            string
//	bytes             []byte
//	list              []any
//	tuple             Tuple
//	map               map[string]any; map[any]any; Map where a key is no key for a Go map
//	set               Set
//	timestamp         time.Time, in UTC
//	date, time        Date, TimeOfDay
//	duration          time.Duration
//	decimal           Decimal
//	uuid              UUID
//	named             Extension
//
// Encoding takes all of these, every other integer, float, string and bool type, slices, arrays,
// maps and pointers (nil is null). Typed targets convert where nothing is lost, or fail.
//
// A struct is a map of its exported fields. The tag `wool:"name,omitempty"` renames a field and leaves it
// out where it is zero, `wool:"-"` keeps it out; fields of an embedded struct are the outer one's own. Keys
// without a field are passed over; a field without a key is an error, unless it is a pointer or has
// omitempty.
//
// # Errors
//
// What goes wrong is an [*Error], or a [*ValueError] of the codec. Its kind is the same in every language
// and can be asked for: errors.Is(err, [ErrRoutineNotFound]). A routine's failure has the kind
// [ErrTaskFailed] and carries the remote type name, message, traceback, data and causes; %+v prints them all.
// Where a context was the cause, errors.Is finds [context.Canceled] and [context.DeadlineExceeded] too.
//
// [RegisterError] gives an error type of the program's own a name. A routine that returns such an error, in
// whatever language, makes one in its caller: errors.As finds it there, with its data.
//
// # Limits
//
// A worker runs as many tasks at once as [WorkerOptions.Concurrency] says, each on a goroutine of its own, which
// may block or compute. [WorkerOptions.Admit] decides call by call. What a worker does not take waits for another,
// as long as [CallOptions.DispatchTimeout] allows.
//
// # Security
//
// With [Credentials], workers and pools talk TLS, each proving to the other who it is; they may be used by all of a
// program, and are renewed while they are. A worker with credentials may serve beyond this machine:
//
//	credentials, err := wool.NewCredentials(wool.CredentialsOptions{
//		CAFile: "ca.pem", CertificateFile: "worker.pem", KeyFile: "worker.key",
//	})
//	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Bind: "0.0.0.0:7000", Credentials: credentials})
//	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{"worker.example:7000"}, Credentials: credentials})
//
// [WorkerOptions.Callers] and [WorkerOptions.RoutineCallers] say who may call what, by the names of their certificates;
// routines read those from [TaskInfo], and the admission hook by [AdmissionRequest.Peer]. [WorkerOptions.Stoppers] may
// stop a worker over the network, and [WorkerOptions.PeerLimits] are what one peer may take of it. A pool verifies a worker
// by the address that it dials, or by an identity that [PoolOptions.Peers] or [PoolOptions.PeerCheck] believe.
//
// # Task events
//
// [Runtime.TaskEvents] tells what happens to tasks, at their callers and at their workers, in the order in which it
// happens to each. What the program is too slow for is missed and counted; nothing is paid while nobody listens.
//
// # Lifetimes
//
// Everything that has a Close or Stop wants it called; nothing is closed by the garbage collector, which
// only makes a warning in the log of what was forgotten. All of it may be used from any goroutine.
// Tasks are performed at most once: nothing is retried after a routine may have started.
package wool

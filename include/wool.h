/* libwool: a distributed task runtime, for C.
 *
 * Written from ffi/src by `cargo build -p libwool`: do not edit. For C++ there is wool.hpp.
 *
 * Rules that hold for every function, unless it says otherwise:
 *
 *  1. Runtimes, workers, pools, queues, errors, builders and readers are pointers to opaque things: made by a _new,
 *     freed by a _free. Freeing NULL does nothing; use after free is undefined. Calls, streams, tasks and the questions
 *     that you are asked are numbers, which go stale and are never used again: cancelling what is over, cancelling twice
 *     and answering too late are harmless.
 *  2. Options begin with struct_size; start from their WOOL_..._OPTIONS_INIT. Zero is every option's default. Structs
 *     with a struct_size grow at their end, and so does wool_event_t, whose arrays come with the size of an element:
 *     programs and libraries of different versions understand each other. All others never change.
 *  3. Functions answer with a wool_status_t. On a failure, and only then, `*error` is set to the whole story, which
 *     belongs to you; `error` may be NULL. Out-parameters are written on success only, and only what is said to
 *     be optional may be NULL.
 *  4. Bytes and text are pointer and length, text is UTF-8. A wool_slice_t or wool_payload_t is borrowed: given to a
 *     function, it is copied before that returns. A wool_bytes_t with an owner is yours.
 *  5. Callbacks come with user_data and a destructor, which is called exactly once, also if the registration fails -
 *     but not if the options could not be read at all. When the close of what they belong to has returned, no
 *     callback starts.
 *  6. Everything ends up in completion queues: submit with a tag, drain events. A slot is reserved at submit, so
 *     what was submitted can always complete, and a full queue refuses with WOOL_ERR_BUSY. A queue is drained by
 *     you (woken by a blocking drain, a descriptor, or a doorbell) or by a handler on a thread of its own. Blocking
 *     functions wait without one.
 *  7. Streams are pulled: nothing runs before it is asked for. Nothing yet (WOOL_PENDING), an item (WOOL_OK), the end
 *     (WOOL_END) and an error are four different answers. Routines answer tasks by handle, now or later, from any
 *     thread.
 *  8. No panic crosses into your code: it becomes WOOL_ERR_PANIC. After a fork the child gets WOOL_ERR_FORKED from
 *     whatever would need the library's threads; freeing is safe there.
 *  9. Waits take milliseconds: < 0 is for ever, 0 is not at all. Closing may be repeated and may race with anything;
 *     what is pending ends as WOOL_ERR_CLOSED. Past its time it answers WOOL_ERR_TIMEOUT and goes on. Inside a
 *     callback it is refused; the _submit functions are for there. Freeing never blocks.
 * 10. Everything may be used from any thread, unless a type says otherwise. Callbacks come on threads named wool-*;
 *     they may block only where they say so, and must not throw or longjmp through the library.
 * 11. The library touches no signal handlers, stdin, stdout, stderr or environment variables, and does nothing at
 *     exit. It stays loaded once it is. Three exceptions: in a process that a pool has started, wool_serve_if_spawned
 *     takes over stdin, SIGTERM and SIGINT; what such processes write to stderr is passed on to the pool's stderr; and
 *     wool_worker_run takes over SIGTERM and SIGINT until it returns.
 */


#ifndef WOOL_H
#define WOOL_H

#include <stddef.h>
#include <stdint.h>
/* Options with everything at its default:
 *
 *   wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
 */
#ifdef __cplusplus
template <class Options>
inline Options wool_options_init() {
  Options options{};
  options.struct_size = sizeof(Options);
  return options;
}
#define WOOL_OPTIONS_INIT(type) wool_options_init<type>()
#else
#define WOOL_OPTIONS_INIT(type) { .struct_size = sizeof(type) }
#endif

#define WOOL_RUNTIME_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_runtime_options_t)
#define WOOL_QUEUE_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_queue_options_t)
#define WOOL_ROUTINE_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_routine_options_t)
#define WOOL_FAULT_INIT WOOL_OPTIONS_INIT(wool_fault_t)
#define WOOL_TASK_INFO_INIT WOOL_OPTIONS_INIT(wool_task_info_t)
#define WOOL_CREDENTIALS_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_credentials_options_t)
#define WOOL_LAN_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_lan_options_t)
#define WOOL_CUSTOM_DISCOVERY_INIT WOOL_OPTIONS_INIT(wool_custom_discovery_t)
#define WOOL_WORKER_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_worker_options_t)
#define WOOL_ADMISSION_INFO_INIT WOOL_OPTIONS_INIT(wool_admission_info_t)
#define WOOL_POOL_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_pool_options_t)
#define WOOL_PEER_INFO_INIT WOOL_OPTIONS_INIT(wool_peer_info_t)
#define WOOL_CHOICE_INFO_INIT WOOL_OPTIONS_INIT(wool_choice_info_t)
#define WOOL_CALL_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_call_options_t)
#define WOOL_TASK_EVENTS_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_task_events_options_t)
#define WOOL_MAP_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_map_options_t)
#define WOOL_MAP_ITEM_INIT WOOL_OPTIONS_INIT(wool_map_item_t)
#define WOOL_MAP_PROGRESS_INIT WOOL_OPTIONS_INIT(wool_map_progress_t)
#define WOOL_BROADCAST_ITEM_INIT WOOL_OPTIONS_INIT(wool_broadcast_item_t)


// What a function answers. Errors are negative; their numbers are those of the wire, negated, and a
// retired one is never used again. A later version may answer with numbers that are not listed here:
// treat an unknown negative one as WOOL_ERR_INTERNAL.
enum wool_status_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // It worked.
  WOOL_OK = 0,
  // The stream, the values: there are no more.
  WOOL_END = 1,
  // Nothing yet: the time given was up first. What was asked for stays asked.
  WOOL_PENDING = 2,
  // An argument is not acceptable: NULL, a stale handle, a name that is none, a wait inside a callback.
  WOOL_ERR_INVALID_ARGUMENT = -1,
  // No candidate was found within the dispatch timeout.
  WOOL_ERR_NO_WORKERS_AVAILABLE = -2,
  // Every worker that was found says that it does not serve the routine.
  WOOL_ERR_ROUTINE_NOT_FOUND = -3,
  // The name is taken.
  WOOL_ERR_ALREADY_EXISTS = -4,
  // A worker refused the task for a reason that has no number of its own.
  WOOL_ERR_REJECTED = -5,
  // A limit is reached: a queue's slots, a worker's tasks. Later it may work.
  WOOL_ERR_BUSY = -6,
  // The connection to the worker was lost after it may have started the task.
  WOOL_ERR_WORKER_LOST = -7,
  // The routine failed; the wool_error_t tells its story.
  WOOL_ERR_TASK_FAILED = -8,
  // The task was cancelled.
  WOOL_ERR_CANCELLED = -9,
  // The call's budget of time is used up.
  WOOL_ERR_DEADLINE_EXCEEDED = -10,
  // A wait ended before what it waited for.
  WOOL_ERR_TIMEOUT = -11,
  // A payload is larger than the peer or this side accepts.
  WOOL_ERR_PAYLOAD_TOO_LARGE = -12,
  // A value cannot be encoded or decoded.
  WOOL_ERR_CODEC = -13,
  // The peers could not agree to talk: version, identity.
  WOOL_ERR_HANDSHAKE = -14,
  // It is not allowed.
  WOOL_ERR_PERMISSION_DENIED = -15,
  // The peer broke the protocol.
  WOOL_ERR_PROTOCOL = -16,
  // A discovery failed.
  WOOL_ERR_DISCOVERY = -17,
  // A worker process could not be started.
  WOOL_ERR_SPAWN_FAILED = -18,
  // The operating system refused.
  WOOL_ERR_IO = -19,
  // This build or the peer does not offer it.
  WOOL_ERR_UNSUPPORTED = -20,
  // What was called has been closed.
  WOOL_ERR_CLOSED = -21,
  // This process was forked after the library had begun to work: nothing works here any more.
  WOOL_ERR_FORKED = -22,
  // A panic was caught.
  WOOL_ERR_PANIC = -23,
  // A defect of this library.
  WOOL_ERR_INTERNAL = -24,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_status_t wool_status_t;
#else
typedef int32_t wool_status_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a payload's bytes are to be read.
enum wool_codec_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // A value: see wool_value_builder_new and wool_value_reader_new.
  WOOL_CODEC_MSGPACK = 1,
  // Bytes that mean themselves.
  WOOL_CODEC_RAW = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_codec_t wool_codec_t;
#else
typedef int32_t wool_codec_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What an event tells.
enum wool_event_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // A call's result.
  WOOL_EVENT_RESULT = 1,
  // A stream's item: the answer to one granted next.
  WOOL_EVENT_ITEM = 2,
  // A stream is over. Nothing follows.
  WOOL_EVENT_END = 3,
  // A call or stream failed. Nothing follows.
  WOOL_EVENT_ERROR = 4,
  // A task to run: `handle` is a wool_task_t, `payload` holds its arguments.
  WOOL_EVENT_TASK = 5,
  // What a stream's task is to do next, `step`; answer before the next step comes.
  WOOL_EVENT_STEP = 6,
  // A task should stop: its caller has left, its time is up, or the worker stops. Answer it, soon.
  WOOL_EVENT_CANCEL = 7,
  // What was stopped or closed with a `_submit` function is.
  WOOL_EVENT_CLOSED = 8,
  // A worker's admission hook is asked: `handle` is a wool_admission_t.
  WOOL_EVENT_ADMISSION = 9,
  // Something happened to a task (wool_task_events_new): `payload` holds a map with `kind` ("task-created", ...),
  // `side` ("caller" or "worker"), `timestamp_us` (int), `id` (uuid), `routine`, `caller` and `worker` (uuid or
  // null), `step` ("next", "send", "throw" or null), `status` ("OK", an error's name, or null).
  WOOL_EVENT_TASK_EVENT = 10,
  // A discovery of yours is asked for workers: `handle` is a wool_subscription_t, to be told of them from now on.
  WOOL_EVENT_SUBSCRIBE = 11,
  // That is over: `handle` is the subscription, stale now. One comes for each WOOL_EVENT_SUBSCRIBE, also when the queue
  // is full or closed.
  WOOL_EVENT_UNSUBSCRIBE = 12,
  // A worker wants to be found by a discovery of yours, or has a newer record: `handle` is a wool_publication_t,
  // `payload` holds the record, a map.
  WOOL_EVENT_PUBLISH = 13,
  // A worker that was published takes no more calls: `handle` is a wool_publication_t, `payload` holds its uid, a
  // string.
  WOOL_EVENT_WITHDRAW = 14,
  // A balancer of yours is to choose a worker for a call: `handle` is a wool_choice_t.
  WOOL_EVENT_CHOICE = 15,
  // A pool's own check is to say whether the identity that a worker claims is believed: `handle` is a wool_peer_check_t.
  WOOL_EVENT_PEER_CHECK = 16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_event_kind_t wool_event_kind_t;
#else
typedef int32_t wool_event_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What the task of a stream is asked to do.
enum wool_step_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Run to the next yield: answer with wool_task_yield, wool_task_end or wool_task_fail.
  WOOL_STEP_NEXT = 1,
  // As WOOL_STEP_NEXT, and the yield gives the routine the value that the caller sends. Never the first step.
  WOOL_STEP_SEND = 2,
  // As WOOL_STEP_NEXT, and the yield raises the error that the caller throws: a routine that does not catch it
  // answers with wool_task_fail_with. Never the first step.
  WOOL_STEP_THROW = 3,
  // Clean up at the yield point: answer with wool_task_end or wool_task_fail. A yield fails the task.
  WOOL_STEP_CLOSE = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_step_t wool_step_t;
#else
typedef int32_t wool_step_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happened to a task.
enum wool_task_event_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // The caller made the call.
  WOOL_TASK_CREATED = 1,
  // The caller gave it to a worker's session - again, if it is offered elsewhere; the worker took it.
  WOOL_TASK_SCHEDULED = 2,
  // The routine began to run.
  WOOL_TASK_STARTED = 3,
  // The routine has stopped.
  WOOL_TASK_STOPPED = 4,
  // The caller knows the outcome; the worker has given its last answer.
  WOOL_TASK_COMPLETED = 5,
  // The caller asked a generator for a step.
  WOOL_TASK_ITERATION_INITIATED = 6,
  // The routine was resumed for it.
  WOOL_TASK_ITERATION_STARTED = 7,
  // The routine yielded the item; the item came.
  WOOL_TASK_ITERATION_COMPLETED = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_task_event_kind_t wool_task_event_kind_t;
#else
typedef int32_t wool_task_event_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Where something happened to a task.
enum wool_side_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // At a pool that makes the call.
  WOOL_SIDE_CALLER = 1,
  // At a worker that runs the task.
  WOOL_SIDE_WORKER = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_side_t wool_side_t;
#else
typedef int32_t wool_side_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Whether a routine answers once or with a stream of items.
enum wool_routine_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // One result.
  WOOL_ROUTINE_UNARY = 1,
  // A generator.
  WOOL_ROUTINE_STREAM = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_routine_kind_t wool_routine_kind_t;
#else
typedef int32_t wool_routine_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a value is.
enum wool_value_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Nothing.
  WOOL_VALUE_NULL = 1,
  // `boolean`, 0 or 1.
  WOOL_VALUE_BOOL = 2,
  // `integer`.
  WOOL_VALUE_INT = 3,
  // `unsigned_integer`, above INT64_MAX.
  WOOL_VALUE_UINT = 4,
  // `number`.
  WOOL_VALUE_FLOAT = 5,
  // `bytes`, UTF-8.
  WOOL_VALUE_STRING = 6,
  // `bytes`.
  WOOL_VALUE_BYTES = 7,
  // `count` elements follow.
  WOOL_VALUE_LIST = 8,
  // `count` pairs of key and value follow.
  WOOL_VALUE_MAP = 9,
  // `count` elements follow.
  WOOL_VALUE_TUPLE = 10,
  // `count` distinct elements follow.
  WOOL_VALUE_SET = 11,
  // `integer` seconds since 1970-01-01T00:00Z, and `nanos`.
  WOOL_VALUE_TIMESTAMP = 12,
  // `integer` days since 1970-01-01.
  WOOL_VALUE_DATE = 13,
  // `integer` nanoseconds since midnight.
  WOOL_VALUE_TIME = 14,
  // `integer` seconds, and `nanos`, which always add: -0.5 s is -1 s and 500,000,000 ns.
  WOOL_VALUE_DURATION = 15,
  // `bytes`: its canonical text, e.g. "12.50".
  WOOL_VALUE_DECIMAL = 16,
  // `bytes`: 16 of them.
  WOOL_VALUE_UUID = 17,
  // `integer` is the sign, -1 or 1; `bytes` the magnitude, big-endian. Beyond 64 bits.
  WOOL_VALUE_BIGINT = 18,
  // `bytes`: the type's name; one value follows.
  WOOL_VALUE_NAMED = 19,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_value_kind_t wool_value_kind_t;
#else
typedef int32_t wool_value_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a pool spreads its calls over the workers that can take them.
enum wool_balancer_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // One after the other.
  WOOL_BALANCER_ROUND_ROBIN = 0,
  // Of two that are drawn by lot, the one with fewer calls of this pool in flight.
  WOOL_BALANCER_LEAST_LOADED = 1,
  // As you say.
  WOOL_BALANCER_CUSTOM = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum wool_balancer_t wool_balancer_t;
#else
typedef int32_t wool_balancer_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A call on each of a pool's workers. It keeps its pool open.
typedef struct wool_broadcast_t wool_broadcast_t;

// Values that ride along with calls, each under a namespace and a name. Each task has one (wool_task_context); outside
// of tasks it is made by hand. What a callee sets and unsets in its own is in its caller's when the answer is.
//
// The namespace "w3c" has two names, "traceparent" and "baggage", whose values are text and do not flow back.
typedef struct wool_context_t wool_context_t;

// What a process presents to its peers, and whom it believes. Given to workers and pools, which keep what they need of it
// and may share it.
typedef struct wool_credentials_t wool_credentials_t;

// Where workers are announced and found. Given to workers and pools, which keep what they need of it.
typedef struct wool_discovery_t wool_discovery_t;

// Why something did not work. It belongs to whoever received it: wool_error_free. What its functions return is
// valid until then. It may be read from several threads at once.
typedef struct wool_error_t wool_error_t;

// Calls of one routine, one for each input. It keeps its pool open. Several threads may add and take.
typedef struct wool_map_t wool_map_t;

// The caller's view of a set of workers.
typedef struct wool_pool_t wool_pool_t;

// Where completions, and tasks, arrive.
typedef struct wool_queue_t wool_queue_t;

// Owns the threads, the routines, and what is made with it.
typedef struct wool_runtime_t wool_runtime_t;

// Listens to the task events of a runtime.
typedef struct wool_task_events_t wool_task_events_t;

// Writes a value, or the arguments of a call, as MessagePack. Not for several threads at once.
//
// Errors stick: after one, every further call returns it, and so does wool_value_builder_finish. So it is enough to
// look at what finish answers.
typedef struct wool_value_builder_t wool_value_builder_t;

// Reads a value, or the arguments of a call, one after the other: a container's head, then its contents. Not for
// several threads at once.
typedef struct wool_value_reader_t wool_value_reader_t;

// Serves a runtime's routines, in this process.
typedef struct wool_worker_t wool_worker_t;

// Bytes that belong to whoever received them, when `owner` is not NULL: give them back with
// wool_bytes_free. With `owner` NULL they are borrowed, as the function says that made them so.
typedef struct wool_bytes_t {
  // The first byte.
  const uint8_t *ptr;
  // How many there are.
  size_t len;
  // What keeps them; of no interest but for being NULL or not.
  void *owner;
} wool_bytes_t;

// Borrowed bytes or UTF-8 text, not terminated. As an argument they are valid during the call; as a result,
// as long as the function says. `ptr` may be NULL when `len` is 0.
typedef struct wool_slice_t {
  // The first byte.
  const uint8_t *ptr;
  // How many there are.
  size_t len;
} wool_slice_t;

// An encoded value, borrowed. Functions that take one copy it.
typedef struct wool_payload_t {
  // The bytes.
  struct wool_slice_t data;
  // A wool_codec_t.
  int32_t codec;
} wool_payload_t;

// How a task fails.
typedef struct wool_fault_t {
  // sizeof(wool_fault_t)
  size_t struct_size;
  // What kind of failure, a negative wool_status_t. 0 = WOOL_ERR_TASK_FAILED.
  int32_t status;
  // Name of the error's type in your language, e.g. "ValueError"; may be empty.
  struct wool_slice_t type;
  // What it says.
  struct wool_slice_t message;
  // Where it was raised: lines, outermost first; may be NULL.
  const struct wool_slice_t *traceback;
  // How many there are.
  size_t traceback_len;
  // The error's own data; may be NULL.
  const struct wool_payload_t *value;
  // What caused it (see wool_error_new); may be NULL. It stays yours.
  const struct wool_error_t *cause;
} wool_fault_t;

// Takes a message of the library. `level`: 1 error, 2 warning, 3 info, 4 debug; `target`: which part of the
// library speaks. The texts are valid during the call. On any of wool's threads, several at once; must not
// block, and must call nothing of wool.
typedef void (*wool_log_fn)(void *user_data,
                            int32_t level,
                            struct wool_slice_t target,
                            struct wool_slice_t message);

// Frees what `user_data` points at. Called exactly once, when it is certain that the callbacks given with it
// will not be called again - also when registering them failed. On any thread; must not block.
typedef void (*wool_destroy_fn)(void *user_data);

// How a runtime is set up.
typedef struct wool_runtime_options_t {
  // sizeof(wool_runtime_options_t)
  size_t struct_size;
  // Threads on which routines given as callbacks run; so many run at once. 0 = one per core. (Admission hooks have
  // threads of their own.)
  uint32_t routine_threads;
  // The most detailed level that `log` wants; 0 = none.
  int32_t log_level;
  // Takes the library's messages, which go nowhere else; may be NULL.
  wool_log_fn log;
  // Given to `log`.
  void *log_user_data;
  // Frees `log_user_data`; may be NULL.
  wool_destroy_fn log_destroy;
  // The language of the host, which peers are told. Empty = "c".
  struct wool_slice_t language;
} wool_runtime_options_t;

// Tells that a queue that was empty has events. Called on one of wool's threads, or on a thread of yours
// inside a function that ends a call (a cancel, a close), and, where the queue takes task events, inside one that
// makes a call, asks a generator or answers a task. Must not block, and must call nothing of wool:
// wake the thread that drains. It is not called again before a drain has found the queue empty, that is, has
// filled fewer events than it had room for.
typedef void (*wool_doorbell_fn)(void *user_data);

// Something that happened.
typedef struct wool_event_t {
  // A wool_event_kind_t. Skip kinds that you do not know, freeing `payload` and `error`.
  int32_t kind;
  // WOOL_OK, or the wool_status_t of `error`.
  int32_t status;
  // As given with the call, stream, routine, admission hook, discovery, balancer, peer check or close.
  uint64_t tag;
  // The call, stream, task, admission, subscription, publication, choice or peer check; 0 for WOOL_EVENT_CLOSED.
  uint64_t handle;
  // Of RESULT and ITEM the value, of TASK the arguments, of a STEP that is WOOL_STEP_SEND what was sent, of TASK_EVENT
  // what happened, of PUBLISH the record, of WITHDRAW the uid. It lies in the drainer's slab when `owner` is NULL;
  // otherwise it belongs to the drainer: wool_bytes_free.
  struct wool_bytes_t payload;
  // The payload's wool_codec_t; 0 without a payload.
  int32_t codec;
  // Of STEP, a wool_step_t; else 0.
  int32_t step;
  // Of ERROR and a failed CLOSED, why; of a STEP that is WOOL_STEP_THROW, what was thrown; else NULL. It belongs to
  // the drainer: wool_error_free.
  struct wool_error_t *error;
} wool_event_t;

// Takes an event, on the queue's thread `wool-callback`; it may block, and then holds up this queue only.
// The event is valid during the call. Its payload and error belong to wool and are freed afterwards, unless you
// take them: set `payload.owner`, `error` to NULL then.
typedef void (*wool_event_fn)(void *user_data, struct wool_event_t *event);

// How a queue is set up.
typedef struct wool_queue_options_t {
  // sizeof(wool_queue_options_t)
  size_t struct_size;
  // How many events can be outstanding, queued and promised; what would go beyond is refused as
  // WOOL_ERR_BUSY when it is submitted. 0 = 65,536.
  uint32_t capacity;
  // Called when events come to the empty queue; may be NULL.
  wool_doorbell_fn doorbell;
  // Given to `doorbell`.
  void *doorbell_user_data;
  // Frees `doorbell_user_data`; may be NULL.
  wool_destroy_fn doorbell_destroy;
  // Not NULL: wool drains the queue itself and hands each event to this function; wool_queue_drain is refused.
  wool_event_fn handler;
  // Given to `handler`.
  void *handler_user_data;
  // Frees `handler_user_data`; may be NULL.
  wool_destroy_fn handler_destroy;
} wool_queue_options_t;

// A task's handle, as the routine sees it. It is stale once the task is answered. See wool_call_t.
typedef uint64_t wool_task_t;

// A value of a call's context. Borrowed.
typedef struct wool_context_value_t {
  // Whose name it is, e.g. "shop".
  struct wool_slice_t namespace_;
  // What it is called there.
  struct wool_slice_t name;
  // The value, WOOL_CODEC_MSGPACK.
  struct wool_payload_t value;
} wool_context_value_t;

// What a task is.
typedef struct wool_task_info_t {
  // sizeof(wool_task_info_t)
  size_t struct_size;
  // Its UUID.
  uint8_t id[16];
  // The task that called it; zeros if none did.
  uint8_t caller[16];
  // The worker that runs it.
  uint8_t worker_uid[16];
  // What is left of its budget of time, in milliseconds; -1 = there is no deadline.
  int64_t remaining_ms;
  // What came along with the call; NULL when nothing did. Valid until the task has been answered. What has changed
  // since is in wool_task_context.
  const struct wool_context_value_t *context;
  // How many values these are.
  size_t context_count;
  // The routine, by the name under which it was called. Valid until the task has been answered.
  struct wool_slice_t routine;
  // The caller's label. Valid as `routine`.
  struct wool_slice_t tag;
  // The names that its caller's certificate holds, DNS names and URIs; NULL without TLS. Valid as `routine`.
  const struct wool_slice_t *peer;
  // How many there are.
  size_t peer_count;
} wool_task_info_t;

// Begins a task. On a thread `wool-task`, where it may block, or where the routine's `on_io_thread` says, where it must
// not. `info` and `arguments` are valid during the call.
// Answer a unary task with wool_task_return or wool_task_fail, now or later, from any thread; a stream's task is
// only set up here (wool_task_set_state) and answers its steps.
typedef void (*wool_run_fn)(void *user_data,
                            wool_task_t task,
                            const struct wool_task_info_t *info,
                            struct wool_payload_t arguments);

// Does a step (a wool_step_t) of a stream's task, after `run` has returned, on such a thread as that; one step of a task
// at a time. Answer as the step says, now or later, from any thread. `state` is what
// wool_task_set_state left, else NULL. `sent` is the value of WOOL_STEP_SEND, else empty; `thrown` the error of
// WOOL_STEP_THROW, else NULL; both are valid during the call.
typedef void (*wool_step_fn)(void *user_data,
                             wool_task_t task,
                             void *state,
                             int32_t step,
                             struct wool_payload_t sent,
                             const struct wool_error_t *thrown);

// A task should stop; it is still to be answered. Also while `run` or a step is under way; on a thread that must
// not be held up: it must not block.
typedef void (*wool_cancel_fn)(void *user_data, wool_task_t task, void *state);

// A routine: served by callbacks, or by a queue.
typedef struct wool_routine_options_t {
  // sizeof(wool_routine_options_t)
  size_t struct_size;
  // Dotted, e.g. "calc.add": the contract between languages.
  struct wool_slice_t name;
  // A wool_routine_kind_t.
  int32_t kind;
  // What it does, for people who list routines; may be empty.
  struct wool_slice_t doc;
  // Names of the positional parameters, by which callers may pass them (see wool_value_reader_new_bound), and for
  // people who list routines; may be NULL.
  const struct wool_slice_t *parameters;
  // How many there are.
  size_t parameter_count;
  // Begins a task. Optional for a stream without arguments and state.
  wool_run_fn run;
  // Does a step; for streams.
  wool_step_fn step;
  // Hears of a cancel; may be NULL (wool_task_is_cancelled tells, too).
  wool_cancel_fn cancel;
  // Given to the callbacks.
  void *user_data;
  // Frees `user_data`; may be NULL.
  wool_destroy_fn destroy;
  // Not NULL: tasks come as events of this queue, and the callbacks must be NULL.
  struct wool_queue_t *queue;
  // The `tag` of these events.
  uint64_t tag;
  // 1: the callbacks come on the I/O thread, `wool-io`, with no change of threads, which is most of what a small call
  // costs. They must not block there: wool's functions that wait fail with WOOL_ERR_INVALID_ARGUMENT, and while a callback
  // computes, all sessions of the runtime wait.
  int32_t on_io_thread;
} wool_routine_options_t;

// Something that happened to a task. Each task is told of from its beginning to its end or, to those who listen too late,
// not at all. Every CREATED of a caller is followed by one COMPLETED; at a worker so is every SCHEDULED, and every
// STARTED by one STOPPED before that.
typedef struct wool_task_event_t {
  // The size of this struct in the library, at least that of the header that you know.
  size_t struct_size;
  // A wool_task_event_kind_t.
  int32_t kind;
  // A wool_side_t.
  int32_t side;
  // When, in microseconds since 1970 (UTC), by this machine's clock.
  int64_t timestamp_us;
  // The task's UUID.
  uint8_t id[16];
  // The task that called it; zeros if none did.
  uint8_t caller[16];
  // The worker; zeros while the caller has given it to none.
  uint8_t worker_uid[16];
  // What it runs. Valid during the call.
  struct wool_slice_t routine;
  // Of an iteration, its wool_step_t; else 0.
  int32_t step;
  // Of WOOL_TASK_COMPLETED, how: WOOL_OK or the wool_status_t of the error; else 0.
  int32_t status;
} wool_task_event_t;

// Takes an event of a task, on a thread `wool-event` of its own; it may block, and then misses events. `event` is valid
// during the call.
typedef void (*wool_task_event_fn)(void *user_data, const struct wool_task_event_t *event);

// How a program listens to task events: by a handler or by a queue.
typedef struct wool_task_events_options_t {
  // sizeof(wool_task_events_options_t)
  size_t struct_size;
  // Called with each event.
  wool_task_event_fn handler;
  // Given to `handler`.
  void *user_data;
  // Frees `user_data` when `handler` is not called any more, or before wool_task_events_new returns an error; may be
  // NULL.
  wool_destroy_fn destroy;
  // Not NULL, with `handler` NULL: each event is a WOOL_EVENT_TASK_EVENT of this queue.
  struct wool_queue_t *queue;
  // The `tag` of these.
  uint64_t tag;
  // As many wait for the handler, or undrained in the queue; further ones are missed. 0 = 4,096.
  uint32_t capacity;
} wool_task_events_options_t;

// What credentials are made of. Each part is PEM: as text, or in a file, whose path is UTF-8 and which is read again when it
// changes; not both.
typedef struct wool_credentials_options_t {
  // sizeof(wool_credentials_options_t)
  size_t struct_size;
  // Certificates of the authorities that peers' certificates must lead to. A worker whose callers need none may leave it
  // out.
  struct wool_slice_t ca;
  // The own certificate, followed by those between it and its authority. A caller may leave it out, with its key, where
  // workers ask for none.
  struct wool_slice_t certificate;
  // Its private key, not encrypted: PKCS #8, PKCS #1 or SEC 1.
  struct wool_slice_t key;
  // Lists of certificates that are revoked. With one, every certificate of a peer must be covered by a list that is not
  // over.
  struct wool_slice_t crl;
  // The same, each as the path of a file.
  struct wool_slice_t ca_file;
  // As `ca_file`.
  struct wool_slice_t certificate_file;
  // As `ca_file`.
  struct wool_slice_t key_file;
  // As `ca_file`.
  struct wool_slice_t crl_file;
  // 1: a worker with these asks its callers for no certificate.
  int32_t one_way;
  // How often files are looked at, in milliseconds. 0 = 10,000.
  uint64_t poll_ms;
} wool_credentials_options_t;

// Provides the parts of credentials: fills `parts`, as one does for wool_credentials_new (`struct_size` is set, `poll_ms` does
// not count), or says in `*problem` why it cannot; then those of before stay. What is pointed at stays valid until the next
// call, or until `user_data` is freed. First called by wool_credentials_provided on its thread, then over and over on a thread
// of wool's, and by wool_credentials_reload; never two at once. It may block. It must not use these credentials itself.
typedef void (*wool_credentials_provide_fn)(void *user_data,
                                            struct wool_credentials_options_t *parts,
                                            struct wool_slice_t *problem);

// Which workers of the local network are meant.
typedef struct wool_lan_options_t {
  // sizeof(wool_lan_options_t)
  size_t struct_size;
  // Those that are published under this name, 1 to 128 bytes. Empty = those without one.
  struct wool_slice_t name_space;
  // Only these network interfaces, each by its name ("eth0") or an address of it; loopback counts only where it is
  // named. NULL = all but loopback.
  const struct wool_slice_t *interfaces;
  // How many there are.
  size_t interface_count;
} wool_lan_options_t;

// A pool, or wool_discovery_list, that wants to be told of workers by a discovery of yours. It is stale once it does not
// any more; telling it then is harmless.
typedef uint64_t wool_subscription_t;

// Wants to be told of workers from now on, by wool_subscription_found and its like, from any thread, within this call,
// too. On the thread that makes the pool; must not block.
typedef void (*wool_subscribe_fn)(void *user_data, wool_subscription_t subscription);

// Does not want to be told any more: `subscription` is stale. It comes once for each subscription, before its pool has
// closed. On any thread; must not block.
typedef void (*wool_unsubscribe_fn)(void *user_data, wool_subscription_t subscription);

// A worker that waits to be published, or withdrawn, by a discovery of yours. It goes stale with its answer; answering
// again is harmless.
typedef uint64_t wool_publication_t;

// A worker serves and wants to be found, or has a newer record: `record` is a value, a map as wool_subscription_found
// takes it. Answer with wool_publication_answer, now or later, from any thread; the worker waits for that, up to 30 s.
// The slices are valid during the call. On any thread; must not block.
typedef void (*wool_publish_fn)(void *user_data,
                                wool_publication_t publication,
                                struct wool_slice_t uid,
                                struct wool_slice_t record);

// A worker that was published takes no more calls. Answer as for wool_publish_fn: a draining worker waits for that. On
// any thread; must not block.
typedef void (*wool_withdraw_fn)(void *user_data, wool_publication_t publication, struct wool_slice_t uid);

// A discovery of your own, by callbacks or through a queue.
typedef struct wool_custom_discovery_t {
  // sizeof(wool_custom_discovery_t)
  size_t struct_size;
  // Somebody looks for workers. Not NULL, unless there is a `queue`.
  wool_subscribe_fn subscribe;
  // Somebody does not look for workers any more; may be NULL.
  wool_unsubscribe_fn unsubscribe;
  // A worker wants to be found; NULL = the discovery only finds workers.
  wool_publish_fn publish;
  // A worker that was published ends; NULL = nobody needs to hear of that.
  wool_withdraw_fn withdraw;
  // Given to all of them.
  void *user_data;
  // Frees `user_data`, when the discovery has been freed and no worker and no pool has it any more, or before
  // wool_discovery_new_custom returns an error; may be NULL.
  wool_destroy_fn destroy;
  // Not NULL, with the functions NULL: WOOL_EVENT_SUBSCRIBE, WOOL_EVENT_UNSUBSCRIBE, WOOL_EVENT_PUBLISH and
  // WOOL_EVENT_WITHDRAW come on this queue. While it has no room, pools and workers that need
  // it fail as WOOL_ERR_BUSY; once it is closed, as WOOL_ERR_CLOSED, and every subscription has ended. (A withdrawal
  // for which there is no room is not asked for.)
  struct wool_queue_t *queue;
  // The `tag` of these events.
  uint64_t tag;
  // With a queue, 1: workers are published and withdrawn through it. 0: the discovery only finds workers.
  int32_t publishes;
} wool_custom_discovery_t;

// A call that waits to be let into a worker. It goes stale with its answer.
typedef uint64_t wool_admission_t;

// What a worker's admission hook is asked about.
typedef struct wool_admission_info_t {
  // sizeof(wool_admission_info_t)
  size_t struct_size;
  // The routine that is called.
  struct wool_slice_t routine;
  // The caller's label.
  struct wool_slice_t tag;
  // How many other tasks are in flight on this worker, those that wait for their answer included.
  uint64_t in_flight;
  // What rides along with the call; NULL when nothing does.
  const struct wool_context_value_t *context;
  // How many values these are.
  size_t context_count;
  // The names that the caller's certificate holds, DNS names and URIs; NULL without TLS.
  const struct wool_slice_t *peer;
  // How many there are.
  size_t peer_count;
} wool_admission_info_t;

// Asks whether a call is let in. Answer with wool_admission_accept, wool_admission_busy, wool_admission_refuse or
// wool_admission_fail, now or later, from any thread. `info` is valid during the call. On a thread `wool-admit`: it
// may block, up to 64 of them at once, and holds up nothing but its call.
typedef void (*wool_admit_fn)(void *user_data,
                              wool_admission_t admission,
                              const struct wool_admission_info_t *info);

// How a worker is set up.
typedef struct wool_worker_options_t {
  // sizeof(wool_worker_options_t)
  size_t struct_size;
  // "host:port"; port 0 picks a free one. Empty = "127.0.0.1:0".
  struct wool_slice_t bind;
  // Also serves on a Unix socket at this path, which is readable by this user only. Empty = none.
  struct wool_slice_t socket_path;
  // Tasks that may run at once; those beyond are refused as WOOL_ERR_BUSY, and callers try another worker.
  // 0 = 1,024.
  uint32_t concurrency;
  // 1: may bind beyond loopback, where without TLS everybody who reaches the address could call.
  int32_t allow_plaintext;
  // Callers must present it. Empty = none.
  struct wool_slice_t secret;
  // Largest arguments, results and items, in bytes. 0 = 256 MiB.
  uint64_t max_payload;
  // Labels by which pools choose.
  const struct wool_slice_t *tags;
  // How many there are.
  size_t tag_count;
  // Where pools find this worker; NULL = nowhere. Without `secret`, one that is drawn by lot goes into the record,
  // and only who can read that may call.
  const struct wool_discovery_t *publish;
  // Decides which calls are taken, beside `concurrency`; NULL = all are. Each call is asked about once, when it has
  // come and has its place, which it holds until the answer. When its caller leaves, its time is up or the worker
  // stops, the place is free at once, and the answer does no harm any more.
  wool_admit_fn admit;
  // Given to `admit`.
  void *admit_user_data;
  // Frees `admit_user_data`, when the worker has stopped and no callback uses it any more, or before wool_worker_new
  // returns an error; may be NULL.
  wool_destroy_fn admit_destroy;
  // Not NULL, with `admit` NULL: the questions come as WOOL_EVENT_ADMISSION on this queue. While it has no room, the
  // worker is busy; once it is closed, the hook has failed.
  struct wool_queue_t *admit_queue;
  // The `tag` of these events.
  uint64_t admit_tag;
  // By which tasks call (wool_task_pool) whose caller's pool cannot be used here, as it is one of another machine or
  // cannot be described; NULL = they cannot call. It may be freed; the worker keeps it open.
  const struct wool_pool_t *pool;
  // How others reach it, in its record, where that is not what it is bound to: "host" or "host:port", IPv6 hosts in
  // brackets. NULL = the address that it is bound to. Bound to all addresses of the machine ("0.0.0.0:0"), a worker on
  // the LAN is reached at those of its networks; another discovery has to be told.
  const struct wool_slice_t *advertise;
  // How many there are.
  size_t advertise_count;
  // What else its record says of it, for others: a name, its value, the next name and so on.
  const struct wool_slice_t *extra;
  // How many slices these are: an even number.
  size_t extra_count;
  // What it presents to its callers, and which of them it believes; NULL = no TLS. With them it may bind beyond loopback.
  const struct wool_credentials_t *credentials;
  // The name that it claims in its record, and that its certificate holds: a DNS name or a URI (SPIFFE). Pools whose
  // `peers` accept it take that instead of the address that they dialled. Empty = none.
  struct wool_slice_t identity;
  // Whom it lets in, by patterns for a name of their certificate: "caller.example", "*.example",
  // "spiffe://example/caller", "spiffe://example/*", "*". None = all whose certificates are good. Over its Unix socket
  // the secret decides.
  const struct wool_slice_t *callers;
  // How many there are.
  size_t caller_count;
  // Who may call what, beside `callers`: pairs of a routine, or "prefix.*", and a pattern as above. A routine that is
  // named is for those alone.
  const struct wool_slice_t *routine_callers;
  // How many slices there are: twice the pairs.
  size_t routine_caller_count;
  // As `peers` of a pool, for those by which its tasks call on.
  const struct wool_slice_t *peers;
  // How many there are.
  size_t peer_count;
  // Who may stop it from elsewhere (the gRPC method wool.v1.Control/stop), by patterns as `callers`. None = nobody.
  const struct wool_slice_t *stoppers;
  // How many there are.
  size_t stopper_count;
  // What one peer may take of it: whoever presents certificates of the same names, or without names an IP address.
  // Connections at once; further ones are closed. 0 = 1,024.
  uint32_t peer_connections;
  // Sessions at once; further ones are refused as WOOL_ERR_BUSY. 0 = 1,024.
  uint32_t peer_sessions;
  // Tasks at once, over all sessions; further calls are answered as busy. 0 = 65,536.
  uint32_t peer_calls;
  // Bytes of large payloads that may be on their way to it or held by its tasks, over all sessions. Each session sets
  // aside what it lets its caller send ahead: 64 MiB, or half of what is left; a payload that is larger than that, its
  // size. What does not fit is refused. 0 = 64 GiB.
  uint64_t peer_bytes;
} wool_worker_options_t;

// Is told that a worker which is run (wool_worker_run) can be called, on the thread that runs it. `worker` is wool's, and
// valid during the call: for its address and uid, or to stop it. It may block.
typedef void (*wool_worker_started_fn)(void *user_data, struct wool_worker_t *worker);

// A call that waits for a worker to be chosen. It goes stale with its answer.
typedef uint64_t wool_choice_t;

// A worker that can take a call. More members may be added at the end.
typedef struct wool_choice_worker_t {
  // Its UUID, dashed.
  struct wool_slice_t uid;
  // Where the pool reaches it.
  struct wool_slice_t address;
  // Its labels; NULL when it has none.
  const struct wool_slice_t *tags;
  // How many these are.
  size_t tag_count;
  // Calls of this pool that it has and has not answered.
  uint64_t in_flight;
  // How many of them it takes.
  uint64_t capacity;
} wool_choice_worker_t;

// What a balancer chooses from.
typedef struct wool_choice_info_t {
  // sizeof(wool_choice_info_t)
  size_t struct_size;
  // The routine that is called.
  struct wool_slice_t routine;
  // The call's label.
  struct wool_slice_t tag;
  // The workers that can take it, at least one, in no order that means anything.
  const struct wool_choice_worker_t *workers;
  // How many there are.
  size_t worker_count;
  // The distance from one to the next in bytes: sizeof(wool_choice_worker_t) of the library, which may be newer than
  // the header.
  size_t worker_size;
} wool_choice_info_t;

// Chooses a worker for a call, and again when that did not take it. Answer with wool_choice_answer, now or later, from
// any thread; the call waits, up to its dispatch timeout. `info` is valid during the call. On the thread that makes the
// call, and on wool's, several at once; must not block.
typedef void (*wool_balance_fn)(void *user_data, wool_choice_t choice, const struct wool_choice_info_t *info);

// A worker whose claimed identity waits to be believed. It goes stale with its answer.
typedef uint64_t wool_peer_check_t;

// What a pool's own check is asked about.
typedef struct wool_peer_info_t {
  // sizeof(wool_peer_info_t)
  size_t struct_size;
  // What the worker claims to be: a DNS name or a URI. Nothing has been proved yet.
  struct wool_slice_t identity;
  // Its uid.
  struct wool_slice_t uid;
} wool_peer_info_t;

// Asks whether the identity that a worker claims is believed, before each attempt to connect to it. Answer with
// wool_peer_check_answer or wool_peer_check_fail, now or later, from any thread, within 10 s. `info` is valid during the call.
// On wool's I/O thread: must not block.
typedef void (*wool_peer_check_fn)(void *user_data,
                                   wool_peer_check_t check,
                                   const struct wool_peer_info_t *info);

// How a pool is set up. With nothing said, it starts a worker process per core. With `spawn`, it starts so many; with
// `discovery` or `addresses` it joins the workers that are there; with both it does both.
typedef struct wool_pool_options_t {
  // sizeof(wool_pool_options_t)
  size_t struct_size;
  // Worker processes to start and to keep up. 0 = one per core, or none where `discovery` or `addresses` are given;
  // < 0 = none.
  int32_t spawn;
  // 1: `command` starts this program again, so the program must have come past wool_serve_if_spawned.
  int32_t command_is_own;
  // The program that becomes a worker, and its arguments. NULL = this program, with its own arguments.
  const struct wool_slice_t *command;
  // How many there are.
  size_t command_count;
  // Tasks that each of the started workers may run at once. 0 = 1,024.
  uint32_t concurrency;
  // The most found workers that are admitted; those that the pool starts do not count. 0 = all.
  uint32_t lease;
  // What the started workers get to finish their tasks when the pool closes, in milliseconds: 0 cancels now,
  // < 0 waits for ever.
  int64_t grace_ms;
  // Where workers are found, and where those that the pool starts are published. NULL = the pool finds only its own.
  const struct wool_discovery_t *discovery;
  // Workers at fixed addresses: "host:port" or "unix:/path".
  const struct wool_slice_t *addresses;
  // How many there are.
  size_t address_count;
  // Found workers must have all of these labels; the started ones get them.
  const struct wool_slice_t *tags;
  // How many there are.
  size_t tag_count;
  // Connected workers that the first call waits for. 0 = it waits for one that takes it.
  uint32_t quorum;
  // 1: may dial beyond loopback without TLS, and let the started workers listen there.
  int32_t allow_plaintext;
  // How long calls wait for the quorum, in milliseconds. 0 = 60,000.
  uint64_t quorum_timeout_ms;
  // How long a call looks for a worker that takes it, in milliseconds. 0 = 60,000.
  uint64_t dispatch_timeout_ms;
  // Presented to the workers at `addresses`, and to those that are found elsewhere than on the LAN, unless their record
  // holds another. Empty = none.
  struct wool_slice_t secret;
  // Largest arguments, results and items, in bytes. 0 = 256 MiB.
  uint64_t max_payload;
  // Where the started workers listen: "host:port", port 0 picking a free one. Empty = "127.0.0.1:0".
  struct wool_slice_t bind;
  // How others reach the started workers, as in wool_worker_options_t.
  const struct wool_slice_t *advertise;
  // How many there are.
  size_t advertise_count;
  // How calls are spread over the workers, a wool_balancer_t.
  int32_t balancer;
  // With WOOL_BALANCER_CUSTOM: chooses a worker for each call. A choice that is never answered keeps its call waiting
  // up to the dispatch timeout.
  wool_balance_fn balance;
  // Given to `balance`.
  void *balance_user_data;
  // Frees `balance_user_data`, when the pool has closed and no callback uses it any more, or before wool_pool_new
  // returns an error; may be NULL.
  wool_destroy_fn balance_destroy;
  // Not NULL, with WOOL_BALANCER_CUSTOM and `balance` NULL: the questions come as WOOL_EVENT_CHOICE on this queue.
  // While it has no room, and once it is closed, calls are given to the workers in turn.
  struct wool_queue_t *balance_queue;
  // The `tag` of these events.
  uint64_t balance_tag;
  // What it presents to workers, and which of them it believes; NULL = no TLS. The workers that it starts get them, too,
  // never by a disk or an environment.
  const struct wool_credentials_t *credentials;
  // The identity of the started workers, as in wool_worker_options_t.
  struct wool_slice_t identity;
  // Whose identities are believed, by patterns as `callers` of a worker: a worker whose record claims such a one is
  // verified by it, wherever it is reached. All others, and without this all, by the address that was dialled.
  const struct wool_slice_t *peers;
  // How many there are.
  size_t peer_count;
  // Instead of `peers`: says whether the identity that a worker claims is believed.
  wool_peer_check_fn peer_check;
  // Given to `peer_check`.
  void *peer_check_user_data;
  // Frees `peer_check_user_data`, when the pool has closed and no callback uses it any more, or before wool_pool_new
  // returns an error; may be NULL.
  wool_destroy_fn peer_check_destroy;
  // Not NULL, with `peer_check` NULL: the questions come as WOOL_EVENT_PEER_CHECK on this queue. While it has no room, and
  // once it is closed, the check has failed.
  struct wool_queue_t *peer_check_queue;
  // The `tag` of these events.
  uint64_t peer_check_tag;
} wool_pool_options_t;

// How a call or stream is made.
typedef struct wool_call_options_t {
  // sizeof(wool_call_options_t)
  size_t struct_size;
  // The budget of time of the whole call or stream, in milliseconds: past it, it ends as
  // WOOL_ERR_DEADLINE_EXCEEDED here and is cancelled there. 0 = none.
  uint64_t timeout_ms;
  // How long to look for a worker, in milliseconds. 0 = as the pool does.
  uint64_t dispatch_timeout_ms;
  // A label, for logs and for the worker.
  struct wool_slice_t tag;
  // The budget of time of each step of a stream, in milliseconds, from asking for an item until it comes: past it,
  // the stream ends as WOOL_ERR_DEADLINE_EXCEEDED here and is cancelled there. 0 = none.
  uint64_t step_timeout_ms;
  // > 0: the stream is only iterated, and nothing can be sent or thrown to it. wool_stream_wait then keeps up to so
  // many items asked for ahead of those it has given; with a queue, you do, by wool_stream_next.
  uint32_t prefetch;
  // Values that ride along, for the worker's admission hook and the routine; of two with one name the later counts.
  // At most 64 KiB together. May be NULL.
  const struct wool_context_value_t *context;
  // How many there are.
  size_t context_count;
  // The task that makes the call; 0 = none. The call carries its id, has at most its time, is cancelled with it, and
  // takes its context along, unless `bag` says another. While the call is waited for, the task lends its place.
  wool_task_t parent;
  // A context that the call takes along, and that takes up what the callee changes in it, before the event or return
  // that brings the outcome or item. NULL = the parent's, if there is one. It may be freed, or shared by many calls.
  // The values of `context` lie on top of it, for this call alone.
  const struct wool_context_t *bag;
  // The uid of the only worker that may have the call, as wool_pool_status tells it. One that is not of the pool, or
  // drains, is WOOL_ERR_NO_WORKERS_AVAILABLE: at once, or when the dispatch timeout is up while it may still come. A
  // busy one is waited for. Empty = the pool chooses.
  struct wool_slice_t worker_uid;
} wool_call_options_t;

// A call's handle, 0 never being one. Handles carry a generation: one whose call is over is stale, for ever,
// and harmless.
typedef uint64_t wool_call_t;

// A stream's handle, as the caller sees it. See wool_call_t.
typedef uint64_t wool_stream_t;

// How a map is made.
typedef struct wool_map_options_t {
  // sizeof(wool_map_options_t)
  size_t struct_size;
  // How many of its calls are under way at once. 0 = 64.
  uint32_t in_flight;
  // 1: the outcomes are taken in the order of their inputs, not as they come.
  uint8_t ordered;
  // The options of each of its calls; may be NULL.
  const struct wool_call_options_t *call;
} wool_map_options_t;

// How the call of one input ended.
typedef struct wool_map_item_t {
  // sizeof(wool_map_item_t), set by the caller.
  size_t struct_size;
  // Which input it was, counted from 0.
  uint64_t index;
  // WOOL_OK, or the wool_status_t of `error`.
  int32_t status;
  // The value's wool_codec_t; 0 without a value.
  int32_t codec;
  // The result. It belongs to the caller: wool_bytes_free.
  struct wool_bytes_t value;
  // Why the call failed, or NULL. It belongs to the caller: wool_error_free.
  struct wool_error_t *error;
} wool_map_item_t;

// How far a map has come.
typedef struct wool_map_progress_t {
  // sizeof(wool_map_progress_t), set by the caller.
  size_t struct_size;
  // Inputs that were added.
  uint64_t added;
  // Calls that have ended, well or not.
  uint64_t done;
  // Of those, the calls that ended with an error.
  uint64_t failed;
} wool_map_progress_t;

// What one worker answered.
typedef struct wool_broadcast_item_t {
  // sizeof(wool_broadcast_item_t), set by the caller.
  size_t struct_size;
  // Which worker it was. Valid until the broadcast is freed.
  struct wool_slice_t worker_uid;
  // WOOL_OK, or the wool_status_t of `error`.
  int32_t status;
  // The value's wool_codec_t; 0 without a value.
  int32_t codec;
  // The result. It belongs to the caller: wool_bytes_free.
  struct wool_bytes_t value;
  // Why the call failed, or NULL. It belongs to the caller: wool_error_free.
  struct wool_error_t *error;
} wool_broadcast_item_t;

// One value, or the head of a container whose contents follow. Which fields count is said at the kinds.
typedef struct wool_value_t {
  // A wool_value_kind_t.
  int32_t kind;
  // BOOL
  int32_t boolean;
  // INT, TIMESTAMP, DATE, TIME, DURATION, BIGINT
  int64_t integer;
  // UINT
  uint64_t unsigned_integer;
  // FLOAT
  double number;
  // STRING, BYTES, DECIMAL, UUID, BIGINT, NAMED. Valid until the reader is freed.
  struct wool_slice_t bytes;
  // LIST, MAP, TUPLE, SET
  size_t count;
  // TIMESTAMP, DURATION
  uint32_t nanos;
} wool_value_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of this ABI, major << 16 | minor. What was built against a header works with every library of the
// same major and the same or a later minor; while the major is 0, of the same minor only.
uint32_t wool_abi_version(void);

// The version of the library, e.g. "0.1.0". Static.
const char *wool_version(void);

// A status's name, e.g. "CANCELLED", "OK"; "UNKNOWN" for a number that is none. Static.
const char *wool_status_name(int32_t status);

// Frees bytes that have an owner and makes them empty, so that freeing them again does nothing. NULL is fine.
void wool_bytes_free(struct wool_bytes_t *bytes);

// Makes an error of your own, to be the `cause` of a wool_fault_t. On success `*out` belongs to the caller.
wool_status_t wool_error_new(const struct wool_fault_t *fault,
                             struct wool_error_t **out,
                             struct wool_error_t **error);

// What kind of failure it is. NULL: WOOL_OK.
wool_status_t wool_error_status(const struct wool_error_t *error);

// What went wrong, where, and what to do; what the routine's error says.
struct wool_slice_t wool_error_message(const struct wool_error_t *error);

// The type of the routine's error in its own language, e.g. "ValueError". Empty when there is none.
struct wool_slice_t wool_error_type(const struct wool_error_t *error);

// The language of the worker whose routine failed, e.g. "go". Empty when the error arose in wool itself.
struct wool_slice_t wool_error_language(const struct wool_error_t *error);

// How many lines the traceback has.
size_t wool_error_traceback_len(const struct wool_error_t *error);

// A line of the traceback, outermost first. Empty beyond the last.
struct wool_slice_t wool_error_traceback_line(const struct wool_error_t *error, size_t index);

// The error's own data: WOOL_OK and `*out`, or WOOL_END when there is none.
wool_status_t wool_error_value(const struct wool_error_t *error, struct wool_payload_t *out);

// What caused it, or NULL. It belongs to `error`: do not free it.
const struct wool_error_t *wool_error_cause(const struct wool_error_t *error);

// 1: the task certainly never started, so calling again cannot run it twice.
int32_t wool_error_retryable(const struct wool_error_t *error);

// Frees an error. NULL is fine.
void wool_error_free(struct wool_error_t *error);

// Starts a runtime. `options` may be NULL. On success `*out` belongs to the caller: wool_runtime_close, then
// wool_runtime_free. `log_destroy` runs when the runtime has closed, or before this returns an error.
//
// Errors: WOOL_ERR_IO when the system gives no threads.
wool_status_t wool_runtime_new(const struct wool_runtime_options_t *options,
                               struct wool_runtime_t **out,
                               struct wool_error_t **error);

// The process's own runtime, with default options, made at the first call. It is never freed: wool_runtime_free
// does nothing to it.
//
// Errors: as wool_runtime_new; the next call tries again.
wool_status_t wool_runtime_default(struct wool_runtime_t **out,
                                   struct wool_error_t **error);

// Closes pools (what is pending ends as WOOL_ERR_CLOSED), then workers (their tasks are cancelled, and waited
// for), then queues, and waits until no thread of the runtime runs. Afterwards no callback starts. It may be
// called again, and while anything else is under way.
//
// A task that a queue serves has to be answered, so go on draining, or close that queue first.
//
// `timeout_ms`: < 0 waits for ever, 0 does not wait.
//
// Errors: WOOL_ERR_TIMEOUT, saying how many tasks still run: closing goes on and can be waited for again.
// WOOL_ERR_INVALID_ARGUMENT in a callback, for which it would wait.
wool_status_t wool_runtime_close(struct wool_runtime_t *runtime,
                                 int64_t timeout_ms,
                                 struct wool_error_t **error);

// Lets go of a runtime. One that is not closed closes in the background. Never blocks. NULL is fine.
void wool_runtime_free(struct wool_runtime_t *runtime);

// Makes a queue. `options` may be NULL. On success `*out` belongs to the caller: wool_queue_free. Any pool's calls
// and any runtime's routines may use it; it is closed with `runtime`, at the latest.
//
// The destructors run when the queue is closed and, of a handler, has been drained; on an error, before this
// returns.
wool_status_t wool_queue_new(struct wool_runtime_t *runtime,
                             const struct wool_queue_options_t *options,
                             struct wool_queue_t **out,
                             struct wool_error_t **error);

// Takes up to `capacity` events, in order, waiting for the first. `event_size` is sizeof(wool_event_t), the distance from
// one event to the next: an element that is smaller than this version's event gets what it has room for (an `error`
// without room is freed), one that is larger has zeros at its end. Payloads are copied into `slab`, 8-byte aligned, while
// they fit; others have an owner. `slab` may be NULL with `slab_len` 0. Usually one thread drains; several may.
//
// `timeout_ms`: < 0 waits for ever, 0 does not wait.
//
// WOOL_OK: `*count` >= 1. WOOL_PENDING: none in the time given. WOOL_ERR_CLOSED: the queue is closed, and all its
// events have been drained. `*count` is 0 but for WOOL_OK.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for an `event_size` that is none, and for a wait in a callback that must not block.
wool_status_t wool_queue_drain(struct wool_queue_t *queue,
                               struct wool_event_t *events,
                               size_t event_size,
                               size_t capacity,
                               uint8_t *slab,
                               size_t slab_len,
                               int64_t timeout_ms,
                               size_t *count,
                               struct wool_error_t **error);

// A descriptor to poll: readable while there are events, and for ever once the queue is closed and no event can come.
// It belongs to the queue; do not read, write or close it. It may be readable once too often: a drain then finds
// nothing.
// Negative: the wool_status_t of an error.
int32_t wool_queue_fd(struct wool_queue_t *queue);

// Closes a queue: what is submitted from now on is refused as WOOL_ERR_CLOSED, its calls and streams end as
// WOOL_ERR_CLOSED, its tasks fail as WOOL_ERR_CLOSED, drainers wake. Events, these ones too, can still be drained.
// Afterwards no doorbell starts. It does not wait for a handler: wool_runtime_close does. It may be called again.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT in a callback.
wool_status_t wool_queue_close(struct wool_queue_t *queue,
                               struct wool_error_t **error);

// Lets go of a queue, closing it if needed, and frees what was not drained. Never blocks. NULL is fine.
void wool_queue_free(struct wool_queue_t *queue);

// Makes a routine callable through the runtime's workers. Those that serve already tell their callers, who may answer
// WOOL_ERR_ROUTINE_NOT_FOUND until they have heard it: register before you serve.
//
// By callbacks: a unary routine has `run`, a stream `step` and usually `run`. By a queue: the callbacks are NULL; a
// task begins with WOOL_EVENT_TASK and is answered by wool_task_return or wool_task_fail; a stream's task answers each
// WOOL_EVENT_STEP. A task occupies its place in the worker until it is answered for good.
//
// `destroy` runs when the runtime has closed and no callback uses `user_data` any more, or before this returns an
// error.
//
// Errors: WOOL_ERR_ALREADY_EXISTS, WOOL_ERR_CLOSED.
wool_status_t wool_routine_register(struct wool_runtime_t *runtime,
                                    const struct wool_routine_options_t *options,
                                    struct wool_error_t **error);

// Answers a unary task. From any thread, in callbacks, too; the value is copied.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle and a stream's task; WOOL_ERR_PAYLOAD_TOO_LARGE for what the
// caller does not accept: the task is then still to be answered.
wool_status_t wool_task_return(wool_task_t task,
                               struct wool_payload_t value,
                               struct wool_error_t **error);

// Answers WOOL_STEP_NEXT, WOOL_STEP_SEND and WOOL_STEP_THROW with an item. As wool_task_return otherwise.
//
// Errors: also WOOL_ERR_INVALID_ARGUMENT when no item was asked for. The same after WOOL_STEP_CLOSE, and then the task
// has failed, and its handle is stale.
wool_status_t wool_task_yield(wool_task_t task,
                              struct wool_payload_t value,
                              struct wool_error_t **error);

// Ends a stream: the answer to any step.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle and a unary task.
wool_status_t wool_task_end(wool_task_t task, struct wool_error_t **error);

// Fails a task, unary or a stream, at any time.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle and a fault that is none.
wool_status_t wool_task_fail(wool_task_t task, const struct wool_fault_t *fault, struct wool_error_t **error);

// Fails a task with an error as it came, with all that belongs to it: what a routine does that does not catch what was
// thrown at its yield, or that passes on why a call of its own failed. `failure` stays yours.
//
// Errors: as wool_task_fail.
wool_status_t wool_task_fail_with(wool_task_t task,
                                  const struct wool_error_t *failure,
                                  struct wool_error_t **error);

// 1: the task should stop - it was cancelled, its time is up, the worker stops - or its handle is stale.
int32_t wool_task_is_cancelled(wool_task_t task);

// What the task is. Set `out->struct_size` first.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_task_info(wool_task_t task, struct wool_task_info_t *out, struct wool_error_t **error);

// Leaves something with the task, which its steps and its cancel are given. `destroy` (may be NULL) is called when
// the task has been answered and no callback uses it any more, and on an error, before this returns. What was left
// before is destroyed.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_task_set_state(wool_task_t task,
                                  void *state,
                                  wool_destroy_fn destroy,
                                  struct wool_error_t **error);

// Listens to what happens to the tasks that this runtime's pools call and its workers run, from now on and until
// wool_task_events_free. `options` say how. On success `*out` belongs to the caller.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT with both or neither of `handler` and `queue`; WOOL_ERR_IO; WOOL_ERR_CLOSED.
wool_status_t wool_task_events_new(struct wool_runtime_t *runtime,
                                   const struct wool_task_events_options_t *options,
                                   struct wool_task_events_t **out,
                                   struct wool_error_t **error);

// How many events were missed, as the handler was too slow or the queue was not drained. 0 for NULL.
uint64_t wool_task_events_missed(const struct wool_task_events_t *events);

// Stops listening: no callback starts any more, and no event comes to the queue; those that are in it stay. Never blocks;
// in the handler, too. NULL is fine.
void wool_task_events_free(struct wool_task_events_t *events);

// Reads and checks credentials. On success `*out` belongs to the caller: wool_credentials_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a part that is left out, given twice or no PEM, for a key that is not that of the
// certificate; WOOL_ERR_IO for a file that cannot be read. Each names the part.
wool_status_t wool_credentials_new(const struct wool_credentials_options_t *options,
                                   struct wool_credentials_t **out,
                                   struct wool_error_t **error);

// Credentials that a function of yours provides, such as from a store of secrets: now, and again every `poll_ms` milliseconds
// (0 = 10,000). What it provides then is used as by wool_credentials_update; when it fails, what was before stays, and
// wool_credentials_problem and the log say why. On success `*out` belongs to the caller: wool_credentials_free.
//
// `destroy`, which may be NULL, frees `user_data`: when nothing has these credentials any more, when wool_credentials_update
// has put others in their place, or before this returns an error.
//
// Errors: as wool_credentials_new for what it provides, WOOL_ERR_IO when it fails.
wool_status_t wool_credentials_provided(wool_credentials_provide_fn provide,
                                        void *user_data,
                                        wool_destroy_fn destroy,
                                        uint64_t poll_ms,
                                        struct wool_credentials_t **out,
                                        struct wool_error_t **error);

// Takes others instead, for all workers and pools that have these: connections that are made from now on are by them,
// sessions of before are drained, and what runs there goes on to its end. `*renewed`, which may be NULL: 1 when they are others
// than before; the same again disturb nobody. Files need no call: they are looked at over and over.
//
// Errors: as wool_credentials_new; the ones before stay.
wool_status_t wool_credentials_update(struct wool_credentials_t *credentials,
                                      const struct wool_credentials_options_t *options,
                                      int32_t *renewed,
                                      struct wool_error_t **error);

// Looks at the files now, or calls `provide`. `*renewed`, which may be NULL: 1 when there is something new, which is used from
// now on.
//
// Errors: as wool_credentials_new; the ones before stay.
wool_status_t wool_credentials_reload(struct wool_credentials_t *credentials,
                                      int32_t *renewed,
                                      struct wool_error_t **error);

// WOOL_OK, or why what came last - the files as they are now, an update, what was provided - cannot be used; then what was
// before is still in use.
wool_status_t wool_credentials_problem(const struct wool_credentials_t *credentials,
                                       struct wool_error_t **error);

// Lets go of credentials. What was made with them goes on. NULL is fine.
void wool_credentials_free(struct wool_credentials_t *credentials);

// The workers of this user on this machine, in shared memory, under a name that publishers and pools share:
// `name_space`, 1 to 32 of A-Z a-z 0-9 . _ -, not beginning with a dot. `directory`: where the records are kept,
// instead of the user's own place; empty = there. On success `*out` belongs to the caller: wool_discovery_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for another name. Whether there is shared memory is found out by whoever uses it.
wool_status_t wool_discovery_new_local(struct wool_slice_t name_space,
                                       struct wool_slice_t directory,
                                       struct wool_discovery_t **out,
                                       struct wool_error_t **error);

// The workers of the local network, found without configuration (Zeroconf: DNS-SD over multicast DNS). `options` may be
// NULL. Records there are no secret: whoever is on the network reads and writes them, so a pool never presents its
// secret to workers that it has found in this way. On success `*out` belongs to the caller: wool_discovery_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a namespace of another length. Whether there is such a network is found out by
// whoever uses it.
wool_status_t wool_discovery_new_lan(const struct wool_lan_options_t *options,
                                     struct wool_discovery_t **out,
                                     struct wool_error_t **error);

// Workers at addresses that are known, "host:port" or "unix:/path", to stand beside others in
// wool_discovery_new_stacked; alone, they are the `addresses` of a pool. It only finds workers. On success `*out` belongs
// to the caller: wool_discovery_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for what is no address, and for none.
wool_status_t wool_discovery_new_static(const struct wool_slice_t *addresses,
                                        size_t address_count,
                                        struct wool_discovery_t **out,
                                        struct wool_error_t **error);

// Workers behind a name in DNS, which is looked up again when what was found has aged. "host:port": one at each address
// (A, AAAA) of the host, at this port. "_wool._tcp.example.com", without a port: one for each SRV record. `servers` are
// asked, "address:port", or those that the system is set up with, when there are none (`servers` may be NULL then). It
// only finds workers. On success `*out` belongs to the caller: wool_discovery_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for what is no such name, or no server's address.
wool_status_t wool_discovery_new_dns(struct wool_slice_t name,
                                     const struct wool_slice_t *servers,
                                     size_t server_count,
                                     struct wool_discovery_t **out,
                                     struct wool_error_t **error);

// Several discoveries at once: a pool finds what any of them finds, of two that know the same worker (by its uid)
// believing the earlier one; a worker is published by all that publish. They may be freed. On success `*out` belongs to
// the caller: wool_discovery_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for none.
wool_status_t wool_discovery_new_stacked(const struct wool_discovery_t *const *discoveries,
                                         size_t discovery_count,
                                         struct wool_discovery_t **out,
                                         struct wool_error_t **error);

// Looks around once, and tells which workers there are: a value, a map of `workers` (a list of records, as
// wool_subscription_found takes them, ordered by their uids), `turned_away` (those that no pool can use: a list of maps of
// `key`, `reason`, `message`) and `problem` (why there may be more: a map of `kind` and `message`, or null). Nobody has
// talked to the workers: they may have gone, or be busy. What tags or lease pools have does not count. Blocks until the
// first look around is over, or the time is up. On success `*out` belongs to the caller: wool_bytes_free.
//
// `timeout_ms`: 0 = 5,000.
//
// Errors: WOOL_ERR_DISCOVERY when workers cannot be found here at all, WOOL_ERR_CLOSED, WOOL_ERR_INVALID_ARGUMENT in a
// callback.
wool_status_t wool_discovery_list(const struct wool_discovery_t *discovery,
                                  struct wool_runtime_t *runtime,
                                  uint64_t timeout_ms,
                                  struct wool_bytes_t *out,
                                  struct wool_error_t **error);

// Lets go of a discovery. What was made with it goes on. NULL is fine.
void wool_discovery_free(struct wool_discovery_t *discovery);

// A discovery of your own: it is asked for workers, and to publish them, by callbacks or through a queue, as
// `options` say, and tells of them by wool_subscription_found and its like. The workers that it
// names are presented the pool's `secret`. On success `*out` belongs to the caller: wool_discovery_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT with both or neither of `subscribe` and `queue`, and for other functions beside a
// queue.
wool_status_t wool_discovery_new_custom(const struct wool_custom_discovery_t *options,
                                        struct wool_discovery_t **out,
                                        struct wool_error_t **error);

// There is a worker, or a newer record of it: a value, a map of `uid` (dashed), `addresses` ("host:port", a list),
// `tags` (a list), `extra` (a map of strings), `secure` (bool), `identity`, `pid`, `language`, `version`, `protocol` (a
// list of two), `doors` (a list of "session", "dispatch"). The addresses are enough. From any thread, in callbacks, too.
// Once the subscription has ended it does nothing.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT, naming the part, for what is no record, WOOL_ERR_CODEC for what is no value.
wool_status_t wool_subscription_found(wool_subscription_t subscription,
                                      struct wool_slice_t record,
                                      struct wool_error_t **error);

// A worker has gone: `key` is its uid or, where its record has none, its first address. As wool_subscription_found
// otherwise.
wool_status_t wool_subscription_gone(wool_subscription_t subscription,
                                     struct wool_slice_t key,
                                     struct wool_error_t **error);

// All workers that were there at the beginning have been told, or, after wool_subscription_failed, it works again. Until
// then calls wait for workers that may still come, up to their dispatch timeout. As wool_subscription_found otherwise.
wool_status_t wool_subscription_scanned(wool_subscription_t subscription,
                                        struct wool_error_t **error);

// Workers cannot be found at present, and why, for people; those that are known stay. As wool_subscription_found
// otherwise.
wool_status_t wool_subscription_failed(wool_subscription_t subscription,
                                       struct wool_slice_t message,
                                       struct wool_error_t **error);

// Says how it went: `status` is WOOL_OK, or the wool_status_t of an error, which `message` tells to people; a worker that
// could not be published does not start. From any thread, in callbacks, too. It does no harm when nobody waits for the
// answer any more, nor the second time.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a status that is none; the question is not answered then.
wool_status_t wool_publication_answer(wool_publication_t publication,
                                      int32_t status,
                                      struct wool_slice_t message,
                                      struct wool_error_t **error);

// Makes a context without values. On success `*out` belongs to the caller: wool_context_free.
wool_status_t wool_context_new(struct wool_context_t **out, struct wool_error_t **error);

// The context of a task, as it is and as it changes. On success `*out` belongs to the caller: wool_context_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_task_context(wool_task_t task,
                                struct wool_context_t **out,
                                struct wool_error_t **error);

// Sets a value, which is copied; one that is there already is replaced.
//
// Errors: WOOL_ERR_PAYLOAD_TOO_LARGE when the context would have more than 64 KiB; WOOL_ERR_INVALID_ARGUMENT for
// what is no WOOL_CODEC_MSGPACK, and in the namespace "w3c" for what is neither of its names, or no text.
wool_status_t wool_context_set(struct wool_context_t *context,
                               struct wool_slice_t namespace_,
                               struct wool_slice_t name,
                               struct wool_payload_t value,
                               struct wool_error_t **error);

// Takes a value away: here, and where the context flows to. WOOL_OK also when it was not there.
wool_status_t wool_context_unset(struct wool_context_t *context,
                                 struct wool_slice_t namespace_,
                                 struct wool_slice_t name,
                                 struct wool_error_t **error);

// A value. WOOL_OK: `*out` is it, as WOOL_CODEC_MSGPACK, and belongs to the caller (wool_bytes_free). WOOL_END: nothing
// has this name.
wool_status_t wool_context_get(const struct wool_context_t *context,
                               struct wool_slice_t namespace_,
                               struct wool_slice_t name,
                               struct wool_bytes_t *out,
                               struct wool_error_t **error);

// Lets go of a context; calls and tasks that have it keep it. NULL is fine.
void wool_context_free(struct wool_context_t *context);

// Binds and serves: when this returns, callers can connect. `options` may be NULL. Routines may be registered
// before and after. On success `*out` belongs to the caller: wool_worker_stop, then wool_worker_free.
//
// Errors: WOOL_ERR_PERMISSION_DENIED for an address beyond loopback without `allow_plaintext`, WOOL_ERR_IO when the
// address cannot be bound, WOOL_ERR_DISCOVERY when it cannot be published, WOOL_ERR_CLOSED.
wool_status_t wool_worker_new(struct wool_runtime_t *runtime,
                              const struct wool_worker_options_t *options,
                              struct wool_worker_t **out,
                              struct wool_error_t **error);

// For a program that is a worker: starts one and serves until the process gets SIGTERM or SIGINT. Then the worker is not
// to be found any more, takes no new tasks, lets those that run go on for the grace, and this returns when the last has
// ended. A second signal stops it at once. It returns WOOL_OK then, and when the worker was stopped or the runtime closed
// otherwise. While it runs the two signals are wool's; afterwards they do what they did before.
//
// `options` may be NULL. `grace_ms`: 0 cancels at the signal, < 0 waits for ever. `started`, which may be NULL, is called
// on this thread when callers can connect.
//
// Errors: as wool_worker_new. WOOL_ERR_INVALID_ARGUMENT in a callback, and when a worker of this process is run already.
wool_status_t wool_worker_run(struct wool_runtime_t *runtime,
                              const struct wool_worker_options_t *options,
                              int64_t grace_ms,
                              wool_worker_started_fn started,
                              void *user_data,
                              struct wool_error_t **error);

// Where the worker is reached, e.g. "127.0.0.1:43211". Valid until the worker is freed.
struct wool_slice_t wool_worker_address(const struct wool_worker_t *worker);

// The worker's UUID, dashed. A restarted worker has another. Valid until the worker is freed.
struct wool_slice_t wool_worker_uid(const struct wool_worker_t *worker);

// Stops a worker: it takes no new tasks (callers offer them to others), lets those that run go on for the grace,
// cancels what is left, and ends when the last one has been answered. It may be called again, and then can shorten
// the grace, never lengthen it.
//
// `grace_ms`: 0 cancels now, < 0 waits for ever. `timeout_ms`: < 0 waits for ever, 0 does not wait.
//
// Errors: WOOL_ERR_TIMEOUT: stopping goes on and can be waited for again. WOOL_ERR_INVALID_ARGUMENT in a callback.
wool_status_t wool_worker_stop(struct wool_worker_t *worker,
                               int64_t grace_ms,
                               int64_t timeout_ms,
                               struct wool_error_t **error);

// Stops as wool_worker_stop does, without waiting: a WOOL_EVENT_CLOSED tells the end. In callbacks, too.
//
// Errors: WOOL_ERR_BUSY, WOOL_ERR_CLOSED (the queue); then nothing has happened.
wool_status_t wool_worker_stop_submit(struct wool_worker_t *worker,
                                      int64_t grace_ms,
                                      struct wool_queue_t *queue,
                                      uint64_t tag,
                                      struct wool_error_t **error);

// Does not stop it: a WOOL_EVENT_CLOSED tells when it has stopped, whoever stopped it, such as one of its `stoppers`, at
// once if it has already. The event has its place in the queue from now on. In callbacks, too.
//
// Errors: WOOL_ERR_BUSY, WOOL_ERR_CLOSED (the queue); then no event comes.
wool_status_t wool_worker_stopped_submit(const struct wool_worker_t *worker,
                                         struct wool_queue_t *queue,
                                         uint64_t tag,
                                         struct wool_error_t **error);

// Lets go of a worker. One that is not stopped stops in the background, without grace. Never blocks. NULL is fine.
void wool_worker_free(struct wool_worker_t *worker);

// What is asked. Set `out->struct_size` first. The slices are valid until the question is answered or, asked through a
// queue, that is closed.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_admission_info(wool_admission_t admission,
                                  struct wool_admission_info_t *out,
                                  struct wool_error_t **error);

// Lets the call in. From any thread, in callbacks, too. It does no harm when nobody waits for the answer any more.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_admission_accept(wool_admission_t admission,
                                    struct wool_error_t **error);

// Answers as if the worker's limit were reached: the caller tries another worker, or this one later; it reads the
// message if its time runs out on that. As wool_admission_accept otherwise.
wool_status_t wool_admission_busy(wool_admission_t admission,
                                  struct wool_slice_t message,
                                  struct wool_error_t **error);

// Does not let the call in: it ends as WOOL_ERR_PERMISSION_DENIED, with this message. As wool_admission_accept
// otherwise.
wool_status_t wool_admission_refuse(wool_admission_t admission,
                                    struct wool_slice_t message,
                                    struct wool_error_t **error);

// The hook could not decide: the call ends as WOOL_ERR_REJECTED, "the admission hook failed: MESSAGE". As
// wool_admission_accept otherwise.
wool_status_t wool_admission_fail(wool_admission_t admission,
                                  struct wool_slice_t message,
                                  struct wool_error_t **error);

// Makes a pool; the options say of which workers, and may be NULL. It starts, finds and connects in the background, and
// goes on doing so: a worker may come later, or come back. On success `*out` belongs to the caller: wool_pool_close,
// then wool_pool_free.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for options that contradict each other, WOOL_ERR_PERMISSION_DENIED for an address
// beyond loopback without `allow_plaintext`, WOOL_ERR_DISCOVERY when workers cannot be found here at all,
// WOOL_ERR_SPAWN_FAILED when this program may not be started again, WOOL_ERR_CLOSED.
wool_status_t wool_pool_new(struct wool_runtime_t *runtime,
                            const struct wool_pool_options_t *options,
                            struct wool_pool_t **out,
                            struct wool_error_t **error);

// The pool of a task's caller, as this worker sees it: the one to call by in a routine, with the task as the `parent` of
// the call. It is made again here at its first use, and kept for a minute after its last. On success `*out` belongs to
// the caller: wool_pool_free. Other tasks share it, so it cannot be closed. Never blocks; in callbacks, too.
//
// Errors: WOOL_ERR_UNSUPPORTED when the caller's pool cannot be used here and the worker has none of its own (see
// wool_worker_options_t); WOOL_ERR_DISCOVERY; WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_task_pool(wool_task_t task,
                             struct wool_pool_t **out,
                             struct wool_error_t **error);

// What the pool tells of itself, as a value of the model (wool_value_reader_new): which workers it has, their state,
// routines and load, and which were turned away, and why. docs/pool-status.md names the parts. On success `*out` belongs
// to the caller: wool_bytes_free.
wool_status_t wool_pool_status(const struct wool_pool_t *pool,
                               struct wool_bytes_t *out,
                               struct wool_error_t **error);

// Closes a pool: what is pending ends as WOOL_ERR_CLOSED, what is called from now on is refused so, and the workers
// that the pool started are stopped. It may be called again, and while anything else is under way.
//
// `timeout_ms`: < 0 waits for ever, 0 does not wait.
//
// Errors: WOOL_ERR_TIMEOUT: closing goes on and can be waited for again. WOOL_ERR_INVALID_ARGUMENT in a callback.
wool_status_t wool_pool_close(struct wool_pool_t *pool,
                              int64_t timeout_ms,
                              struct wool_error_t **error);

// Closes as wool_pool_close does, without waiting: a WOOL_EVENT_CLOSED tells the end. In callbacks, too.
//
// Errors: WOOL_ERR_BUSY, WOOL_ERR_CLOSED (the queue); then nothing has happened.
wool_status_t wool_pool_close_submit(struct wool_pool_t *pool,
                                     struct wool_queue_t *queue,
                                     uint64_t tag,
                                     struct wool_error_t **error);

// Lets go of a pool. One that is not closed closes in the background. Never blocks. NULL is fine.
void wool_pool_free(struct wool_pool_t *pool);

// What there is to choose from. Set `out->struct_size` first. What it points at is valid until the choice is answered
// or, asked through a queue, that is closed.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_choice_info(wool_choice_t choice,
                               struct wool_choice_info_t *out,
                               struct wool_error_t **error);

// Gives the call to the worker with this index. `index` < 0: to none of them; the call waits, up to its dispatch timeout,
// and is asked about again when something has changed. From any thread, in callbacks, too. It does no harm when nobody
// waits for the answer any more.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle, and for an index beyond the workers: the next in turn gets the
// call then.
wool_status_t wool_choice_answer(wool_choice_t choice,
                                 int64_t index,
                                 struct wool_error_t **error);

// Who claims what. Set `out->struct_size` first. The slices are valid until the question is answered or, asked through a
// queue, that is closed.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_peer_check_info(wool_peer_check_t check,
                                   struct wool_peer_info_t *out,
                                   struct wool_error_t **error);

// Answers whether the identity is believed: 1, or 0. From any thread, in callbacks, too. It does no harm when nobody waits for
// the answer any more.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_peer_check_answer(wool_peer_check_t check,
                                     int32_t believe,
                                     struct wool_error_t **error);

// It could not be decided: the worker is not connected to this time; its problem says the message. As
// wool_peer_check_answer otherwise.
wool_status_t wool_peer_check_fail(wool_peer_check_t check,
                                   struct wool_slice_t message,
                                   struct wool_error_t **error);

// Where a program becomes a worker: first thing in main, once its routines are registered.
//
//     if (wool_serve_if_spawned(runtime)) return 0;
//
// In a process that a pool started it serves the runtime's routines until the pool says stop or has gone, or
// SIGTERM or SIGINT asks it to drain, and returns 1: leave main. In any other process it returns 0 at once, and from
// then on pools may start this program. Standard input of a started process is closed.
//
// Blocks; in a callback it does nothing and returns 0. A queue that serves routines has to be drained meanwhile.
int32_t wool_serve_if_spawned(struct wool_runtime_t *runtime);

// Does as wool_serve_if_spawned does, without waiting: `*spawned` tells at once whether this process is a worker, and
// if so, a WOOL_EVENT_CLOSED tells its end.
//
// Errors: WOOL_ERR_BUSY, WOOL_ERR_CLOSED (the queue); then nothing has happened. WOOL_ERR_SPAWN_FAILED, WOOL_ERR_IO:
// the process was to be a worker and cannot be; leave main.
wool_status_t wool_serve_if_spawned_submit(struct wool_runtime_t *runtime,
                                           struct wool_queue_t *queue,
                                           uint64_t tag,
                                           int32_t *spawned,
                                           struct wool_error_t **error);

// Calls a routine. Never blocks. Its outcome comes as exactly one event, WOOL_EVENT_RESULT or WOOL_EVENT_ERROR, with
// `tag`. `arguments` (see wool_value_builder_arguments) are copied; `options` may be NULL; so may `out`, which
// gets the handle to cancel with.
//
// Errors, and then no event comes: WOOL_ERR_BUSY when the queue has no slot left, WOOL_ERR_CLOSED,
// WOOL_ERR_PAYLOAD_TOO_LARGE.
wool_status_t wool_call_submit(struct wool_pool_t *pool,
                               struct wool_slice_t routine,
                               struct wool_payload_t arguments,
                               const struct wool_call_options_t *options,
                               struct wool_queue_t *queue,
                               uint64_t tag,
                               wool_call_t *out,
                               struct wool_error_t **error);

// Ends a call: its event, WOOL_ERR_CANCELLED, comes at once, and the routine is told to stop. A call that is over, or
// a stale handle, is WOOL_OK: cancelling again, or too late, does nothing. In callbacks, too.
wool_status_t wool_call_cancel(wool_call_t call);

// Calls a routine and waits for its result. `arguments` are copied; `options` and `codec` may be NULL. On success
// `*result` belongs to the caller (wool_bytes_free), and `*codec` is its wool_codec_t.
//
// `timeout_ms`: < 0 waits for ever. When it is up, the call is cancelled.
//
// Errors: WOOL_ERR_TIMEOUT; what the call ended with; WOOL_ERR_INVALID_ARGUMENT in a callback that must not block.
wool_status_t wool_call(struct wool_pool_t *pool,
                        struct wool_slice_t routine,
                        struct wool_payload_t arguments,
                        const struct wool_call_options_t *options,
                        int64_t timeout_ms,
                        struct wool_bytes_t *result,
                        int32_t *codec,
                        struct wool_error_t **error);

// Opens a stream. Never blocks, and nothing runs before the first item is asked for. `arguments` are copied;
// `options` may be NULL. On success `*out` is the handle.
//
// With a queue: ask by wool_stream_next; each item asked for comes as one WOOL_EVENT_ITEM with `tag`, until the one
// WOOL_EVENT_END or WOOL_EVENT_ERROR that ends the stream and makes the handle stale.
//
// With `queue` NULL: ask and wait by wool_stream_wait. The handle is stale when that has answered WOOL_END or an
// error, or after wool_stream_cancel; do not leave a stream without one of the two.
//
// Errors, and then no event comes: WOOL_ERR_BUSY when the queue has no slot left, WOOL_ERR_CLOSED,
// WOOL_ERR_PAYLOAD_TOO_LARGE.
wool_status_t wool_stream_open(struct wool_pool_t *pool,
                               struct wool_slice_t routine,
                               struct wool_payload_t arguments,
                               const struct wool_call_options_t *options,
                               struct wool_queue_t *queue,
                               uint64_t tag,
                               wool_stream_t *out,
                               struct wool_error_t **error);

// Asks for `count` more items of a stream that has a queue. The routine runs only as far as items are asked for.
//
// Errors: WOOL_ERR_BUSY when the queue has not that many slots left, WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_stream_next(wool_stream_t stream,
                               uint32_t count,
                               struct wool_error_t **error);

// Asks for the next item of a stream that has no queue, and waits for it. Several threads may wait; each gets an
// item of its own. `codec` may be NULL.
//
// `timeout_ms`: < 0 waits for ever, 0 does not wait (but asks).
//
// WOOL_OK: `*item` belongs to the caller (wool_bytes_free). WOOL_END: the stream is over. WOOL_PENDING: the time was
// up; what was asked for stays asked, and is what the next wait gets.
//
// Errors: what the stream ended with; WOOL_ERR_INVALID_ARGUMENT for a stale handle, and in a callback that must not
// block.
wool_status_t wool_stream_wait(wool_stream_t stream,
                               int64_t timeout_ms,
                               struct wool_bytes_t *item,
                               int32_t *codec,
                               struct wool_error_t **error);

// Resumes a stream's generator with a value, which its yield gives it, and asks for the next item. That comes as after
// wool_stream_next, or is what the next wool_stream_wait gets. Never blocks; the value is copied.
//
// Errors, and then nothing was sent and the stream goes on: WOOL_ERR_INVALID_ARGUMENT when the generator is not at a
// yield - no item was asked for yet, one that was has not come or was not taken, the stream was closed - and for a stream
// with prefetch; WOOL_ERR_PAYLOAD_TOO_LARGE for what the worker does not accept; WOOL_ERR_BUSY when the queue has no slot
// left; WOOL_ERR_INVALID_ARGUMENT for a stale handle.
wool_status_t wool_stream_send(wool_stream_t stream,
                               struct wool_payload_t value,
                               struct wool_error_t **error);

// Raises an error at the yield of a stream's generator, and asks for the next item, as wool_stream_send does. What the
// generator does not catch ends the stream. One that has not begun never does: the error ends the stream at once.
//
// Errors: as wool_stream_send, but that no item has to be asked for before; WOOL_ERR_INVALID_ARGUMENT for a fault that is
// none.
wool_status_t wool_stream_throw(wool_stream_t stream,
                                const struct wool_fault_t *fault,
                                struct wool_error_t **error);

// Closes a stream's generator at its yield point, whose clean-up then runs. The outcome comes afterwards, as an event
// or from wool_stream_wait: WOOL_END, or what the clean-up failed with. It may be called again. In callbacks, too.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT for a number that is no stream's. A stale handle is WOOL_OK.
wool_status_t wool_stream_close(wool_stream_t stream,
                                struct wool_error_t **error);

// Ends a stream: WOOL_ERR_CANCELLED comes at once, as an event or to who waits, and the routine is told to stop.
// Without a queue the handle is stale from now on. A stale handle is WOOL_OK. In callbacks, too.
wool_status_t wool_stream_cancel(wool_stream_t stream);

// Makes a map: inputs are added by wool_map_add, their outcomes taken by wool_map_next. Never blocks. `options` may be
// NULL. On success `*out` belongs to the caller: wool_map_free.
wool_status_t wool_map_new(struct wool_pool_t *pool,
                           struct wool_slice_t routine,
                           const struct wool_map_options_t *options,
                           struct wool_map_t **out,
                           struct wool_error_t **error);

// Adds an input: it is called at once, or as soon as a call has ended. Never blocks; `arguments` (see
// wool_value_builder_arguments) are copied. A call that cannot be made has its error as its outcome. In callbacks, too.
//
// Errors: WOOL_ERR_BUSY when `in_flight` + `in_flight` inputs wait, or have outcomes that were not taken: take one
// first.
wool_status_t wool_map_add(struct wool_map_t *map,
                           struct wool_payload_t arguments,
                           struct wool_error_t **error);

// Takes the next outcome, and waits for it. Several threads may wait; each gets an outcome of its own.
//
// `timeout_ms`: < 0 waits for ever, 0 does not wait.
//
// WOOL_OK: `*out` tells how the call of one input ended, well or not. WOOL_END: the outcomes of all inputs that were
// added have been taken; more may be added. WOOL_PENDING: the time was up.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT in a callback that must not block.
wool_status_t wool_map_next(struct wool_map_t *map,
                            int64_t timeout_ms,
                            struct wool_map_item_t *out,
                            struct wool_error_t **error);

// Tells how far the map has come, e.g. for a progress bar. Never blocks. On any thread.
wool_status_t wool_map_progress(const struct wool_map_t *map,
                                struct wool_map_progress_t *out,
                                struct wool_error_t **error);

// Frees a map, which cancels what is under way. Never blocks. NULL is fine.
void wool_map_free(struct wool_map_t *map);

// Calls a routine once on every worker that, at this moment, is connected, not draining and serves it. Never blocks;
// `arguments` are copied; `options`, those of each call, may be NULL. On success `*out` belongs to the caller:
// wool_broadcast_free.
//
// Errors: WOOL_ERR_NO_WORKERS_AVAILABLE when no worker takes calls, WOOL_ERR_ROUTINE_NOT_FOUND when none of those that
// do serves it, WOOL_ERR_INVALID_ARGUMENT for options with a `worker_uid`, WOOL_ERR_CLOSED.
wool_status_t wool_broadcast_new(struct wool_pool_t *pool,
                                 struct wool_slice_t routine,
                                 struct wool_payload_t arguments,
                                 const struct wool_call_options_t *options,
                                 struct wool_broadcast_t **out,
                                 struct wool_error_t **error);

// Takes the next worker's answer, and waits for it. Each worker comes once; one that is lost meanwhile with its error.
//
// `timeout_ms`: < 0 waits for ever, 0 does not wait.
//
// WOOL_OK: `*out` tells what one worker answered. WOOL_END: all have come. WOOL_PENDING: the time was up.
//
// Errors: WOOL_ERR_INVALID_ARGUMENT in a callback that must not block.
wool_status_t wool_broadcast_next(struct wool_broadcast_t *broadcast,
                                  int64_t timeout_ms,
                                  struct wool_broadcast_item_t *out,
                                  struct wool_error_t **error);

// Frees a broadcast, which cancels what is under way. Never blocks. NULL is fine.
void wool_broadcast_free(struct wool_broadcast_t *broadcast);

// Makes a builder. On success `*out` belongs to the caller: wool_value_builder_free. It can be used again after
// finish.
wool_status_t wool_value_builder_new(struct wool_value_builder_t **out,
                                     struct wool_error_t **error);

// Adds null.
wool_status_t wool_value_builder_null(struct wool_value_builder_t *builder, struct wool_error_t **error);

// Adds false for 0, else true.
wool_status_t wool_value_builder_bool(struct wool_value_builder_t *builder,
                                      int32_t boolean,
                                      struct wool_error_t **error);

// Adds an int.
wool_status_t wool_value_builder_int(struct wool_value_builder_t *builder,
                                     int64_t integer,
                                     struct wool_error_t **error);

// Adds an int that may be beyond INT64_MAX.
wool_status_t wool_value_builder_uint(struct wool_value_builder_t *builder,
                                      uint64_t integer,
                                      struct wool_error_t **error);

// Adds a float.
wool_status_t wool_value_builder_float(struct wool_value_builder_t *builder,
                                       double number,
                                       struct wool_error_t **error);

// Adds a string, which is copied. It must be UTF-8.
wool_status_t wool_value_builder_string(struct wool_value_builder_t *builder,
                                        struct wool_slice_t text,
                                        struct wool_error_t **error);

// Adds bytes, which are copied.
wool_status_t wool_value_builder_bytes(struct wool_value_builder_t *builder,
                                       struct wool_slice_t bytes,
                                       struct wool_error_t **error);

// Begins a list; its `count` elements are added next.
wool_status_t wool_value_builder_list(struct wool_value_builder_t *builder,
                                      size_t count,
                                      struct wool_error_t **error);

// Begins a map; its `count` pairs of key and value are added next. A key that is there twice, or NaN, is an error.
wool_status_t wool_value_builder_map(struct wool_value_builder_t *builder,
                                     size_t count,
                                     struct wool_error_t **error);

// Begins a tuple; its `count` elements are added next.
wool_status_t wool_value_builder_tuple(struct wool_value_builder_t *builder,
                                       size_t count,
                                       struct wool_error_t **error);

// Begins a set; its `count` elements are added next. An element that is there twice, or NaN, is an error.
wool_status_t wool_value_builder_set(struct wool_value_builder_t *builder,
                                     size_t count,
                                     struct wool_error_t **error);

// Adds a point in time: seconds since 1970-01-01T00:00Z, and nanoseconds (less than 10^9) forward from there.
wool_status_t wool_value_builder_timestamp(struct wool_value_builder_t *builder,
                                           int64_t seconds,
                                           uint32_t nanos,
                                           struct wool_error_t **error);

// Adds a calendar day: days since 1970-01-01.
wool_status_t wool_value_builder_date(struct wool_value_builder_t *builder,
                                      int32_t days,
                                      struct wool_error_t **error);

// Adds a time of day: nanoseconds since midnight, less than a day of them.
wool_status_t wool_value_builder_time(struct wool_value_builder_t *builder,
                                      uint64_t nanos,
                                      struct wool_error_t **error);

// Adds a span of time: seconds, and nanoseconds (less than 10^9) forward from there.
wool_status_t wool_value_builder_duration(struct wool_value_builder_t *builder,
                                          int64_t seconds,
                                          uint32_t nanos,
                                          struct wool_error_t **error);

// Adds a decimal number, given as text such as "12.50", "-1E+3" or "NaN".
wool_status_t wool_value_builder_decimal(struct wool_value_builder_t *builder,
                                         struct wool_slice_t text,
                                         struct wool_error_t **error);

// Adds a UUID, given as its 16 bytes.
wool_status_t wool_value_builder_uuid(struct wool_value_builder_t *builder,
                                      struct wool_slice_t bytes,
                                      struct wool_error_t **error);

// Adds an int of any size: negative or not, and its magnitude, big-endian.
wool_status_t wool_value_builder_bigint(struct wool_value_builder_t *builder,
                                        int32_t sign,
                                        struct wool_slice_t magnitude,
                                        struct wool_error_t **error);

// Begins a named value; the one value that it is made of is added next.
wool_status_t wool_value_builder_named(struct wool_value_builder_t *builder,
                                       struct wool_slice_t type_name,
                                       struct wool_error_t **error);

// Begins the arguments of a call: `positional` values are added next, then `named` pairs of a string and a value.
wool_status_t wool_value_builder_arguments(struct wool_value_builder_t *builder,
                                           size_t positional,
                                           size_t named,
                                           struct wool_error_t **error);

// Finishes the value or the arguments. On success `*out` belongs to the caller: wool_bytes_free; its codec is
// WOOL_CODEC_MSGPACK. In any case the builder is empty again.
//
// Errors: WOOL_ERR_CODEC for what is incomplete, and whatever failed before.
wool_status_t wool_value_builder_finish(struct wool_value_builder_t *builder,
                                        struct wool_bytes_t *out,
                                        struct wool_error_t **error);

// Frees a builder. NULL is fine.
void wool_value_builder_free(struct wool_value_builder_t *builder);

// Reads a value. The whole of it is checked here: WOOL_ERR_CODEC for what is none. `data` must stay valid and unchanged
// until the reader is freed. On success `*out` belongs to the caller: wool_value_reader_free.
wool_status_t wool_value_reader_new(struct wool_slice_t data,
                                    struct wool_value_reader_t **out,
                                    struct wool_error_t **error);

// Reads the arguments of a call: `*positional` values, then `*named` pairs of a string and a value. As
// wool_value_reader_new otherwise.
wool_status_t wool_value_reader_new_arguments(struct wool_slice_t data,
                                              struct wool_value_reader_t **out,
                                              size_t *positional,
                                              size_t *named,
                                              struct wool_error_t **error);

// Reads the arguments of a task in the order of its routine's `parameters`, which must have been given when it was
// registered, whether the caller passed them by position or by name: one value for each. Null stands for those that
// were left out, of which the first `needed` may not be. Otherwise as wool_value_reader_new.
//
// What is wrong, here or in a typed read from this reader, names the routine, the argument and what was expected:
// fail the task with it, as the type "ArgumentError".
//
// Errors: WOOL_ERR_CODEC for what are no arguments, too few, too many or wrongly named; WOOL_ERR_INVALID_ARGUMENT for
// a task that is over.
wool_status_t wool_value_reader_new_bound(wool_task_t task,
                                          struct wool_payload_t arguments,
                                          size_t needed,
                                          struct wool_value_reader_t **out,
                                          struct wool_error_t **error);

// The next value, or container's head: WOOL_OK and `*out`, or WOOL_END. What it points at is valid until the reader is
// freed.
wool_status_t wool_value_reader_next(struct wool_value_reader_t *reader,
                                     struct wool_value_t *out,
                                     struct wool_error_t **error);

// Whether the next value is null: then `*out` is 1 and the next is the one after it; else 0 and it stays the next.
wool_status_t wool_value_reader_null(struct wool_value_reader_t *reader,
                                     int32_t *out,
                                     struct wool_error_t **error);

// Reads a bool, as 0 or 1.
//
// Errors, of all typed reads: WOOL_ERR_CODEC, naming the place, what was expected and what was found, which stays the
// next value.
wool_status_t wool_value_reader_bool(struct wool_value_reader_t *reader,
                                     int32_t *out,
                                     struct wool_error_t **error);

// Reads an int of at most 64 bits.
wool_status_t wool_value_reader_int(struct wool_value_reader_t *reader,
                                    int64_t *out,
                                    struct wool_error_t **error);

// Reads a float.
wool_status_t wool_value_reader_float(struct wool_value_reader_t *reader,
                                      double *out,
                                      struct wool_error_t **error);

// Reads a string. It is valid until the reader is freed.
wool_status_t wool_value_reader_string(struct wool_value_reader_t *reader,
                                       struct wool_slice_t *out,
                                       struct wool_error_t **error);

// Reads bytes. They are valid until the reader is freed.
wool_status_t wool_value_reader_bytes(struct wool_value_reader_t *reader,
                                      struct wool_slice_t *out,
                                      struct wool_error_t **error);

// Reads the head of a list or tuple: `*out` elements follow.
wool_status_t wool_value_reader_list(struct wool_value_reader_t *reader,
                                     size_t *out,
                                     struct wool_error_t **error);

// Reads the head of a map: `*out` pairs of key and value follow.
wool_status_t wool_value_reader_map(struct wool_value_reader_t *reader,
                                    size_t *out,
                                    struct wool_error_t **error);

// Skips one value, a container with its contents.
//
// Errors: WOOL_ERR_CODEC when there is none left.
wool_status_t wool_value_reader_skip(struct wool_value_reader_t *reader, struct wool_error_t **error);

// Frees a reader. NULL is fine.
void wool_value_reader_free(struct wool_value_reader_t *reader);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* WOOL_H */

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

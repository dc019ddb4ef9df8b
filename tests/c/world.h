/* A runtime whose worker and pool are in this process, and the routines that the tests call. */
#ifndef WORLD_H
#define WORLD_H

#include "check.h"

typedef struct {
  wool_runtime_t *runtime;
  wool_worker_t *worker;
  wool_pool_t *pool;
  wool_queue_t *queue; /* of 64 slots, drained by the test */
} world_t;

/* Serves, by callbacks:
 *
 *   test.add(a, b)     their sum
 *   test.echo(x)       what it was given
 *   test.fail()        fails with type, message, traceback, value and cause
 *   test.wait()        answers when it is cancelled
 *   test.keep()        stores its task for world_kept_task, and does not answer
 *   test.count(n)      stream of 0 .. n-1
 *   test.endless()     stream of 0, 1, 2, ...
 *   test.pid()         the id of the process that serves it
 *   test.exit(status)  ends that process
 */
world_t world_new(void);
void world_free(world_t *world);
/* The same on a runtime of the test's, whose worker has these options, which may be NULL. */
world_t world_of(wool_runtime_t *runtime, const wool_worker_options_t *options);
/* Registers a routine; a stream if it has steps. Before there is a worker: its callers know then what it serves. */
void serve(wool_runtime_t *runtime, const char *name, wool_run_fn run, wool_step_fn step, wool_cancel_fn cancel);
/* The same with these options, whose size, name and kind need not be set. */
void serve_with(wool_runtime_t *runtime, const char *name, wool_routine_options_t options);
/* The same for one that a queue serves. */
void serve_by_queue(wool_runtime_t *runtime, const char *name, int32_t kind, wool_queue_t *queue, uint64_t tag);
/* A queue of so many slots; 0: as many as by default. */
wool_queue_t *queue_of(wool_runtime_t *runtime, uint32_t capacity);

/* A runtime with these routines, and no worker yet. */
wool_runtime_t *world_runtime(void);
wool_runtime_t *world_runtime_with(const wool_runtime_options_t *options);

/* The task of the test.keep call that came first; waits for it. */
wool_task_t world_kept_task(void);
/* The same, and the next one is of the next call. */
wool_task_t world_take_kept_task(void);
/* Counters that routines keep and tests read or wait for; from any thread. */
void world_count(int *counter);
int world_count_of(const int *counter);
void world_wait_count(const int *counter, int count);
/* How many tasks heard of a cancel; how many streams cleaned up. */
int world_cancelled(void);
int world_cleaned(void);
/* Waits until so many have. */
void world_wait_cancelled(int count);
void world_wait_cleaned(int count);

/* Encoded arguments: 0 to 2 ints. Given back by wool_bytes_free. */
wool_bytes_t ints(int count, int64_t a, int64_t b);
wool_payload_t payload(wool_bytes_t bytes);
wool_bytes_t one_int(int64_t number);
/* Reads arguments, which must be so many ints. */
void read_ints(wool_payload_t arguments, size_t count, int64_t *numbers);
int64_t to_int(wool_bytes_t bytes);

/* Submits, and frees the arguments. */
wool_call_t submit(world_t *world, const char *routine, wool_bytes_t arguments, uint64_t tag);
wool_stream_t open_stream(world_t *world, const char *routine, wool_bytes_t arguments, wool_queue_t *queue, uint64_t tag);
/* Calls and waits. */
int64_t call_add(world_t *world, int64_t a, int64_t b);
/* Calls a routine that takes nothing and returns an int, and waits. */
int64_t call_int(wool_pool_t *pool, const char *routine);
/* The next event of the world's queue; its payload has an owner. */
wool_event_t next_event(world_t *world);
wool_event_t next_event_of(wool_queue_t *queue);
void free_event(wool_event_t *event);

#endif

/* Completion queues: slots, wake-ups, the handler, and routines that a queue serves. */
#include "world.h"

#include <poll.h>
#include <pthread.h>

TEST(a_full_queue_refuses_at_submit_and_recovers) {
  world_t world = world_new();
  wool_queue_t *queue = queue_of(world.runtime, 2);
  wool_bytes_t arguments = ints(2, 1, 2);
  wool_event_t event;
  size_t count;
  for (int i = 0; i < 2; i++) {
    OK(wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, queue, 0, NULL, &error));
  }
  FAILS(WOOL_ERR_BUSY, "2 slots",
        wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, queue, 0, NULL, &error));
  /* A slot is taken up to the drain, not only until the result is there. */
  OK(wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  free_event(&event);
  OK(wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, queue, 0, NULL, &error));
  FAILS(WOOL_ERR_BUSY, "2 slots",
        wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, queue, 0, NULL, &error));
  wool_bytes_free(&arguments);
  wool_queue_free(queue);
  world_free(&world);
}

/* What a program had that was compiled before events had an error. */
typedef struct {
  int32_t kind, status;
  uint64_t tag, handle;
  wool_bytes_t payload;
  int32_t codec, step;
} older_event_t;

/* And one that is compiled when they have more. */
typedef struct {
  wool_event_t known;
  uint64_t added[2];
} newer_event_t;

static void ask_for_a_sum_and_a_failure(world_t *world, wool_queue_t *queue) {
  wool_bytes_t arguments = ints(2, 1, 2);
  OK(wool_call_submit(world->pool, text("test.add"), payload(arguments), NULL, queue, 1, NULL, &error));
  OK(wool_call_submit(world->pool, text("test.nowhere"), payload(arguments), NULL, queue, 2, NULL, &error));
  wool_bytes_free(&arguments);
}

TEST(events_of_an_older_program_fit_its_elements) {
  world_t world = world_new();
  wool_queue_t *queue = queue_of(world.runtime, 0);
  ask_for_a_sum_and_a_failure(&world, queue);
  older_event_t events[2];
  for (size_t filled = 0, count; filled < 2; filled += count) {
    OK(wool_queue_drain(queue, (wool_event_t *)(void *)&events[filled], sizeof *events, 2 - filled, NULL, 0, -1, &count, &error));
  }
  for (int i = 0; i < 2; i++) {
    if (events[i].tag == 1) {
      CHECK(events[i].kind == WOOL_EVENT_RESULT && events[i].status == WOOL_OK && events[i].payload.len > 0);
      CHECK(events[i].codec == WOOL_CODEC_MSGPACK);
      wool_bytes_free(&events[i].payload);
    } else {
      CHECK(events[i].tag == 2 && events[i].kind == WOOL_EVENT_ERROR);
      CHECK(events[i].status == WOOL_ERR_ROUTINE_NOT_FOUND && events[i].payload.len == 0);
    }
  }
  CHECK(events[0].tag != events[1].tag);
  wool_queue_free(queue);
  world_free(&world);
}

TEST(events_of_a_newer_program_have_zeros_where_they_are_new) {
  world_t world = world_new();
  wool_queue_t *queue = queue_of(world.runtime, 0);
  ask_for_a_sum_and_a_failure(&world, queue);
  newer_event_t events[2];
  memset(events, 0xff, sizeof events);
  for (size_t filled = 0, count; filled < 2; filled += count) {
    OK(wool_queue_drain(queue, &events[filled].known, sizeof *events, 2 - filled, NULL, 0, -1, &count, &error));
  }
  for (int i = 0; i < 2; i++) {
    CHECK(events[i].known.kind == (events[i].known.tag == 1 ? WOOL_EVENT_RESULT : WOOL_EVENT_ERROR));
    CHECK(events[i].added[0] == 0 && events[i].added[1] == 0);
    free_event(&events[i].known);
  }
  wool_queue_free(queue);
  world_free(&world);
}

TEST(an_event_size_that_is_none_is_refused) {
  world_t world = world_new();
  wool_event_t event;
  size_t count = 7;
  const size_t none[] = {0, 1, sizeof(older_event_t) - 8, sizeof event - 4, sizeof event + 1, 4096, SIZE_MAX};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "pass sizeof(wool_event_t)",
          wool_queue_drain(world.queue, &event, none[i], 1, NULL, 0, 0, &count, &error));
    CHECK(count == 0);
  }
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "more events than memory",
        wool_queue_drain(world.queue, &event, sizeof event, SIZE_MAX, NULL, 0, 0, &count, &error));
  world_free(&world);
}

TEST(items_take_slots_when_they_are_asked_for) {
  world_t world = world_new();
  wool_queue_t *queue = queue_of(world.runtime, 3);
  wool_stream_t stream = open_stream(&world, "test.count", ints(1, 2, 0), queue, 0);
  FAILS(WOOL_ERR_BUSY, "3 slots", wool_stream_next(stream, 3, &error));
  OK(wool_stream_next(stream, 2, &error));
  FAILS(WOOL_ERR_BUSY, "3 slots", wool_stream_next(stream, 1, &error));
  for (int i = 0; i < 2; i++) {
    wool_event_t event;
    size_t count;
    OK(wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
    CHECK(event.kind == WOOL_EVENT_ITEM);
    free_event(&event);
  }
  /* Three are asked for... */
  OK(wool_stream_next(stream, 2, &error));
  wool_event_t event;
  size_t count;
  OK(wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  CHECK(event.kind == WOOL_EVENT_END);
  /* ... and those that never come have given their slots back. */
  wool_stream_t next = open_stream(&world, "test.count", ints(1, 2, 0), queue, 0);
  OK(wool_stream_next(next, 2, &error));
  CHECK(wool_stream_cancel(next) == WOOL_OK);
  wool_queue_free(queue);
  world_free(&world);
}

static int readable(int fd, int timeout_ms) {
  struct pollfd poll_fd = {fd, POLLIN, 0};
  return poll(&poll_fd, 1, timeout_ms) == 1;
}

TEST(the_descriptor_is_readable_while_there_are_events) {
  world_t world = world_new();
  int fd = wool_queue_fd(world.queue);
  CHECK(fd >= 0 && wool_queue_fd(world.queue) == fd);
  CHECK(!readable(fd, 0));
  submit(&world, "test.add", ints(2, 1, 2), 0);
  submit(&world, "test.add", ints(2, 1, 2), 0);
  CHECK(readable(fd, -1));
  wool_event_t event = next_event(&world);
  free_event(&event);
  CHECK(readable(fd, -1));
  event = next_event(&world);
  free_event(&event);
  size_t count;
  ANSWERS(WOOL_PENDING, wool_queue_drain(world.queue, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  CHECK(!readable(fd, 0));
  OK(wool_queue_close(world.queue, &error));
  CHECK(readable(fd, -1));
  FAILS(WOOL_ERR_CLOSED, "closed", wool_queue_drain(world.queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  CHECK(readable(fd, 0));
  world_free(&world);
}

struct bell {
  pthread_mutex_t lock;
  pthread_cond_t rang;
  int rings, destroyed;
};

static void ring(void *data) {
  struct bell *bell = data;
  pthread_mutex_lock(&bell->lock);
  bell->rings++;
  pthread_cond_signal(&bell->rang);
  pthread_mutex_unlock(&bell->lock);
}

static void destroy_bell(void *data) {
  struct bell *bell = data;
  pthread_mutex_lock(&bell->lock);
  bell->destroyed++;
  pthread_mutex_unlock(&bell->lock);
}

TEST(the_doorbell_rings_when_events_come_to_an_empty_queue) {
  enum { ROUNDS = 100 };
  world_t world = world_new();
  struct bell bell = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
  wool_queue_options_t options = WOOL_QUEUE_OPTIONS_INIT;
  wool_queue_t *queue = NULL;
  wool_bytes_t arguments = ints(2, 1, 2);
  options.doorbell = ring;
  options.doorbell_user_data = &bell;
  options.doorbell_destroy = destroy_bell;
  OK(wool_queue_new(world.runtime, &options, &queue, &error));
  int drained = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < 3; i++) {
      OK(wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, queue, 0, NULL, &error));
    }
    while (drained < 3 * (round + 1)) {
      pthread_mutex_lock(&bell.lock);
      while (bell.rings == 0) pthread_cond_wait(&bell.rang, &bell.lock);
      bell.rings = 0;
      pthread_mutex_unlock(&bell.lock);
      wool_event_t events[2];
      size_t count;
      do {
        count = 0;
        int32_t status = wool_queue_drain(queue, events, sizeof *events, 2, NULL, 0, 0, &count, NULL);
        CHECK(status == WOOL_OK || status == WOOL_PENDING);
        for (size_t i = 0; i < count; i++) free_event(&events[i]);
        drained += (int)count;
      } while (count == 2);
    }
  }
  OK(wool_queue_close(queue, &error));
  CHECK(bell.destroyed == 1);
  wool_queue_free(queue);
  wool_bytes_free(&arguments);
  world_free(&world);
}

struct handled {
  flag_t *done;
  int events, destroyed;
  world_t *world;
  wool_queue_t *queue;
  int64_t nested;
  wool_bytes_t taken;
};

static void destroy_handled(void *data) { ((struct handled *)data)->destroyed++; }

static void handle(void *data, wool_event_t *event) {
  struct handled *handled = data;
  CHECK(event->kind == WOOL_EVENT_RESULT && to_int(event->payload) == 3);
  /* It may block: a nested call is fine. Closing what would wait for this callback is not. */
  handled->nested = call_add(handled->world, 20, 22);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "in a callback", wool_queue_close(handled->queue, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "in a callback", wool_pool_close(handled->world->pool, 0, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "in a callback", wool_worker_stop(handled->world->worker, 0, 0, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "in a callback", wool_runtime_close(handled->world->runtime, 0, &error));
  if (handled->events++ == 0) {
    handled->taken = event->payload;
    event->payload.owner = NULL;
  } else {
    flag_raise(handled->done);
  }
}

TEST(a_handler_gets_the_events_and_may_take_what_they_carry) {
  world_t world = world_new();
  struct handled handled = {flag_new(), 0, 0, &world, NULL, 0, {0}};
  wool_queue_options_t options = WOOL_QUEUE_OPTIONS_INIT;
  wool_bytes_t arguments = ints(2, 1, 2);
  wool_event_t event;
  size_t count;
  options.handler = handle;
  options.handler_user_data = &handled;
  options.handler_destroy = destroy_handled;
  OK(wool_queue_new(world.runtime, &options, &handled.queue, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "handler",
        wool_queue_drain(handled.queue, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  for (int i = 0; i < 2; i++) {
    OK(wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, handled.queue, 0, NULL, &error));
  }
  flag_wait(handled.done);
  CHECK(handled.events == 2 && handled.nested == 42 && to_int(handled.taken) == 3);
  wool_bytes_free(&handled.taken);
  wool_bytes_free(&arguments);
  wool_queue_free(handled.queue);
  world_free(&world);
  CHECK(handled.destroyed == 1);
  flag_free(handled.done);
}

static wool_event_t next_task_event(wool_queue_t *queue, int32_t kind, uint64_t tag) {
  wool_event_t event;
  size_t count;
  OK(wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  CHECK(event.kind == kind && event.tag == tag);
  return event;
}

TEST(a_queue_serves_unary_tasks) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *tasks = queue_of(runtime, 8);
  serve_by_queue(runtime, "queued.echo", WOOL_ROUTINE_UNARY, tasks, 77);
  world_t world = world_of(runtime, NULL);
  wool_call_t call = submit(&world, "queued.echo", ints(1, 5, 0), 1);
  wool_event_t task = next_task_event(tasks, WOOL_EVENT_TASK, 77);
  CHECK(task.payload.len == 3 && task.payload.ptr[2] == 5 && task.codec == WOOL_CODEC_MSGPACK);
  wool_payload_t five = {text("\x05"), WOOL_CODEC_MSGPACK};
  OK(wool_task_return(task.handle, five, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.handle == call && event.kind == WOOL_EVENT_RESULT && to_int(event.payload) == 5);
  free_event(&event);
  free_event(&task);

  call = submit(&world, "queued.echo", ints(0, 0, 0), 2);
  task = next_task_event(tasks, WOOL_EVENT_TASK, 77);
  CHECK(wool_call_cancel(call) == WOOL_OK);
  wool_event_t cancel = next_task_event(tasks, WOOL_EVENT_CANCEL, 77);
  CHECK(cancel.handle == task.handle && wool_task_is_cancelled(task.handle));
  OK(wool_task_return(task.handle, five, &error));
  event = next_event(&world);
  CHECK(event.status == WOOL_ERR_CANCELLED);
  free_event(&event);
  free_event(&task);
  wool_queue_free(tasks);
  world_free(&world);
}

TEST(a_queue_serves_streams_step_by_step) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *tasks = queue_of(runtime, 8);
  wool_payload_t item = {text("fleece"), WOOL_CODEC_RAW};
  serve_by_queue(runtime, "queued.stream", WOOL_ROUTINE_STREAM, tasks, 78);
  world_t world = world_of(runtime, NULL);
  wool_stream_t stream = open_stream(&world, "queued.stream", ints(0, 0, 0), world.queue, 1);
  wool_event_t task = next_task_event(tasks, WOOL_EVENT_TASK, 78);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "no item was asked for", wool_task_yield(task.handle, item, &error));
  OK(wool_stream_next(stream, 2, &error));
  for (int i = 0; i < 2; i++) {
    wool_event_t step = next_task_event(tasks, WOOL_EVENT_STEP, 78);
    CHECK(step.step == WOOL_STEP_NEXT && step.handle == task.handle);
    OK(wool_task_yield(task.handle, item, &error));
    wool_event_t event = next_event(&world);
    CHECK(event.kind == WOOL_EVENT_ITEM && event.codec == WOOL_CODEC_RAW && event.payload.len == 6);
    free_event(&event);
  }
  OK(wool_stream_close(stream, &error));
  wool_event_t step = next_task_event(tasks, WOOL_EVENT_STEP, 78);
  CHECK(step.step == WOOL_STEP_CLOSE);
  OK(wool_task_end(task.handle, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_END);
  free_event(&task);
  wool_queue_free(tasks);
  world_free(&world);
}

TEST(what_was_asked_for_stays_asked_when_the_time_is_up) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *tasks = queue_of(runtime, 8);
  wool_payload_t raw = {text("fleece"), WOOL_CODEC_RAW};
  wool_bytes_t item;
  wool_event_t event;
  size_t count;
  serve_by_queue(runtime, "queued.stream", WOOL_ROUTINE_STREAM, tasks, 1);
  world_t world = world_of(runtime, NULL);
  wool_stream_t stream = open_stream(&world, "queued.stream", ints(0, 0, 0), NULL, 0);
  wool_event_t task = next_task_event(tasks, WOOL_EVENT_TASK, 1);
  for (int i = 0; i < 3; i++) ANSWERS(WOOL_PENDING, wool_stream_wait(stream, 0, &item, NULL, &error));
  next_task_event(tasks, WOOL_EVENT_STEP, 1);
  OK(wool_task_yield(task.handle, raw, &error));
  OK(wool_stream_wait(stream, -1, &item, NULL, &error));
  wool_bytes_free(&item);
  /* Three waits, one item: it was asked for once. */
  ANSWERS(WOOL_PENDING, wool_queue_drain(tasks, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  OK(wool_task_end(task.handle, &error));
  ANSWERS(WOOL_END, wool_stream_wait(stream, -1, &item, NULL, &error));
  free_event(&task);
  wool_queue_free(tasks);
  world_free(&world);
}

TEST(a_full_queue_refuses_tasks_as_busy) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *tasks = queue_of(runtime, 2);
  wool_payload_t raw = {text(""), WOOL_CODEC_RAW};
  serve_by_queue(runtime, "queued.unary", WOOL_ROUTINE_UNARY, tasks, 1);
  world_t world = world_of(runtime, NULL);
  submit(&world, "queued.unary", ints(0, 0, 0), 1);
  wool_bytes_t arguments = ints(0, 0, 0), result;
  FAILS(WOOL_ERR_BUSY, "slots",
        wool_call(world.pool, text("queued.unary"), payload(arguments), NULL, -1, &result, NULL, &error));
  wool_event_t task = next_task_event(tasks, WOOL_EVENT_TASK, 1);
  OK(wool_task_return(task.handle, raw, &error));
  free_event(&task);
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_RESULT && event.payload.len == 0);
  wool_bytes_free(&arguments);
  wool_queue_free(tasks);
  world_free(&world);
}

TEST(closing_a_queue_fails_the_tasks_it_serves) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *tasks = queue_of(runtime, 8);
  serve_by_queue(runtime, "queued.unary", WOOL_ROUTINE_UNARY, tasks, 1);
  world_t world = world_of(runtime, NULL);
  submit(&world, "queued.unary", ints(0, 0, 0), 1);
  wool_event_t task = next_task_event(tasks, WOOL_EVENT_TASK, 1);
  OK(wool_queue_close(tasks, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CLOSED);
  free_event(&event);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_end(task.handle, &error));
  wool_bytes_t arguments = ints(0, 0, 0), result;
  FAILS(WOOL_ERR_CLOSED, "closed",
        wool_call(world.pool, text("queued.unary"), payload(arguments), NULL, -1, &result, NULL, &error));
  wool_bytes_free(&arguments);
  free_event(&task);
  wool_queue_free(tasks);
  world_free(&world);
}

TEST(closing_a_queue_ends_its_calls_as_closed) {
  world_t world = world_new();
  submit(&world, "test.wait", ints(0, 0, 0), 1);
  world_kept_task();
  wool_stream_t stream = open_stream(&world, "test.endless", ints(0, 0, 0), world.queue, 2);
  OK(wool_stream_next(stream, 1, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ITEM);
  free_event(&event);
  OK(wool_queue_close(world.queue, &error));
  OK(wool_queue_close(world.queue, &error));
  wool_bytes_t arguments = ints(0, 0, 0);
  FAILS(WOOL_ERR_CLOSED, "queue is closed",
        wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, world.queue, 0, NULL, &error));
  FAILS(WOOL_ERR_CLOSED, "queue is closed", wool_pool_close_submit(world.pool, world.queue, 0, &error));
  wool_bytes_free(&arguments);
  for (int i = 0; i < 2; i++) {
    event = next_event(&world);
    CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CLOSED);
    free_event(&event);
  }
  size_t count;
  FAILS(WOOL_ERR_CLOSED, "drained", wool_queue_drain(world.queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  world_wait_cancelled(1);
  world_wait_cleaned(1);
  world_free(&world);
}

static void *drain_until_closed(void *data) {
  wool_event_t event;
  size_t count;
  FAILS(WOOL_ERR_CLOSED, "closed", wool_queue_drain(data, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  return NULL;
}

TEST(closing_a_queue_wakes_its_drainers) {
  world_t world = world_new();
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, drain_until_closed, world.queue) == 0);
  OK(wool_queue_close(world.queue, &error));
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  world_free(&world);
}

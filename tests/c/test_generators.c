/* Generators from both ends: values and errors that are sent to their yields, closes, and items asked for ahead. */
#include "generators.h"

/* One word for what was found: an item's number, or how the stream ended. */
enum { ENDED = -1, RESET = -2, OTHER = -3, CANCELLED = -4, REFUSED = -5, NOTHING = -6 };

static int64_t found_error(wool_error_t *error) {
  int64_t found = OTHER;
  if (wool_error_status(error) == WOOL_ERR_CANCELLED) found = CANCELLED;
  if (same(wool_error_type(error), "Reset")) found = RESET;
  CHECK(found != OTHER || same(wool_error_type(error), "Fox"));
  wool_error_free(error);
  return found;
}

/* The answer of a stream: by an event if it has a queue, else by a wait. */
static int64_t answer_of(world_t *world, wool_stream_t stream, int has_queue) {
  if (has_queue) {
    wool_event_t event = next_event(world);
    CHECK(event.handle == stream);
    int64_t found = event.kind == WOOL_EVENT_ITEM ? to_int(event.payload) : ENDED;
    if (event.kind == WOOL_EVENT_ERROR) {
      found = found_error(event.error);
      event.error = NULL;
    }
    free_event(&event);
    return found;
  }
  wool_bytes_t item;
  wool_error_t *error = NULL;
  int32_t status = (int32_t)wool_stream_wait(stream, -1, &item, NULL, &error);
  if (status == WOOL_END) return ENDED;
  if (status < 0) return found_error(error);
  int64_t found = to_int(item);
  wool_bytes_free(&item);
  return found;
}

/* What may be done to a stream. */
enum { NEXT, SEND, THROW_RESET, THROW_FOX, CLOSE, CANCEL, OPERATIONS };

static int refused(wool_status_t status, wool_error_t *error) {
  if (status == WOOL_OK) return 0;
  CHECK(status == WOOL_ERR_INVALID_ARGUMENT && error != NULL);
  wool_error_free(error);
  return 1;
}

static int64_t operate(world_t *world, wool_stream_t stream, int has_queue, int operation, int is_over) {
  wool_error_t *error = NULL;
  wool_status_t status = WOOL_OK;
  switch (operation) {
    case NEXT:
      if (is_over && !has_queue) {
        wool_bytes_t item;
        FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_stream_wait(stream, -1, &item, NULL, &error));
        return REFUSED;
      }
      if (has_queue) status = wool_stream_next(stream, 1, &error);
      break;
    case SEND: status = send_int(stream, 3, &error); break;
    case THROW_RESET: status = throw_type(stream, "Reset", &error); break;
    case THROW_FOX: status = throw_type(stream, "Fox", &error); break;
    case CLOSE: status = wool_stream_close(stream, &error); break;
    default: status = wool_stream_cancel(stream); break;
  }
  if (refused(status, error)) return REFUSED;
  /* Closing and cancelling what is over does nothing, and who cancels a stream without a queue has let go of it. */
  if (is_over || (operation == CANCEL && !has_queue)) return NOTHING;
  return answer_of(world, stream, has_queue);
}

enum { UNBEGUN, AT_YIELD, OVER };

/* The same by the rules, for test.accumulate(10). */
static int64_t expected(int *phase, int64_t *total, int has_queue, int operation) {
  int before = *phase;
  if (before == OVER) return operation == CLOSE || operation == CANCEL ? NOTHING : REFUSED;
  if (operation == CLOSE || operation == CANCEL || operation == THROW_FOX ||
      (operation == THROW_RESET && before == UNBEGUN)) {
    *phase = OVER;
    if (operation == CLOSE) return ENDED;
    if (operation == CANCEL) return has_queue ? CANCELLED : NOTHING;
    return operation == THROW_FOX ? OTHER : RESET;
  }
  if (operation == SEND && before == UNBEGUN) return REFUSED;
  *phase = AT_YIELD;
  if (operation == SEND) *total += 3;
  if (operation == THROW_RESET) *total = 0;
  return *total;
}

static void play_all_orders(int has_queue) {
  world_t world = generators_world();
  int begun = 0;
  for (int order = 0; order < OPERATIONS * OPERATIONS * OPERATIONS; order++) {
    wool_stream_t stream = open_stream(&world, "test.accumulate", ints(1, 10, 0), has_queue ? world.queue : NULL, 7);
    int phase = UNBEGUN, left = order, was_at_yield = 0;
    int64_t total = 10;
    for (int i = 0; i < 3; i++, left /= OPERATIONS) {
      int is_over = phase == OVER;
      int64_t wanted = expected(&phase, &total, has_queue, left % OPERATIONS);
      int64_t found = operate(&world, stream, has_queue, left % OPERATIONS, is_over);
      if (found != wanted) fprintf(stderr, "order %d, step %d: %lld, not %lld\n", order, i, (long long)found, (long long)wanted);
      CHECK(found == wanted);
      was_at_yield |= phase == AT_YIELD;
    }
    begun += was_at_yield;
    if (phase != OVER) CHECK(operate(&world, stream, has_queue, CLOSE, 0) == ENDED);
  }
  generators_wait_ended(begun);
  CHECK(generators_begun() == begun);
  world_free(&world);
  CHECK(generators_ended() == begun);
}

TEST(everything_in_every_order_on_a_queue) { play_all_orders(1); }
TEST(everything_in_every_order_blocking) { play_all_orders(0); }

TEST(values_are_sent_to_the_yield) {
  world_t world = generators_world();
  wool_stream_t stream = open_stream(&world, "test.accumulate", ints(1, 10, 0), NULL, 0);
  CHECK(wait_int(stream) == 10);
  OK(send_int(stream, 5, &error));
  CHECK(wait_int(stream) == 15);
  CHECK(wait_int(stream) == 15);
  OK(send_int(stream, -16, &error));
  wait_end(stream);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", send_int(stream, 1, &error));
  world_free(&world);
}

TEST(any_value_is_sent_and_comes_back) {
  world_t world = generators_world();
  wool_stream_t stream = open_stream(&world, "test.mirror", ints(0, 0, 0), NULL, 0);
  enum { BIG = 3 << 20 };
  uint8_t *big = calloc(1, BIG);
  const wool_payload_t values[] = {{text("\xc0"), WOOL_CODEC_MSGPACK},
                                   {text("fleece"), WOOL_CODEC_RAW},
                                   {{NULL, 0}, WOOL_CODEC_RAW},
                                   {{big, BIG}, WOOL_CODEC_RAW}};
  wool_bytes_t item;
  int32_t codec;
  OK(wool_stream_wait(stream, -1, &item, &codec, &error));
  wool_bytes_free(&item);
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    OK(wool_stream_send(stream, values[i], &error));
    OK(wool_stream_wait(stream, -1, &item, &codec, &error));
    CHECK(codec == values[i].codec && item.len == values[i].data.len);
    CHECK(item.len == 0 || memcmp(item.ptr, values[i].data.ptr, item.len) == 0);
    wool_bytes_free(&item);
  }
  OK(wool_stream_close(stream, &error));
  wait_end(stream);
  free(big);
  world_free(&world);
}

TEST(a_send_before_the_first_item_is_refused_and_harms_nothing) {
  world_t world = generators_world();
  for (int has_queue = 0; has_queue < 2; has_queue++) {
    wool_stream_t stream = open_stream(&world, "test.accumulate", ints(1, 10, 0), has_queue ? world.queue : NULL, 0);
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "ask for its first item", send_int(stream, 1, &error));
    if (has_queue) OK(wool_stream_next(stream, 1, &error));
    CHECK(answer_of(&world, stream, has_queue) == 10);
    OK(send_int(stream, 1, &error));
    CHECK(answer_of(&world, stream, has_queue) == 11);
    OK(wool_stream_close(stream, &error));
    CHECK(answer_of(&world, stream, has_queue) == ENDED);
  }
  world_free(&world);
}

TEST(a_send_while_an_item_is_owed_is_refused_and_harms_nothing) {
  world_t world = generators_world();
  wool_bytes_t item;
  wool_stream_t stream = open_stream(&world, "test.stall", ints(0, 0, 0), NULL, 0);
  CHECK(wait_int(stream) == 0);
  ANSWERS(WOOL_PENDING, wool_stream_wait(stream, 0, &item, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "asked for", send_int(stream, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "asked for", throw_type(stream, "Fox", &error));
  CHECK(wool_stream_cancel(stream) == WOOL_OK);

  stream = open_stream(&world, "test.stall", ints(0, 0, 0), world.queue, 0);
  OK(wool_stream_next(stream, 2, &error));
  CHECK(answer_of(&world, stream, 1) == 0);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "asked for", send_int(stream, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "asked for", throw_type(stream, "Fox", &error));
  CHECK(wool_stream_cancel(stream) == WOOL_OK);
  CHECK(answer_of(&world, stream, 1) == CANCELLED);
  generators_wait_ended(2);
  world_free(&world);
}

static wool_fault_t thrown_fault(const wool_payload_t *value, const wool_error_t *cause, const wool_slice_t *line) {
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.type = text("Fox");
  fault.message = text("came at night");
  fault.traceback = line;
  fault.traceback_len = 1;
  fault.value = value;
  fault.cause = cause;
  return fault;
}

TEST(what_is_thrown_and_not_caught_comes_back_whole) {
  world_t world = generators_world();
  wool_bytes_t seven = one_int(7);
  wool_payload_t value = payload(seven);
  wool_slice_t line = text("fence.c:22");
  wool_fault_t inner = WOOL_FAULT_INIT;
  wool_error_t *cause = NULL;
  inner.type = text("Hole");
  inner.message = text("in the fence");
  OK(wool_error_new(&inner, &cause, &error));
  wool_fault_t fault = thrown_fault(&value, cause, &line);
  for (int begins = 0; begins < 2; begins++) {
    wool_stream_t stream = open_stream(&world, "test.accumulate", ints(1, 10, 0), NULL, 0);
    if (begins) CHECK(wait_int(stream) == 10);
    OK(wool_stream_throw(stream, &fault, &error));
    wool_error_t *failure = wait_error(stream);
    CHECK(wool_error_status(failure) == WOOL_ERR_TASK_FAILED && same(wool_error_type(failure), "Fox"));
    CHECK(same(wool_error_message(failure), "came at night") && same(wool_error_language(failure), "c"));
    CHECK(wool_error_traceback_len(failure) == 1 && same(wool_error_traceback_line(failure, 0), "fence.c:22"));
    wool_payload_t data;
    CHECK(wool_error_value(failure, &data) == WOOL_OK && data.data.len == 1 && data.data.ptr[0] == 7);
    const wool_error_t *found = wool_error_cause(failure);
    CHECK(same(wool_error_type(found), "Hole") && same(wool_error_message(found), "in the fence"));
    wool_error_free(failure);
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", throw_type(stream, "Fox", &error));
  }
  /* What was thrown first has not let the routine begin. */
  CHECK(generators_begun() == 1);
  wool_error_free(cause);
  wool_bytes_free(&seven);
  world_free(&world);
}

TEST(misuse_of_a_stream_is_a_typed_error) {
  world_t world = generators_world();
  wool_payload_t raw = {text("x"), WOOL_CODEC_RAW}, strange = {text("x"), 77}, absent = {{NULL, 3}, WOOL_CODEC_RAW};
  wool_fault_t fault = WOOL_FAULT_INIT, sizeless = WOOL_FAULT_INIT, no_error = WOOL_FAULT_INIT, no_text = WOOL_FAULT_INIT;
  sizeless.struct_size = 0;
  no_error.status = WOOL_END;
  no_text.message = text("\xff");
  wool_call_t call = submit(&world, "test.wait", ints(0, 0, 0), 1);
  const uint64_t none[] = {0, 1, call, UINT64_MAX};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_stream_send(none[i], raw, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_stream_throw(none[i], &fault, &error));
  }
  for (int has_queue = 0; has_queue < 2; has_queue++) {
    wool_stream_t stream = open_stream(&world, "test.mirror", ints(0, 0, 0), has_queue ? world.queue : NULL, 0);
    if (has_queue) OK(wool_stream_next(stream, 1, &error));
    if (has_queue) {
      wool_event_t event = next_event(&world);
      free_event(&event);
    } else {
      wool_bytes_t item;
      OK(wool_stream_wait(stream, -1, &item, NULL, &error));
      wool_bytes_free(&item);
    }
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "codec is 77", wool_stream_send(stream, strange, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "NULL", wool_stream_send(stream, absent, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "NULL", wool_stream_throw(stream, NULL, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "struct_size", wool_stream_throw(stream, &sizeless, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "no error's number", wool_stream_throw(stream, &no_error, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "UTF-8", wool_stream_throw(stream, &no_text, &error));
    CHECK(wool_stream_send(stream, strange, NULL) == WOOL_ERR_INVALID_ARGUMENT);
    /* The stream is as it was. */
    OK(wool_stream_send(stream, raw, &error));
    OK(wool_stream_close(stream, &error));
    /* Refused, unless the end is there already and answers it. */
    wool_status_t late = wool_stream_send(stream, raw, NULL);
    CHECK(late == WOOL_ERR_INVALID_ARGUMENT || late == WOOL_OK);
    CHECK(wool_stream_cancel(stream) == WOOL_OK);
    for (int is_over = !has_queue; !is_over;) {
      wool_event_t event = next_event(&world);
      is_over = event.kind != WOOL_EVENT_ITEM;
      free_event(&event);
    }
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_stream_send(stream, raw, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_stream_throw(stream, &fault, &error));
  }
  CHECK(wool_call_cancel(call) == WOOL_OK);
  world_free(&world);
}

TEST(a_value_that_is_too_large_is_refused_and_nothing_was_sent) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.max_payload = 4096;
  world_t world = generators_world();
  wool_worker_t *worker;
  wool_pool_t *pool;
  OK(wool_worker_new(world.runtime, &options, &worker, &error));
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t there = WOOL_POOL_OPTIONS_INIT;
  there.addresses = &address;
  there.address_count = 1;
  OK(wool_pool_new(world.runtime, &there, &pool, &error));
  wool_bytes_t arguments = ints(1, 1, 0);
  wool_stream_t stream;
  OK(wool_stream_open(pool, text("test.accumulate"), payload(arguments), NULL, NULL, 0, &stream, &error));
  CHECK(wait_int(stream) == 1);
  static const uint8_t large[5000];
  wool_payload_t value = {{large, sizeof large}, WOOL_CODEC_RAW};
  FAILS(WOOL_ERR_PAYLOAD_TOO_LARGE, "4096", wool_stream_send(stream, value, &error));
  OK(send_int(stream, 1, &error));
  CHECK(wait_int(stream) == 2);
  CHECK(wool_stream_cancel(stream) == WOOL_OK);
  wool_bytes_free(&arguments);
  world_free(&world);
  wool_pool_free(pool);
  wool_worker_free(worker);
}

TEST(a_full_queue_refuses_a_send_and_nothing_was_sent) {
  world_t world = generators_world();
  wool_queue_options_t options = WOOL_QUEUE_OPTIONS_INIT;
  wool_queue_t *queue;
  options.capacity = 2;
  OK(wool_queue_new(world.runtime, &options, &queue, &error));
  wool_stream_t stream = open_stream(&world, "test.accumulate", ints(1, 1, 0), queue, 0);
  OK(wool_stream_next(stream, 1, &error));
  wool_event_t event = next_event_of(queue);
  free_event(&event);
  wool_bytes_t arguments = ints(0, 0, 0);
  wool_call_t call;
  OK(wool_call_submit(world.pool, text("test.wait"), payload(arguments), NULL, queue, 0, &call, &error));
  FAILS(WOOL_ERR_BUSY, "2 slots", send_int(stream, 1, &error));
  FAILS(WOOL_ERR_BUSY, "2 slots", throw_type(stream, "Reset", &error));
  CHECK(wool_call_cancel(call) == WOOL_OK);
  event = next_event_of(queue);
  free_event(&event);
  OK(send_int(stream, 1, &error));
  event = next_event_of(queue);
  CHECK(event.kind == WOOL_EVENT_ITEM && to_int(event.payload) == 2);
  free_event(&event);
  wool_bytes_free(&arguments);
  wool_queue_free(queue);
  world_free(&world);
}

TEST(a_generator_that_yields_after_its_close_fails_its_task) {
  world_t world = generators_world();
  wool_stream_t stream = open_stream(&world, "test.stubborn", ints(0, 0, 0), NULL, 0);
  CHECK(wait_int(stream) == 0);
  OK(wool_stream_close(stream, &error));
  wool_error_t *failure = wait_error(stream);
  CHECK(wool_error_status(failure) == WOOL_ERR_TASK_FAILED && same(wool_error_type(failure), "StreamClosed"));
  CHECK(same(wool_error_message(failure), "test.stubborn yielded an item after its stream was closed"));
  wool_error_free(failure);
  CHECK(call_add(&world, 1, 2) == 3);
  world_free(&world);
}

TEST(a_clean_up_that_fails_is_the_outcome_of_the_close) {
  world_t world = generators_world();
  wool_stream_t stream = open_stream(&world, "test.failclean", ints(0, 0, 0), NULL, 0);
  CHECK(wait_int(stream) == 0);
  OK(wool_stream_close(stream, &error));
  wool_error_t *failure = wait_error(stream);
  CHECK(same(wool_error_type(failure), "Rust") && same(wool_error_message(failure), "the shears do not close"));
  wool_error_free(failure);
  world_free(&world);
}

TEST(a_task_is_failed_with_an_error_as_it_came) {
  world_t world = generators_world();
  submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_task_t task = world_kept_task();
  wool_bytes_t arguments = ints(0, 0, 0), result;
  wool_error_t *failure = NULL;
  CHECK(wool_call(world.pool, text("test.nowhere"), payload(arguments), NULL, -1, &result, NULL, &failure) ==
        WOOL_ERR_ROUTINE_NOT_FOUND);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "NULL", wool_task_fail_with(task, NULL, &error));
  OK(wool_task_fail_with(task, failure, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_fail_with(task, failure, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_ROUTINE_NOT_FOUND);
  CHECK(holds(wool_error_message(event.error), "test.nowhere"));
  free_event(&event);
  wool_error_free(failure);
  wool_bytes_free(&arguments);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_task_fail_with(0, NULL, &error));
  world_free(&world);
}

static wool_event_t next_step(wool_queue_t *queue, int32_t step) {
  wool_event_t event = next_event_of(queue);
  CHECK(event.kind == WOOL_EVENT_STEP && event.step == step && event.tag == 5);
  return event;
}

TEST(a_queue_serves_what_is_sent_and_thrown) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *tasks = queue_of(runtime, 0);
  serve_by_queue(runtime, "queued.stream", WOOL_ROUTINE_STREAM, tasks, 5);
  world_t world = world_of(runtime, NULL);
  wool_stream_t stream = open_stream(&world, "queued.stream", ints(0, 0, 0), world.queue, 0);
  wool_event_t task = next_event_of(tasks);
  CHECK(task.kind == WOOL_EVENT_TASK);
  OK(wool_stream_next(stream, 1, &error));
  wool_event_t step = next_step(tasks, WOOL_STEP_NEXT);
  CHECK(step.payload.len == 0 && step.error == NULL && step.status == WOOL_OK && step.codec == 0);
  wool_payload_t raw = {text("fleece"), WOOL_CODEC_RAW};
  OK(wool_task_yield(task.handle, raw, &error));
  wool_event_t event = next_event(&world);
  free_event(&event);

  OK(send_int(stream, 7, &error));
  step = next_step(tasks, WOOL_STEP_SEND);
  CHECK(step.codec == WOOL_CODEC_MSGPACK && to_int(step.payload) == 7 && step.error == NULL);
  free_event(&step);
  OK(wool_task_yield(task.handle, raw, &error));
  event = next_event(&world);
  free_event(&event);

  OK(throw_type(stream, "Fox", &error));
  step = next_step(tasks, WOOL_STEP_THROW);
  CHECK(step.payload.len == 0 && step.status == WOOL_ERR_TASK_FAILED && same(wool_error_type(step.error), "Fox"));
  OK(wool_task_fail_with(task.handle, step.error, &error));
  free_event(&step);
  event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && same(wool_error_type(event.error), "Fox"));
  free_event(&event);
  free_event(&task);
  wool_queue_free(tasks);
  world_free(&world);
}

static wool_stream_t open_ahead(world_t *world, int64_t count, uint32_t prefetch, wool_queue_t *queue) {
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_bytes_t arguments = ints(1, count, 0);
  wool_stream_t stream;
  options.prefetch = prefetch;
  OK(wool_stream_open(world->pool, text("test.ahead"), payload(arguments), &options, queue, 0, &stream, &error));
  wool_bytes_free(&arguments);
  return stream;
}

TEST(items_are_asked_for_ahead_and_never_more_than_that) {
  world_t world = generators_world();
  const uint32_t prefetches[] = {1, 2, 7, 100, UINT32_MAX};
  for (size_t i = 0; i < sizeof prefetches / sizeof *prefetches; i++) {
    int before = generators_yielded();
    wool_stream_t stream = open_ahead(&world, 50, prefetches[i], NULL);
    for (int64_t taken = 0; taken < 50; taken++) {
      CHECK(wait_int(stream) == taken);
      CHECK(generators_yielded() - before <= taken + (int64_t)prefetches[i]);
    }
    wait_end(stream);
    CHECK(generators_yielded() - before == 50);
  }
  world_free(&world);
}

TEST(nothing_runs_ahead_before_the_first_item_is_asked_for) {
  world_t world = generators_world();
  wool_stream_t stream = open_ahead(&world, 50, 10, NULL);
  CHECK(call_add(&world, 1, 2) == 3);
  CHECK(generators_begun() == 0);
  OK(wool_stream_close(stream, &error));
  wait_end(stream);
  CHECK(generators_begun() == 0 && generators_yielded() == 0);
  world_free(&world);
}

TEST(nothing_is_sent_to_a_stream_that_runs_ahead) {
  world_t world = generators_world();
  for (int has_queue = 0; has_queue < 2; has_queue++) {
    wool_stream_t stream = open_ahead(&world, 50, 1, has_queue ? world.queue : NULL);
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "prefetch", send_int(stream, 1, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "prefetch", throw_type(stream, "Fox", &error));
    if (has_queue) OK(wool_stream_next(stream, 1, &error));
    CHECK(answer_of(&world, stream, has_queue) == 0);
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "prefetch", send_int(stream, 1, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "prefetch", throw_type(stream, "Fox", &error));
    if (has_queue) OK(wool_stream_next(stream, 1, &error));
    CHECK(answer_of(&world, stream, has_queue) == 1);
    OK(wool_stream_close(stream, &error));
    /* Items that were under way are still given. */
    int64_t found;
    while ((found = answer_of(&world, stream, has_queue)) >= 0) CHECK(found < 50);
    CHECK(found == ENDED);
  }
  world_free(&world);
}

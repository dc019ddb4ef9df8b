/* Budgets of time: of a call, of each step of a stream, of finding a worker. */
#include "generators.h"

/* Long enough for a step that does not wait, on a busy machine; and as short as a test can wait for. */
enum { STEP_MS = 1000 };

/* The pool has its worker: finding it takes no part of a budget. */
static world_t warm_world(void) {
  world_t world = generators_world();
  CHECK(call_add(&world, 1, 2) == 3);
  return world;
}

static wool_stream_t open_with(world_t *world, const char *routine, wool_bytes_t arguments,
                               const wool_call_options_t *options, wool_queue_t *queue) {
  wool_stream_t stream;
  OK(wool_stream_open(world->pool, text(routine), payload(arguments), options, queue, 3, &stream, &error));
  wool_bytes_free(&arguments);
  return stream;
}

TEST(a_step_that_takes_too_long_ends_the_stream_on_both_sides) {
  world_t world = warm_world();
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.step_timeout_ms = STEP_MS;
  wool_stream_t stream = open_with(&world, "test.stall", ints(0, 0, 0), &options, NULL);
  CHECK(wait_int(stream) == 0);
  wool_error_t *failure = wait_error(stream);
  CHECK(wool_error_status(failure) == WOOL_ERR_DEADLINE_EXCEEDED);
  wool_error_free(failure);
  /* The routine heard of it. */
  generators_wait_ended(1);

  stream = open_with(&world, "test.stall", ints(0, 0, 0), &options, world.queue);
  OK(wool_stream_next(stream, 2, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ITEM);
  free_event(&event);
  event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_DEADLINE_EXCEEDED && event.tag == 3);
  free_event(&event);
  generators_wait_ended(2);
  world_free(&world);
}

TEST(sends_and_throws_are_steps_too) {
  world_t world = warm_world();
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.step_timeout_ms = STEP_MS;
  for (int throws = 0; throws < 2; throws++) {
    wool_stream_t stream = open_with(&world, "test.stall", ints(0, 0, 0), &options, NULL);
    CHECK(wait_int(stream) == 0);
    if (throws) {
      OK(throw_type(stream, "Fox", &error));
    } else {
      OK(send_int(stream, 1, &error));
    }
    wool_error_t *failure = wait_error(stream);
    CHECK(wool_error_status(failure) == WOOL_ERR_DEADLINE_EXCEEDED);
    wool_error_free(failure);
  }
  generators_wait_ended(2);
  world_free(&world);
}

TEST(finding_a_worker_belongs_to_the_first_step) {
  world_t world = generators_world();
  wool_slice_t nowhere = text("127.0.0.1:1");
  wool_pool_options_t there = WOOL_POOL_OPTIONS_INIT;
  wool_pool_t *pool;
  there.addresses = &nowhere;
  there.address_count = 1;
  OK(wool_pool_new(world.runtime, &there, &pool, &error));
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.step_timeout_ms = 200;
  wool_bytes_t arguments = ints(0, 0, 0);
  wool_stream_t stream;
  OK(wool_stream_open(pool, text("test.stall"), payload(arguments), &options, NULL, 0, &stream, &error));
  wool_bytes_free(&arguments);
  wool_error_t *failure = wait_error(stream);
  CHECK(wool_error_status(failure) == WOOL_ERR_DEADLINE_EXCEEDED);
  wool_error_free(failure);
  world_free(&world);
  wool_pool_free(pool);
}

TEST(taking_ones_time_between_two_steps_costs_nothing) {
  world_t world = warm_world();
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT, longer = WOOL_CALL_OPTIONS_INIT;
  options.step_timeout_ms = STEP_MS;
  wool_stream_t stream = open_with(&world, "test.accumulate", ints(1, 10, 0), &options, NULL);
  CHECK(wait_int(stream) == 10);
  /* Another stream's step, which is longer, passes meanwhile. */
  longer.step_timeout_ms = STEP_MS + STEP_MS / 2;
  wool_stream_t other = open_with(&world, "test.stall", ints(0, 0, 0), &longer, NULL);
  CHECK(wait_int(other) == 0);
  wool_error_free(wait_error(other));
  OK(send_int(stream, 1, &error));
  CHECK(wait_int(stream) == 11);
  OK(wool_stream_close(stream, &error));
  wait_end(stream);
  world_free(&world);
}

TEST(huge_budgets_are_none) {
  world_t world = generators_world();
  const uint64_t huge[] = {UINT64_MAX, (uint64_t)INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX / 1000, UINT64_C(1) << 53};
  for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
    wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
    options.timeout_ms = options.step_timeout_ms = options.dispatch_timeout_ms = huge[i];
    wool_stream_t stream = open_with(&world, "test.count", ints(1, 2, 0), &options, NULL);
    CHECK(wait_int(stream) == 0 && wait_int(stream) == 1);
    wait_end(stream);
    wool_bytes_t arguments = ints(2, 1, 2), result;
    OK(wool_call(world.pool, text("test.add"), payload(arguments), &options, INT64_MAX, &result, NULL, &error));
    CHECK(to_int(result) == 3);
    wool_bytes_free(&arguments);
    wool_bytes_free(&result);
  }
  world_free(&world);
}

TEST(a_huge_budget_of_a_pool_is_none) {
  world_t world = generators_world();
  wool_slice_t address = wool_worker_address(world.worker);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  options.dispatch_timeout_ms = options.quorum_timeout_ms = UINT64_MAX;
  wool_pool_t *pool;
  OK(wool_pool_new(world.runtime, &options, &pool, &error));
  CHECK(call_int(pool, "test.pid") > 0);
  world_free(&world);
  wool_pool_free(pool);
}

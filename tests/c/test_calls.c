/* Calls and streams, by a queue and blocking, over the wire to a worker in this process. */
#include "world.h"

#include <pthread.h>

TEST(a_call_waits_for_its_result) {
  world_t world = world_new();
  CHECK(call_add(&world, 1, 2) == 3);
  CHECK(call_add(&world, INT64_MAX, -1) == INT64_MAX - 1);
  world_free(&world);
}

TEST(a_submitted_call_becomes_one_event_with_its_tag) {
  world_t world = world_new();
  uint64_t seen = 0;
  wool_call_t calls[8];
  for (uint64_t tag = 0; tag < 8; tag++) calls[tag] = submit(&world, "test.add", ints(2, (int64_t)tag, 100), tag);
  for (int i = 0; i < 8; i++) {
    wool_event_t event = next_event(&world);
    CHECK(event.kind == WOOL_EVENT_RESULT && event.status == WOOL_OK && event.error == NULL);
    CHECK(event.tag < 8 && event.handle == calls[event.tag] && event.codec == WOOL_CODEC_MSGPACK);
    CHECK(to_int(event.payload) == (int64_t)event.tag + 100);
    seen |= UINT64_C(1) << event.tag;
    free_event(&event);
  }
  CHECK(seen == 0xff);
  world_free(&world);
}

TEST(payloads_lie_in_the_slab_while_they_fit) {
  world_t world = world_new();
  static uint8_t big[5000];
  wool_value_builder_t *builder = NULL;
  wool_bytes_t arguments;
  wool_slice_t data = {big, sizeof big};
  OK(wool_value_builder_new(&builder, &error));
  OK(wool_value_builder_arguments(builder, 1, 0, &error));
  OK(wool_value_builder_bytes(builder, data, &error));
  OK(wool_value_builder_finish(builder, &arguments, &error));
  wool_value_builder_free(builder);
  submit(&world, "test.add", ints(2, 1, 2), 1);
  submit(&world, "test.echo", arguments, 2);

  static _Alignas(8) uint8_t slab[64];
  int seen = 0;
  while (seen != 3) {
    wool_event_t events[4];
    size_t count = 0;
    OK(wool_queue_drain(world.queue, events, sizeof *events, 4, slab, sizeof slab, -1, &count, &error));
    for (size_t i = 0; i < count; i++) {
      seen |= (int)events[i].tag;
      if (events[i].tag == 1) {
        CHECK(events[i].payload.owner == NULL && events[i].payload.ptr == slab && events[i].payload.len == 1);
      } else {
        CHECK(events[i].payload.owner != NULL && events[i].payload.len == sizeof big + 3);
      }
      free_event(&events[i]);
      free_event(&events[i]);
    }
  }
  world_free(&world);
}

static void check_shearing_error(const wool_error_t *error) {
  wool_payload_t value = {0};
  CHECK(wool_error_status(error) == WOOL_ERR_TASK_FAILED && !wool_error_retryable(error));
  CHECK(same(wool_error_type(error), "ShearingError") && same(wool_error_message(error), "the sheep ran away"));
  CHECK(same(wool_error_language(error), "c") && wool_error_traceback_len(error) == 2);
  CHECK(same(wool_error_traceback_line(error, 1), "fence.c:22") && wool_error_traceback_line(error, 2).len == 0);
  CHECK(wool_error_value(error, &value) == WOOL_OK && value.codec == WOOL_CODEC_MSGPACK);
  CHECK(value.data.len == 1 && value.data.ptr[0] == 7);
  const wool_error_t *cause = wool_error_cause(error);
  CHECK(same(wool_error_type(cause), "Fox") && same(wool_error_message(cause), "came at night"));
  CHECK(same(wool_error_language(cause), "c") && wool_error_cause(cause) == NULL);
  CHECK(wool_error_value(cause, &value) == WOOL_END);
}

TEST(a_fault_keeps_its_story) {
  world_t world = world_new();
  wool_bytes_t arguments = ints(0, 0, 0), result = {0};
  wool_error_t *failure = NULL;
  CHECK(wool_call(world.pool, text("test.fail"), payload(arguments), NULL, -1, &result, NULL, &failure) ==
        WOOL_ERR_TASK_FAILED);
  check_shearing_error(failure);
  wool_error_free(failure);
  wool_bytes_free(&arguments);

  submit(&world, "test.fail", ints(0, 0, 0), 9);
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_TASK_FAILED && event.tag == 9);
  check_shearing_error(event.error);
  free_event(&event);
  world_free(&world);
}

TEST(an_unknown_routine_is_not_found) {
  world_t world = world_new();
  wool_bytes_t arguments = ints(0, 0, 0), result;
  FAILS(WOOL_ERR_ROUTINE_NOT_FOUND, "test.nowhere",
        wool_call(world.pool, text("test.nowhere"), payload(arguments), NULL, -1, &result, NULL, &error));
  wool_bytes_free(&arguments);
  world_free(&world);
}

TEST(a_cancelled_call_ends_at_once_and_its_task_hears_of_it) {
  world_t world = world_new();
  wool_call_t call = submit(&world, "test.wait", ints(0, 0, 0), 1);
  world_kept_task();
  CHECK(wool_call_cancel(call) == WOOL_OK);
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CANCELLED && event.handle == call);
  free_event(&event);
  CHECK(wool_call_cancel(call) == WOOL_OK);
  world_wait_cancelled(1);
  CHECK(call_add(&world, 1, 1) == 2);
  world_free(&world);
  CHECK(world_cancelled() == 1);
}

TEST(a_deadline_ends_a_call_on_both_sides) {
  world_t world = world_new();
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_bytes_t arguments = ints(0, 0, 0), result;
  options.timeout_ms = 200;
  FAILS(WOOL_ERR_DEADLINE_EXCEEDED, "",
        wool_call(world.pool, text("test.wait"), payload(arguments), &options, -1, &result, NULL, &error));
  world_wait_cancelled(1);
  wool_bytes_free(&arguments);
  world_free(&world);
}

TEST(a_wait_that_ends_too_soon_cancels_its_call) {
  world_t world = world_new();
  wool_bytes_t arguments = ints(0, 0, 0), result;
  FAILS(WOOL_ERR_TIMEOUT, "200 ms",
        wool_call(world.pool, text("test.wait"), payload(arguments), NULL, 200, &result, NULL, &error));
  wool_bytes_free(&arguments);
  /* Cancelled there if it has begun, else it never will. */
  world_free(&world);
}

TEST(answers_that_come_too_late_or_twice_are_refused) {
  world_t world = world_new();
  wool_call_t call = submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_task_t task = world_kept_task();
  wool_task_info_t info = WOOL_TASK_INFO_INIT;
  uint8_t zeros[16] = {0};
  OK(wool_task_info(task, &info, &error));
  CHECK(memcmp(info.id, zeros, 16) != 0 && memcmp(info.worker_uid, zeros, 16) != 0 && info.remaining_ms == -1);
  CHECK(memcmp(info.caller, zeros, 16) == 0);

  wool_payload_t raw = {text("fleece"), WOOL_CODEC_RAW}, strange = {text("fleece"), 77};
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "codec is 77", wool_task_return(task, strange, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "unary", wool_task_yield(task, raw, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "unary", wool_task_end(task, &error));
  OK(wool_task_return(task, raw, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_return(task, raw, &error));
  CHECK(wool_task_is_cancelled(task));
  wool_event_t event = next_event(&world);
  CHECK(event.handle == call && event.codec == WOOL_CODEC_RAW && event.payload.len == 6);
  free_event(&event);
  world_free(&world);
}

TEST(a_stream_is_pulled_item_by_item) {
  world_t world = world_new();
  wool_stream_t stream = open_stream(&world, "test.count", ints(1, 3, 0), NULL, 0);
  for (int64_t expected = 0; expected < 3; expected++) {
    wool_bytes_t item;
    int32_t codec;
    OK(wool_stream_wait(stream, -1, &item, &codec, &error));
    CHECK(codec == WOOL_CODEC_MSGPACK && to_int(item) == expected);
    wool_bytes_free(&item);
  }
  wool_bytes_t item;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "has no queue", wool_stream_next(stream, 1, &error));
  ANSWERS(WOOL_END, wool_stream_wait(stream, -1, &item, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_stream_wait(stream, -1, &item, NULL, &error));
  world_wait_cleaned(1);
  CHECK(world_cleaned() == 1);
  world_free(&world);
}

TEST(a_closed_stream_cleans_up_before_it_ends) {
  world_t world = world_new();
  wool_stream_t stream = open_stream(&world, "test.endless", ints(0, 0, 0), NULL, 0);
  wool_bytes_t item;
  OK(wool_stream_wait(stream, -1, &item, NULL, &error));
  wool_bytes_free(&item);
  OK(wool_stream_close(stream, &error));
  OK(wool_stream_close(stream, &error));
  ANSWERS(WOOL_END, wool_stream_wait(stream, -1, &item, NULL, &error));
  world_wait_cleaned(1);
  CHECK(world_cleaned() == 1);
  OK(wool_stream_close(stream, &error));
  world_free(&world);
}

TEST(a_cancelled_stream_is_let_go_and_cleans_up) {
  world_t world = world_new();
  wool_stream_t stream = open_stream(&world, "test.endless", ints(0, 0, 0), NULL, 0);
  wool_bytes_t item;
  OK(wool_stream_wait(stream, -1, &item, NULL, &error));
  wool_bytes_free(&item);
  CHECK(wool_stream_cancel(stream) == WOOL_OK);
  CHECK(wool_stream_cancel(stream) == WOOL_OK);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_stream_wait(stream, -1, &item, NULL, &error));
  world_wait_cleaned(1);
  world_free(&world);
}

TEST(a_stream_on_a_queue_gives_what_is_asked_for) {
  world_t world = world_new();
  wool_stream_t stream = open_stream(&world, "test.count", ints(1, 3, 0), world.queue, 5);
  wool_bytes_t item;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "has a queue", wool_stream_wait(stream, 0, &item, NULL, &error));
  OK(wool_stream_next(stream, 2, &error));
  for (int64_t expected = 0; expected < 2; expected++) {
    wool_event_t event = next_event(&world);
    CHECK(event.kind == WOOL_EVENT_ITEM && event.tag == 5 && event.handle == stream);
    CHECK(to_int(event.payload) == expected);
    free_event(&event);
  }
  OK(wool_stream_next(stream, 2, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ITEM && to_int(event.payload) == 2);
  free_event(&event);
  event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_END && event.handle == stream && event.payload.len == 0);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_stream_next(stream, 1, &error));
  world_free(&world);
}

TEST(streams_on_a_queue_are_closed_and_cancelled_by_events) {
  world_t world = world_new();
  wool_stream_t closed = open_stream(&world, "test.endless", ints(0, 0, 0), world.queue, 1);
  OK(wool_stream_next(closed, 1, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ITEM);
  free_event(&event);
  OK(wool_stream_close(closed, &error));
  event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_END && event.tag == 1);
  world_wait_cleaned(1);
  CHECK(world_cleaned() == 1);

  wool_stream_t cancelled = open_stream(&world, "test.endless", ints(0, 0, 0), world.queue, 2);
  OK(wool_stream_next(cancelled, 1, &error));
  event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ITEM);
  free_event(&event);
  CHECK(wool_stream_cancel(cancelled) == WOOL_OK);
  event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CANCELLED && event.tag == 2);
  free_event(&event);
  world_wait_cleaned(2);
  world_free(&world);
}

TEST(a_stream_that_never_began_closes) {
  world_t world = world_new();
  wool_stream_t stream = open_stream(&world, "test.endless", ints(0, 0, 0), world.queue, 1);
  OK(wool_stream_close(stream, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_END);
  world_free(&world);
}

TEST(calling_a_stream_as_a_function_is_refused) {
  world_t world = world_new();
  wool_bytes_t arguments = ints(1, 1, 0), result;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stream",
        wool_call(world.pool, text("test.count"), payload(arguments), NULL, -1, &result, NULL, &error));
  wool_bytes_free(&arguments);
  world_free(&world);
}

enum { CALLERS = 4, CALLS_EACH = 50 };

static void *keep_calling(void *data) {
  world_t *world = data;
  for (int i = 0; i < CALLS_EACH; i++) CHECK(call_add(world, i, 1) == i + 1);
  return NULL;
}

TEST(many_threads_call_at_once) {
  world_t world = world_new();
  pthread_t threads[CALLERS];
  for (int i = 0; i < CALLERS; i++) CHECK(pthread_create(&threads[i], NULL, keep_calling, &world) == 0);
  for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
  world_free(&world);
}

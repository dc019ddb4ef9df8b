/* Maps, broadcasts, calls on one worker, and task events. */
#include "world.h"

static wool_map_t *new_map(world_t *world, const char *routine, uint32_t in_flight, uint8_t ordered) {
  wool_map_options_t options = WOOL_MAP_OPTIONS_INIT;
  wool_map_t *map = NULL;
  options.in_flight = in_flight;
  options.ordered = ordered;
  OK(wool_map_new(world->pool, text(routine), &options, &map, &error));
  return map;
}

static wool_status_t add(wool_map_t *map, wool_bytes_t input, wool_error_t **error) {
  wool_status_t status = wool_map_add(map, payload(input), error);
  wool_bytes_free(&input);
  return status;
}

TEST(a_map_gives_an_outcome_for_each_input) {
  world_t world = world_new();
  wool_map_t *map = new_map(&world, "test.add", 2, 1);
  wool_map_item_t item = WOOL_MAP_ITEM_INIT;
  wool_map_progress_t progress = WOOL_MAP_PROGRESS_INIT;
  ANSWERS(WOOL_END, wool_map_next(map, -1, &item, &error));
  for (int64_t n = 0; n < 4; n++) OK(add(map, ints(2, n, 10), &error));
  FAILS(WOOL_ERR_BUSY, "", add(map, ints(2, 4, 10), &error));
  for (uint64_t n = 0; n < 4; n++) {
    OK(wool_map_next(map, -1, &item, &error));
    CHECK(item.index == n && item.status == WOOL_OK && item.error == NULL && item.codec == WOOL_CODEC_MSGPACK);
    CHECK(to_int(item.value) == (int64_t)n + 10);
    wool_bytes_free(&item.value);
  }
  OK(add(map, ints(2, 4, 10), &error));
  OK(wool_map_next(map, -1, &item, &error));
  CHECK(item.index == 4);
  wool_bytes_free(&item.value);
  ANSWERS(WOOL_END, wool_map_next(map, 0, &item, &error));
  OK(wool_map_progress(map, &progress, &error));
  CHECK(progress.added == 5 && progress.done == 5 && progress.failed == 0);
  wool_map_free(map);

  map = new_map(&world, "test.fail", 0, 0);
  OK(add(map, ints(0, 0, 0), &error));
  OK(wool_map_next(map, -1, &item, &error));
  CHECK(item.status == WOOL_ERR_TASK_FAILED && same(wool_error_type(item.error), "ShearingError"));
  wool_error_free(item.error);
  OK(wool_map_progress(map, &progress, &error));
  CHECK(progress.done == 1 && progress.failed == 1);
  wool_map_free(map);
  world_free(&world);
}

TEST(freeing_a_map_cancels_what_is_under_way) {
  world_t world = world_new();
  wool_map_t *map = new_map(&world, "test.wait", 1, 0);
  wool_map_item_t item = WOOL_MAP_ITEM_INIT;
  for (int i = 0; i < 2; i++) OK(add(map, ints(0, 0, 0), &error));
  FAILS(WOOL_ERR_BUSY, "", add(map, ints(0, 0, 0), &error));
  ANSWERS(WOOL_PENDING, wool_map_next(map, 0, &item, &error));
  world_kept_task();
  wool_map_free(map);
  world_wait_cancelled(1);
  CHECK(call_add(&world, 1, 2) == 3);
  world_free(&world);
}

TEST(maps_and_broadcasts_refuse_what_is_none) {
  world_t world = world_new();
  wool_map_t *map = NULL;
  wool_map_item_t item = WOOL_MAP_ITEM_INIT;
  wool_map_progress_t progress = WOOL_MAP_PROGRESS_INIT;
  wool_broadcast_t *broadcast = NULL;
  wool_broadcast_item_t told = WOOL_BROADCAST_ITEM_INIT;
  const wool_payload_t none = {{NULL, 0}, WOOL_CODEC_RAW};
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pool is NULL", wool_map_new(NULL, text("x"), NULL, &map, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_map_new(world.pool, text("x"), NULL, NULL, &error));
  OK(wool_map_new(world.pool, text("test.add"), NULL, &map, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "map is NULL", wool_map_add(NULL, none, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "map is NULL", wool_map_next(NULL, 0, &item, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_map_next(map, 0, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "map is NULL", wool_map_progress(NULL, &progress, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_map_progress(map, NULL, &error));
  wool_map_free(map);
  wool_map_free(NULL);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pool is NULL", wool_broadcast_new(NULL, text("x"), none, NULL, &broadcast, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_broadcast_new(world.pool, text("x"), none, NULL, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "broadcast is NULL", wool_broadcast_next(NULL, 0, &told, &error));
  wool_broadcast_free(NULL);
  world_free(&world);
}

TEST(a_broadcast_reaches_the_worker) {
  world_t world = world_new();
  wool_broadcast_t *broadcast = NULL;
  wool_broadcast_item_t told = WOOL_BROADCAST_ITEM_INIT;
  wool_bytes_t three = ints(2, 1, 2);
  /* So the pool knows it. */
  CHECK(call_add(&world, 1, 2) == 3);
  OK(wool_broadcast_new(world.pool, text("test.add"), payload(three), NULL, &broadcast, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_broadcast_next(broadcast, 0, NULL, &error));
  OK(wool_broadcast_next(broadcast, -1, &told, &error));
  wool_slice_t uid = wool_worker_uid(world.worker);
  CHECK(told.worker_uid.len == uid.len && memcmp(told.worker_uid.ptr, uid.ptr, uid.len) == 0);
  CHECK(told.status == WOOL_OK && told.error == NULL && to_int(told.value) == 3);
  wool_bytes_free(&told.value);
  ANSWERS(WOOL_END, wool_broadcast_next(broadcast, -1, &told, &error));
  wool_broadcast_free(broadcast);
  FAILS(WOOL_ERR_ROUTINE_NOT_FOUND, "",
        wool_broadcast_new(world.pool, text("test.none"), payload(three), NULL, &broadcast, &error));
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.worker_uid = uid;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "",
        wool_broadcast_new(world.pool, text("test.add"), payload(three), &options, &broadcast, &error));
  wool_bytes_free(&three);
  world_free(&world);
}

TEST(a_call_names_its_worker) {
  world_t world = world_new();
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_bytes_t three = ints(2, 1, 2), result = {0};
  wool_error_t *failure = NULL;
  options.dispatch_timeout_ms = 50;
  options.worker_uid = wool_worker_uid(world.worker);
  CHECK(call_add(&world, 1, 2) == 3);
  OK(wool_call(world.pool, text("test.add"), payload(three), &options, -1, &result, NULL, &error));
  wool_bytes_free(&result);
  options.worker_uid = text("00000000-0000-4000-8000-000000000000");
  CHECK(wool_call(world.pool, text("test.add"), payload(three), &options, -1, &result, NULL, &failure) ==
        WOOL_ERR_NO_WORKERS_AVAILABLE);
  CHECK(wool_error_retryable(failure));
  wool_error_free(failure);
  wool_bytes_free(&three);
  world_free(&world);
}

static struct {
  wool_task_events_t *events;
  flag_t *hold;
  int heard, completed, destroyed;
  int frees;
} listener;

static void hear(void *data, const wool_task_event_t *event) {
  CHECK(data == &listener && event->struct_size >= sizeof *event && same(event->routine, "test.add"));
  if (listener.hold != NULL) flag_wait(listener.hold);
  if (listener.frees) wool_task_events_free(listener.events);
  if (event->kind == WOOL_TASK_COMPLETED) {
    CHECK(event->status == WOOL_OK);
    world_count(&listener.completed);
  }
  world_count(&listener.heard);
}

static void destroy(void *data) {
  CHECK(data == &listener);
  world_count(&listener.destroyed);
}

static void listen_with(world_t *world, uint32_t capacity) {
  wool_task_events_options_t options = WOOL_TASK_EVENTS_OPTIONS_INIT;
  options.handler = hear;
  options.user_data = &listener;
  options.destroy = destroy;
  options.capacity = capacity;
  OK(wool_task_events_new(world->runtime, &options, &listener.events, &error));
}

TEST(a_handler_hears_both_sides) {
  world_t world = world_new();
  listen_with(&world, 0);
  CHECK(call_add(&world, 1, 2) == 3);
  world_wait_count(&listener.completed, 2);
  /* Created, scheduled, completed; scheduled, started, stopped, completed. */
  world_wait_count(&listener.heard, 7);
  CHECK(wool_task_events_missed(listener.events) == 0);
  wool_task_events_free(listener.events);
  world_wait_count(&listener.destroyed, 1);
  CHECK(call_add(&world, 1, 2) == 3);
  CHECK(world_count_of(&listener.heard) == 7);
  world_free(&world);
}

TEST(what_a_handler_is_too_slow_for_is_counted) {
  world_t world = world_new();
  listener.hold = flag_new();
  listen_with(&world, 1);
  for (int i = 0; i < 3; i++) CHECK(call_add(&world, 1, 2) == 3);
  CHECK(wool_task_events_missed(listener.events) > 0);
  flag_raise(listener.hold);
  wool_task_events_free(listener.events);
  world_wait_count(&listener.destroyed, 1);
  world_free(&world);
  flag_free(listener.hold);
}

TEST(a_handler_may_stop_listening) {
  world_t world = world_new();
  listener.frees = 1;
  listen_with(&world, 0);
  CHECK(call_add(&world, 1, 2) == 3);
  world_wait_count(&listener.destroyed, 1);
  CHECK(call_add(&world, 1, 2) == 3);
  CHECK(world_count_of(&listener.heard) == 1);
  world_free(&world);
}

TEST(a_queue_gets_as_many_events_as_it_is_to) {
  world_t world = world_new();
  wool_task_events_options_t options = WOOL_TASK_EVENTS_OPTIONS_INIT;
  wool_task_events_t *events = NULL;
  options.queue = world.queue;
  options.tag = 77;
  options.capacity = 2;
  OK(wool_task_events_new(world.runtime, &options, &events, &error));
  CHECK(call_add(&world, 1, 2) == 3);
  CHECK(wool_task_events_missed(events) > 0);
  for (int i = 0; i < 2; i++) {
    wool_event_t event = next_event(&world);
    CHECK(event.kind == WOOL_EVENT_TASK_EVENT && event.tag == 77 && event.codec == WOOL_CODEC_MSGPACK);
    CHECK(holds(payload(event.payload).data, i == 0 ? "task-created" : "task-scheduled"));
    CHECK(holds(payload(event.payload).data, "test.add"));
    free_event(&event);
  }
  wool_task_events_free(events);
  world_free(&world);
}

TEST(listening_wants_a_handler_or_a_queue) {
  world_t world = world_new();
  wool_task_events_options_t options = WOOL_TASK_EVENTS_OPTIONS_INIT;
  wool_task_events_t *events = NULL;
  options.user_data = &listener;
  options.destroy = destroy;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "give one of them", wool_task_events_new(world.runtime, &options, &events, &error));
  CHECK(world_count_of(&listener.destroyed) == 1);
  options.handler = hear;
  options.queue = world.queue;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "give one of them", wool_task_events_new(world.runtime, &options, &events, &error));
  CHECK(world_count_of(&listener.destroyed) == 2);
  options.queue = NULL;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_task_events_new(world.runtime, &options, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL", wool_task_events_new(NULL, &options, &events, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "give one of them", wool_task_events_new(world.runtime, NULL, &events, &error));
  CHECK(world_count_of(&listener.destroyed) == 4);
  CHECK(wool_task_events_missed(NULL) == 0);
  wool_task_events_free(NULL);
  world_free(&world);
}

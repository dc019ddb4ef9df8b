/* Tasks that call: whose calls they are, what ends with them, and what flows back. */
#include "world.h"

static int nested_status, seen_caller;

static wool_payload_t number(const char *encoded) { return (wool_payload_t){text(encoded), WOOL_CODEC_MSGPACK}; }

static void return_number(wool_task_t task, int64_t n) {
  wool_bytes_t value = one_int(n);
  OK(wool_task_return(task, payload(value), &error));
  wool_bytes_free(&value);
}

/* Calls another routine, whose name is the user data, with the task as the parent; answers as that does. */
static void run_below(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)info;
  wool_pool_t *pool = NULL;
  wool_bytes_t result = {0};
  wool_error_t *failure = NULL;
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.parent = task;
  OK(wool_task_pool(task, &pool, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_pool_close(pool, 0, &error));
  int32_t status = wool_call(pool, text(data), arguments, &options, -1, &result, NULL, &failure);
  wool_pool_free(pool);
  if (status == WOOL_OK) {
    OK(wool_task_return(task, payload(result), &error));
    wool_bytes_free(&result);
    return;
  }
  /* One that was cancelled still has to be answered. */
  OK(wool_task_fail_with(task, failure, &error));
  wool_error_free(failure);
  if (status == WOOL_ERR_CANCELLED) world_count(&nested_status);
}

static void run_caller(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)arguments;
  static const uint8_t nobody[16];
  CHECK(same(info->routine, "test.caller"));
  int called = memcmp(info->caller, nobody, sizeof nobody) != 0;
  if (called) world_count(&seen_caller);
  return_number(task, called);
}

static void serve_below(wool_runtime_t *runtime, const char *name, char *routine) {
  serve_with(runtime, name, (wool_routine_options_t){.run = run_below, .user_data = routine});
}

/* A worker that runs one task at a time. */
static world_t nested_world(void) {
  static char caller[] = "test.caller", wait[] = "test.wait", below[] = "test.below";
  wool_runtime_t *runtime = world_runtime();
  serve(runtime, "test.caller", run_caller, NULL, NULL);
  serve_below(runtime, "test.below", caller);
  serve_below(runtime, "test.two", below);
  serve_below(runtime, "test.stuck", wait);
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.concurrency = 1;
  return world_of(runtime, &options);
}

TEST(a_task_lends_its_place_to_what_it_calls) {
  world_t world = nested_world();
  CHECK(call_int(world.pool, "test.caller") == 0);
  CHECK(call_int(world.pool, "test.below") == 1);
  CHECK(call_int(world.pool, "test.two") == 1);
  CHECK(world_count_of(&seen_caller) == 2);
  world_free(&world);
}

TEST(a_cancel_of_the_caller_cancels_what_it_calls) {
  world_t world = nested_world();
  wool_call_t call = submit(&world, "test.stuck", ints(0, 0, 0), 1);
  world_kept_task();
  CHECK(wool_call_cancel(call) == WOOL_OK);
  world_wait_cancelled(1);
  world_wait_count(&nested_status, 1);
  wool_event_t event = next_event(&world);
  CHECK(event.status == WOOL_ERR_CANCELLED);
  free_event(&event);
  world_free(&world);
}

/* A call of test.keep, made with these options. */
static wool_task_t keep(world_t *world, const wool_call_options_t *options) {
  wool_bytes_t none = ints(0, 0, 0);
  OK(wool_call_submit(world->pool, text("test.keep"), payload(none), options, world->queue, 0, NULL, &error));
  wool_bytes_free(&none);
  return world_take_kept_task();
}

static void end(world_t *world, wool_task_t task) {
  OK(wool_task_return(task, number("\x05"), &error));
  wool_event_t event = next_event(world);
  CHECK(event.kind == WOOL_EVENT_RESULT);
  free_event(&event);
}

TEST(a_task_that_is_over_has_no_pool_no_context_and_no_calls) {
  world_t world = world_new();
  wool_task_t task = keep(&world, NULL);
  wool_pool_t *pool = NULL;
  wool_context_t *context = NULL;
  wool_bytes_t none = ints(0, 0, 0), result = {0};
  OK(wool_task_pool(task, &pool, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_pool_close(pool, -1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_pool_close_submit(pool, world.queue, 0, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_task_pool(task, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_task_context(task, NULL, &error));
  end(&world, task);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_pool(task, &pool, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_context(task, &context, &error));
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.parent = task;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale",
        wool_call(pool, text("test.pid"), payload(none), &options, -1, &result, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale",
        wool_call_submit(world.pool, text("test.pid"), payload(none), &options, world.queue, 0, NULL, &error));
  wool_pool_free(pool);
  wool_bytes_free(&none);
  world_free(&world);
}

static int has(const wool_context_t *context, const char *name, const char *encoded) {
  wool_bytes_t value = {0};
  wool_error_t *error = NULL;
  int32_t status = wool_context_get(context, text("shop"), text(name), &value, &error);
  CHECK(status == WOOL_OK || status == WOOL_END);
  int is = status == WOOL_OK && value.len == strlen(encoded) && memcmp(value.ptr, encoded, value.len) == 0;
  wool_bytes_free(&value);
  return encoded[0] == '\0' ? status == WOOL_END : is;
}

static void set(wool_task_t task, const char *name, const char *encoded) {
  wool_context_t *context = NULL;
  OK(wool_task_context(task, &context, &error));
  CHECK(has(context, "hint", "\x03"));
  if (encoded == NULL) {
    OK(wool_context_unset(context, text("shop"), text(name), &error));
  } else {
    OK(wool_context_set(context, text("shop"), text(name), number(encoded), &error));
  }
  wool_context_free(context);
}

TEST(a_bag_is_shared_and_may_be_freed) {
  world_t world = world_new();
  wool_context_t *bag = NULL;
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  OK(wool_context_new(&bag, &error));
  OK(wool_context_set(bag, text("shop"), text("hint"), number("\x03"), &error));
  options.bag = bag;
  wool_task_t one = keep(&world, &options), two = keep(&world, &options);
  set(one, "a", "\x01");
  set(two, "b", "\x02");
  CHECK(has(bag, "a", "") && has(bag, "b", ""));
  end(&world, two);
  CHECK(has(bag, "a", "") && has(bag, "b", "\x02"));
  set(one, "hint", NULL);
  end(&world, one);
  CHECK(has(bag, "a", "\x01") && has(bag, "b", "\x02") && has(bag, "hint", ""));
  /* The call keeps it. */
  OK(wool_context_set(bag, text("shop"), text("hint"), number("\x03"), &error));
  one = keep(&world, &options);
  wool_context_free(bag);
  set(one, "a", "\x07");
  end(&world, one);
  world_free(&world);
}

TEST(a_context_has_at_most_64_kib) {
  world_t world = world_new();
  enum { MUCH = 66 * 1024 };
  static uint8_t much[MUCH];
  wool_value_builder_t *builder = NULL;
  wool_bytes_t large = {0};
  wool_context_t *contexts[2] = {NULL, NULL};
  wool_task_t task = keep(&world, NULL);
  OK(wool_value_builder_new(&builder, &error));
  OK(wool_value_builder_bytes(builder, (wool_slice_t){much, MUCH}, &error));
  OK(wool_value_builder_finish(builder, &large, &error));
  wool_value_builder_free(builder);
  OK(wool_context_new(&contexts[0], &error));
  OK(wool_task_context(task, &contexts[1], &error));
  for (int i = 0; i < 2; i++) {
    FAILS(WOOL_ERR_PAYLOAD_TOO_LARGE, "",
          wool_context_set(contexts[i], text("shop"), text("wool"), payload(large), &error));
    CHECK(has(contexts[i], "wool", ""));
    wool_context_free(contexts[i]);
  }
  wool_bytes_free(&large);
  end(&world, task);
  world_free(&world);
}

TEST(contexts_refuse_what_is_none) {
  wool_context_t *context = NULL;
  wool_bytes_t value = {0};
  const wool_payload_t raw = {text("x"), WOOL_CODEC_RAW};
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_context_new(NULL, &error));
  OK(wool_context_new(&context, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "context is NULL",
        wool_context_set(NULL, text("a"), text("b"), number("\x01"), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "context is NULL", wool_context_unset(NULL, text("a"), text("b"), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "context is NULL", wool_context_get(NULL, text("a"), text("b"), &value, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_context_get(context, text("a"), text("b"), NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_context_set(context, text("a"), text("b"), raw, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_context_set(context, text("\xff"), text("b"), number("\x01"), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_context_set(context, text("w3c"), text("b"), number("\x01"), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "",
        wool_context_set(context, text("w3c"), text("baggage"), number("\x01"), &error));
  OK(wool_context_unset(context, text("a"), text("b"), &error));
  ANSWERS(WOOL_END, wool_context_get(context, text("a"), text("b"), &value, &error));
  wool_context_free(context);
  wool_context_free(NULL);
}

/* Values that ride along with a call: for its routine and its admission hook. */
#include "world.h"

#include <stddef.h>

static wool_payload_t five(void) {
  wool_payload_t value = {text("\x05"), WOOL_CODEC_MSGPACK};
  return value;
}

static wool_context_value_t entry(const char *name_space, const char *name, wool_payload_t value) {
  wool_context_value_t entry = {text(name_space), text(name), value};
  return entry;
}

static wool_status_t submit_with(world_t *world, const wool_context_value_t *context, size_t count,
                                 wool_error_t **error) {
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_bytes_t arguments = ints(0, 0, 0);
  options.context = context;
  options.context_count = count;
  wool_status_t status =
      wool_call_submit(world->pool, text("test.keep"), payload(arguments), &options, world->queue, 0, NULL, error);
  wool_bytes_free(&arguments);
  return status;
}

static void end_kept(world_t *world, wool_task_t task) {
  OK(wool_task_return(task, five(), &error));
  wool_event_t event = next_event(world);
  CHECK(event.kind == WOOL_EVENT_RESULT);
  free_event(&event);
}

TEST(what_rides_along_is_there_for_the_routine) {
  world_t world = world_new();
  const wool_payload_t text_value = {text("\xa4wool"), WOOL_CODEC_MSGPACK};
  const wool_context_value_t context[] = {entry("shop", "customer", five()), entry("farm", "customer", text_value)};
  OK(submit_with(&world, context, 2, &error));
  wool_task_t task = world_take_kept_task();
  wool_task_info_t info = WOOL_TASK_INFO_INIT;
  OK(wool_task_info(task, &info, &error));
  CHECK(info.context_count == 2);
  for (size_t i = 0; i < 2; i++) {
    CHECK(same(info.context[i].namespace_, i == 0 ? "shop" : "farm") && same(info.context[i].name, "customer"));
    CHECK(info.context[i].value.codec == WOOL_CODEC_MSGPACK && info.context[i].value.data.len == (i == 0 ? 1 : 5));
  }
  /* A program that was compiled before there was context reads none. */
  wool_task_info_t older = {.struct_size = offsetof(wool_task_info_t, context), .context_count = 77};
  OK(wool_task_info(task, &older, &error));
  CHECK(older.context_count == 77);
  end_kept(&world, task);
  OK(submit_with(&world, NULL, 0, &error));
  task = world_take_kept_task();
  info = (wool_task_info_t)WOOL_TASK_INFO_INIT;
  OK(wool_task_info(task, &info, &error));
  CHECK(info.context_count == 0);
  end_kept(&world, task);
  world_free(&world);
}

TEST(context_that_is_none_or_too_much_is_a_typed_error) {
  world_t world = world_new();
  enum { MUCH = 66 * 1024 };
  static uint8_t much[MUCH];
  const wool_payload_t large = {{much, MUCH}, WOOL_CODEC_MSGPACK}, raw = {text("x"), WOOL_CODEC_RAW};
  const wool_payload_t absent = {{NULL, 3}, WOOL_CODEC_MSGPACK};
  wool_context_value_t wrong[] = {entry("a", "\xff", five()), entry("\xff", "a", five()), entry("a", "b", absent),
                                  entry("a", "b", raw)};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "context", submit_with(&world, &wrong[i], 1, &error));
  }
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "context", submit_with(&world, NULL, 1, &error));
  const wool_context_value_t heavy = entry("a", "b", large);
  FAILS(WOOL_ERR_PAYLOAD_TOO_LARGE, "", submit_with(&world, &heavy, 1, &error));
  CHECK(call_add(&world, 1, 2) == 3);
  world_free(&world);
}

static void admit_five(void *data, wool_admission_t admission, const wool_admission_info_t *info) {
  (void)data;
  int is_five = info->context_count == 1 && same(info->context[0].name, "number") && info->context[0].value.data.ptr[0] == 5;
  if (is_five) {
    OK(wool_admission_accept(admission, &error));
  } else {
    OK(wool_admission_refuse(admission, text("no number"), &error));
  }
}

TEST(the_hook_sees_what_rides_along) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.admit = admit_five;
  world_t world = world_of(world_runtime(), &options);
  const wool_context_value_t context = entry("test", "number", five());
  OK(submit_with(&world, &context, 1, &error));
  end_kept(&world, world_take_kept_task());
  OK(submit_with(&world, NULL, 0, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_PERMISSION_DENIED);
  free_event(&event);
  world_free(&world);
}

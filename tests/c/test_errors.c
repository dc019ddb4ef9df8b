/* Faults that are large, odd or wrong: they harm one task, and their caller gets what can be told of them. */
#include "world.h"

enum { MIB = 1 << 20, LONGEST = 64 * 1024, MOST_CAUSES = 16 };

/* Fails the next kept task with a fault; the error that its caller gets. */
static wool_error_t *fail_kept(world_t *world, const wool_fault_t *fault) {
  static uint64_t tag;
  submit(world, "test.keep", ints(0, 0, 0), ++tag);
  OK(wool_task_fail(world_take_kept_task(), fault, &error));
  wool_event_t event = next_event(world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.tag == tag);
  return event.error;
}

static char *letters(size_t count) {
  char *text = malloc(count + 1);
  memset(text, 'x', count);
  text[count] = '\0';
  return text;
}

TEST(long_texts_are_cut_and_say_so) {
  world_t world = world_new();
  char *long_text = letters(10 * MIB);
  wool_slice_t lines[1000];
  for (size_t i = 0; i < 1000; i++) lines[i] = text("fence.c:22");
  lines[0] = text(long_text);
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.type = fault.message = text(long_text);
  fault.traceback = lines;
  fault.traceback_len = 1000;
  wool_error_t *error = fail_kept(&world, &fault);
  wool_slice_t message = wool_error_message(error), type = wool_error_type(error);
  CHECK(message.len >= LONGEST / 2 && message.len < LONGEST + 200 && holds(message, "more bytes"));
  CHECK(type.len > 0 && type.len < 2000 && type.ptr[0] == 'x');
  size_t count = wool_error_traceback_len(error);
  CHECK(count > 1 && count < 1000 && wool_error_traceback_line(error, 0).len < 2000);
  CHECK(holds(wool_error_traceback_line(error, count - 1), "more lines"));
  wool_error_free(error);
  /* A message that just fits stays whole. */
  fault.traceback_len = 0;
  fault.type = text("Fox");
  fault.message.len = LONGEST;
  error = fail_kept(&world, &fault);
  CHECK(wool_error_message(error).len == LONGEST && same(wool_error_type(error), "Fox"));
  wool_error_free(error);
  free(long_text);
  CHECK(call_add(&world, 1, 2) == 3);
  world_free(&world);
}

TEST(a_long_text_is_not_cut_within_a_letter) {
  world_t world = world_new();
  char *sheep = malloc(4 * (size_t)MIB + 4);
  for (size_t i = 0; i < MIB; i++) memcpy(sheep + 1 + 4 * i, "\xf0\x9f\x90\x91", 4);
  sheep[0] = 'a';
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.message.ptr = (const uint8_t *)sheep;
  fault.message.len = 4 * (size_t)MIB + 1;
  wool_error_t *error = fail_kept(&world, &fault);
  /* It is still text: it can be given on. */
  fault.message = wool_error_message(error);
  wool_error_t *copy;
  OK(wool_error_new(&fault, &copy, &error));
  wool_error_free(copy);
  wool_error_free(error);
  free(sheep);
  world_free(&world);
}

TEST(causes_are_told_up_to_a_depth) {
  world_t world = world_new();
  wool_error_t *cause = NULL;
  for (int i = 0; i < 3 * MOST_CAUSES; i++) {
    wool_fault_t fault = WOOL_FAULT_INIT;
    wool_error_t *outer;
    fault.type = text("Fox");
    fault.cause = cause;
    OK(wool_error_new(&fault, &outer, &error));
    wool_error_free(cause);
    cause = outer;
  }
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.cause = cause;
  wool_error_t *error = fail_kept(&world, &fault);
  int causes = 0;
  for (const wool_error_t *inner = error; (inner = wool_error_cause(inner)) != NULL; causes++) {
    CHECK(same(wool_error_type(inner), "Fox") && same(wool_error_language(inner), "c"));
  }
  CHECK(causes == MOST_CAUSES);
  wool_error_free(error);
  wool_error_free(cause);
  world_free(&world);
}

TEST(data_that_is_no_value_arrives_as_it_is_and_is_refused_by_a_reader) {
  world_t world = world_new();
  const wool_slice_t wrong[] = {text("\xc1"), text("\x92\x01"), {NULL, 0}, text("\xc0\xc0")};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    wool_payload_t value = {wrong[i], WOOL_CODEC_MSGPACK}, found;
    wool_fault_t fault = WOOL_FAULT_INIT;
    fault.type = text("conf.Odd");
    fault.message = text("odd");
    fault.value = &value;
    wool_error_t *error = fail_kept(&world, &fault);
    CHECK(same(wool_error_type(error), "conf.Odd") && same(wool_error_message(error), "odd"));
    if (wool_error_value(error, &found) == WOOL_OK) {
      wool_value_reader_t *reader;
      CHECK(found.data.len == wrong[i].len);
      FAILS(WOOL_ERR_CODEC, "", wool_value_reader_new(found.data, &reader, &error));
    }
    wool_error_free(error);
  }
  CHECK(call_add(&world, 1, 2) == 3);
  world_free(&world);
}

TEST(large_data_of_an_error_stays_behind) {
  world_t world = world_new();
  char *large = letters(MIB);
  wool_payload_t value = {text(large), WOOL_CODEC_RAW}, found;
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.type = text("Fox");
  fault.message = text("came at night");
  fault.value = &value;
  wool_error_t *error = fail_kept(&world, &fault);
  CHECK(wool_error_value(error, &found) == WOOL_END);
  CHECK(same(wool_error_type(error), "Fox") && same(wool_error_message(error), "came at night"));
  wool_error_free(error);
  value.data.len = LONGEST;
  error = fail_kept(&world, &fault);
  CHECK(wool_error_value(error, &found) == WOOL_OK && found.data.len == LONGEST && found.codec == WOOL_CODEC_RAW);
  wool_error_free(error);
  free(large);
  world_free(&world);
}

TEST(a_fault_that_is_none_is_refused_and_the_task_goes_on) {
  world_t world = world_new();
  submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_task_t task = world_kept_task();
  wool_fault_t fault = WOOL_FAULT_INIT;
  wool_payload_t strange = {text("x"), 77}, absent = {{NULL, 3}, WOOL_CODEC_RAW};
  wool_slice_t no_text = text("\xff");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "NULL", wool_task_fail(task, NULL, &error));
  fault.struct_size = 4;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "struct_size", wool_task_fail(task, &fault, &error));
  fault = (wool_fault_t)WOOL_FAULT_INIT;
  fault.status = 5;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "no error's number", wool_task_fail(task, &fault, &error));
  fault.status = -999;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "no error's number", wool_task_fail(task, &fault, &error));
  fault = (wool_fault_t)WOOL_FAULT_INIT;
  fault.type = no_text;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "fault.type", wool_task_fail(task, &fault, &error));
  fault.type = absent.data;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "fault.type", wool_task_fail(task, &fault, &error));
  fault = (wool_fault_t)WOOL_FAULT_INIT;
  fault.traceback_len = 3;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "fault.traceback", wool_task_fail(task, &fault, &error));
  fault = (wool_fault_t)WOOL_FAULT_INIT;
  fault.value = &strange;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "codec is 77", wool_task_fail(task, &fault, &error));
  fault.value = &absent;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "fault.value", wool_task_fail(task, &fault, &error));
  fault.value = NULL;
  OK(wool_task_fail(task, &fault, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_TASK_FAILED);
  free_event(&event);
  world_free(&world);
}

TEST(a_result_that_is_no_value_is_refused_by_a_reader) {
  world_t world = world_new();
  submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_payload_t no_value = {text("\xc1"), WOOL_CODEC_MSGPACK};
  OK(wool_task_return(world_take_kept_task(), no_value, &error));
  wool_event_t event = next_event(&world);
  wool_value_reader_t *reader;
  CHECK(event.kind == WOOL_EVENT_RESULT);
  FAILS(WOOL_ERR_CODEC, "", wool_value_reader_new(payload(event.payload).data, &reader, &error));
  free_event(&event);
  world_free(&world);
}

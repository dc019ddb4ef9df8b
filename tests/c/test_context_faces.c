/* What rides along with a call, on both faces: as it was given, at every step, and until the answer; or refused. */
#include "world.h"

#include <stddef.h>

/* The bytes that names and encoded values may have together. */
enum { MOST_BYTES = 64 * 1024 };

#define COUNT(values) (sizeof(values) / sizeof *(values))

/* `encoded`: MessagePack. An int of one byte is itself. */
static wool_context_value_t value_of(const char *name_space, const char *name, const char *encoded) {
  return (wool_context_value_t){text(name_space), text(name), {text(encoded), WOOL_CODEC_MSGPACK}};
}

static int64_t read_int(wool_payload_t value) {
  CHECK(value.codec == WOOL_CODEC_MSGPACK);
  wool_value_reader_t *reader = NULL;
  int64_t number = 0;
  OK(wool_value_reader_new(value.data, &reader, &error));
  OK(wool_value_reader_int(reader, &number, &error));
  wool_value_reader_free(reader);
  return number;
}

/* Checks that these ints ride along, in this order: "shop.customer=7 farm.customer=9". */
static void check_context(const wool_context_value_t *values, size_t count, const char *expected) {
  char found[512] = "";
  size_t length = 0;
  CHECK((values == NULL) == (count == 0));
  for (size_t i = 0; i < count; i++) {
    wool_slice_t name_space = values[i].namespace_, name = values[i].name;
    int written = snprintf(found + length, sizeof found - length, "%s%.*s.%.*s=%lld", i == 0 ? "" : " ",
                           (int)name_space.len, (const char *)name_space.ptr, (int)name.len, (const char *)name.ptr,
                           (long long)read_int(values[i].value));
    CHECK(written > 0 && length + (size_t)written < sizeof found);
    length += (size_t)written;
  }
  if (strcmp(found, expected) == 0) return;
  fprintf(stderr, "expected: %s\nfound:    %s\n", expected, found);
  CHECK(strcmp(found, expected) == 0);
}

static void check_task(wool_task_t task, const char *expected) {
  wool_task_info_t info = WOOL_TASK_INFO_INIT;
  /* Every field is written, also when nothing rides along. */
  memset((char *)&info + sizeof info.struct_size, 0xff, sizeof info - sizeof info.struct_size);
  OK(wool_task_info(task, &info, &error));
  check_context(info.context, info.context_count, expected);
}

static void check_question(wool_admission_t admission, const char *expected) {
  wool_admission_info_t info = WOOL_ADMISSION_INFO_INIT;
  memset((char *)&info + sizeof info.struct_size, 0xff, sizeof info - sizeof info.struct_size);
  OK(wool_admission_info(admission, &info, &error));
  check_context(info.context, info.context_count, expected);
}

static void return_null(wool_task_t task) {
  wool_payload_t null = {text("\xc0"), WOOL_CODEC_MSGPACK};
  OK(wool_task_return(task, null, &error));
}

/* By callbacks. Both check that what rides along is what the test expects, and count. */
static struct {
  const char *expected;
  int asked, run;
} watch;

static void admit(void *data, wool_admission_t admission, const wool_admission_info_t *info) {
  (void)data;
  watch.asked++;
  check_context(info->context, info->context_count, watch.expected);
  check_question(admission, watch.expected);
  OK(wool_admission_accept(admission, &error));
}

static void run_watched(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)arguments;
  watch.run++;
  check_context(info->context, info->context_count, watch.expected);
  check_task(task, watch.expected);
  return_null(task);
}

static void run_watched_stream(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)task;
  (void)arguments;
  watch.run++;
  check_context(info->context, info->context_count, watch.expected);
}

static void step_watched(void *data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                         const wool_error_t *thrown) {
  (void)data;
  (void)state;
  (void)sent;
  (void)thrown;
  check_task(task, watch.expected);
  wool_payload_t item = {text("\x05"), WOOL_CODEC_MSGPACK};
  if (step == WOOL_STEP_CLOSE) {
    OK(wool_task_end(task, &error));
  } else {
    OK(wool_task_yield(task, item, &error));
  }
}

static world_t watched_world(void) {
  wool_runtime_t *runtime = world_runtime();
  serve(runtime, "test.watched", run_watched, NULL, NULL);
  serve(runtime, "test.stream", run_watched_stream, step_watched, NULL);
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.admit = admit;
  return world_of(runtime, &options);
}

static wool_status_t submit_with(world_t *world, const char *routine, const wool_call_options_t *options,
                                 wool_call_t *call, wool_error_t **error) {
  wool_bytes_t arguments = ints(0, 0, 0);
  wool_status_t status = wool_call_submit(world->pool, text(routine), payload(arguments), options, world->queue, 1, call, error);
  wool_bytes_free(&arguments);
  return status;
}

static wool_call_options_t options_of(const wool_context_value_t *values, size_t count) {
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.context = values;
  options.context_count = count;
  return options;
}

static void next_is_result(world_t *world, wool_call_t call) {
  wool_event_t event = next_event(world);
  CHECK(event.kind == WOOL_EVENT_RESULT && event.handle == call);
  free_event(&event);
}

/* Submits with these options and waits; hook and routine must find what is expected. */
static void call_watched(world_t *world, const wool_call_options_t *options, const char *expected) {
  int asked = watch.asked, run = watch.run;
  watch.expected = expected;
  wool_call_t call = 0;
  OK(submit_with(world, "test.watched", options, &call, &error));
  next_is_result(world, call);
  CHECK(watch.asked == asked + 1 && watch.run == run + 1);
}

static void call_with(world_t *world, const wool_context_value_t *values, size_t count, const char *expected) {
  wool_call_options_t options = options_of(values, count);
  call_watched(world, &options, expected);
}

TEST(callbacks_read_what_rides_along) {
  world_t world = watched_world();
  const wool_context_value_t values[] = {
      value_of("shop", "customer", "\x07"), value_of("farm", "customer", "\x09"),
      value_of("", "no namespace", "\x01"), value_of("no name", "", "\x02"),
      value_of("sch\xc3\xa4" "fer", "hund", "\xff"),
  };
  const char *expected = "shop.customer=7 farm.customer=9 .no namespace=1 no name.=2 sch\xc3\xa4" "fer.hund=-1";
  call_with(&world, values, COUNT(values), expected);
  call_with(&world, values, 1, "shop.customer=7");
  wool_call_options_t options = options_of(values, COUNT(values));
  wool_bytes_t arguments = ints(0, 0, 0), result;
  watch.expected = expected;
  OK(wool_call(world.pool, text("test.watched"), payload(arguments), &options, -1, &result, NULL, &error));
  CHECK(watch.asked == 3 && watch.run == 3);
  wool_bytes_free(&result);
  wool_bytes_free(&arguments);
  world_free(&world);
}

TEST(a_stream_reads_what_rides_along_at_every_step) {
  world_t world = watched_world();
  const wool_context_value_t values[] = {value_of("shop", "customer", "\x07"), value_of("farm", "customer", "\x09")};
  wool_call_options_t options = options_of(values, COUNT(values));
  wool_bytes_t arguments = ints(0, 0, 0), item;
  wool_stream_t stream;
  watch.expected = "shop.customer=7 farm.customer=9";
  OK(wool_stream_open(world.pool, text("test.stream"), payload(arguments), &options, NULL, 0, &stream, &error));
  for (int i = 0; i < 3; i++) {
    OK(wool_stream_wait(stream, -1, &item, NULL, &error));
    wool_bytes_free(&item);
  }
  OK(wool_stream_close(stream, &error));
  ANSWERS(WOOL_END, wool_stream_wait(stream, -1, &item, NULL, &error));
  CHECK(watch.asked == 1 && watch.run == 1);
  wool_bytes_free(&arguments);
  world_free(&world);
}

TEST(a_call_has_only_what_it_was_given) {
  world_t world = watched_world();
  const wool_context_value_t values[] = {value_of("shop", "customer", "\x07")};
  call_watched(&world, NULL, "");
  call_with(&world, values, 1, "shop.customer=7");
  call_watched(&world, NULL, "");
  call_with(&world, NULL, 0, "");
  /* Where nothing is announced, nothing is read. */
  call_with(&world, (const wool_context_value_t *)(uintptr_t)8, 0, "");
  world_free(&world);
}

TEST(of_two_with_one_name_the_later_counts) {
  world_t world = watched_world();
  const wool_context_value_t values[] = {
      value_of("shop", "customer", "\x07"), value_of("farm", "customer", "\x09"), value_of("shop", "customer", "\x08"),
      value_of("farm", "dog", "\x01"),      value_of("shop", "customer", "\x06"),
  };
  call_with(&world, values, COUNT(values), "farm.customer=9 farm.dog=1 shop.customer=6");
  world_free(&world);
}

/* Fails in all three ways that take options, and nothing has begun. */
static void refused(world_t *world, wool_status_t status, const char *words, const wool_context_value_t *values,
                    size_t count) {
  wool_call_options_t options = options_of(values, count);
  wool_bytes_t arguments = ints(0, 0, 0), result;
  wool_stream_t stream;
  int asked = watch.asked;
  FAILS(status, words, submit_with(world, "test.watched", &options, NULL, &error));
  FAILS(status, words,
        wool_call(world->pool, text("test.watched"), payload(arguments), &options, -1, &result, NULL, &error));
  FAILS(status, words,
        wool_stream_open(world->pool, text("test.stream"), payload(arguments), &options, world->queue, 1, &stream, &error));
  wool_bytes_free(&arguments);
  CHECK(watch.asked == asked);
}

/* Bytes as a value, whose encoding has so many bytes. */
static wool_bytes_t blob(size_t size) {
  const size_t head = 3;
  uint8_t *zeros = calloc(1, size - head);
  wool_value_builder_t *builder = NULL;
  wool_bytes_t encoded = {0};
  OK(wool_value_builder_new(&builder, &error));
  OK(wool_value_builder_bytes(builder, (wool_slice_t){zeros, size - head}, &error));
  OK(wool_value_builder_finish(builder, &encoded, &error));
  wool_value_builder_free(builder);
  free(zeros);
  CHECK(encoded.len == size);
  return encoded;
}

/* What rode along last; its largest value has so many bytes. */
static size_t ridden_size;

static void run_measured(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)arguments;
  ridden_size = 0;
  for (size_t i = 0; i < info->context_count; i++) {
    size_t size = info->context[i].value.data.len;
    if (size > ridden_size) ridden_size = size;
  }
  return_null(task);
}

TEST(what_is_too_large_is_refused_at_submit) {
  wool_runtime_t *runtime = world_runtime();
  serve(runtime, "test.measured", run_measured, NULL, NULL);
  serve(runtime, "test.watched", run_watched, NULL, NULL);
  serve(runtime, "test.stream", run_watched_stream, step_watched, NULL);
  world_t world = world_of(runtime, NULL);
  /* The names count: "shop", "blob", "farm", "dog", and an int of one byte. */
  const size_t others = 4 + 4 + 4 + 3 + 1;
  wool_bytes_t most = blob(MOST_BYTES - others), more = blob(MOST_BYTES - others + 1);
  wool_context_value_t values[] = {value_of("shop", "blob", ""), value_of("farm", "dog", "\x01")};
  wool_call_options_t options = options_of(values, COUNT(values));
  wool_call_t call;
  values[0].value = payload(most);
  OK(submit_with(&world, "test.measured", &options, &call, &error));
  next_is_result(&world, call);
  CHECK(ridden_size == most.len);
  values[0].value = payload(more);
  refused(&world, WOOL_ERR_PAYLOAD_TOO_LARGE, "65537 bytes, at most 65536", values, COUNT(values));
  /* What is replaced does not count. */
  const wool_context_value_t same[] = {values[0], values[0], values[0]};
  options = options_of(same, COUNT(same));
  OK(submit_with(&world, "test.measured", &options, &call, &error));
  next_is_result(&world, call);
  CHECK(ridden_size == more.len && watch.run == 0);
  wool_bytes_free(&most);
  wool_bytes_free(&more);
  world_free(&world);
}

TEST(misuse_is_a_typed_error_and_takes_no_slot) {
  world_t world = watched_world();
  const wool_slice_t nowhere = {NULL, 3};
  wool_context_value_t wrong[6];
  for (size_t i = 0; i < COUNT(wrong); i++) wrong[i] = value_of("shop", "customer", "\x07");
  wrong[0].value.codec = WOOL_CODEC_RAW;
  wrong[1].value.codec = 99;
  wrong[2].namespace_ = nowhere;
  wrong[3].name = nowhere;
  wrong[4].value.data = nowhere;
  wrong[5].name = text("\xff");
  const char *words[] = {"shop.customer is no WOOL_CODEC_MSGPACK", "value.codec is 99", "context.namespace_ is NULL",
                         "context.name is NULL", "context.value is NULL", "context.name is not UTF-8"};
  /* More often than the queue has slots. */
  for (int round = 0; round < 65; round++) {
    for (size_t i = 0; i < COUNT(wrong); i++) {
      const wool_context_value_t values[] = {value_of("farm", "dog", "\x01"), wrong[i]};
      refused(&world, WOOL_ERR_INVALID_ARGUMENT, words[i], values, COUNT(values));
    }
    refused(&world, WOOL_ERR_INVALID_ARGUMENT, "options.context is NULL", NULL, 2);
    refused(&world, WOOL_ERR_INVALID_ARGUMENT, "more than memory can hold", wrong, SIZE_MAX);
  }
  call_watched(&world, NULL, "");
  world_free(&world);
}

TEST(a_program_from_before_contexts_is_served_as_ever) {
  world_t world = watched_world();
  wool_call_options_t options = options_of((const wool_context_value_t *)(uintptr_t)8, 5);
  options.struct_size = offsetof(wool_call_options_t, context);
  call_watched(&world, &options, "");

  const wool_context_value_t values[] = {value_of("shop", "customer", "\x07")};
  const wool_context_value_t *before = (const wool_context_value_t *)(uintptr_t)8;
  wool_call_t call;
  options = options_of(values, 1);
  watch.expected = "shop.customer=7";
  OK(submit_with(&world, "test.keep", &options, &call, &error));
  wool_task_t task = world_kept_task();
  wool_task_info_t info = WOOL_TASK_INFO_INIT;
  info.struct_size = offsetof(wool_task_info_t, context);
  info.context = before;
  info.context_count = 5;
  OK(wool_task_info(task, &info, &error));
  CHECK(info.remaining_ms == -1 && info.context == before && info.context_count == 5);
  return_null(task);
  next_is_result(&world, call);
  world_free(&world);
}

/* A value whose bytes are all on the heap, each part by itself. */
static wool_context_value_t on_heap(wool_context_value_t value) {
  wool_slice_t *parts[] = {&value.namespace_, &value.name, &value.value.data};
  for (size_t i = 0; i < COUNT(parts); i++) {
    uint8_t *copy = malloc(parts[i]->len);
    memcpy(copy, parts[i]->ptr, parts[i]->len);
    parts[i]->ptr = copy;
  }
  return value;
}

static void overwrite_and_free(wool_slice_t part) {
  uint8_t *bytes = (uint8_t *)(uintptr_t)part.ptr;
  memset(bytes, 'x', part.len);
  free(bytes);
}

static wool_queue_t *small_queue(wool_runtime_t *runtime) {
  wool_queue_options_t options = WOOL_QUEUE_OPTIONS_INIT;
  wool_queue_t *queue = NULL;
  options.capacity = 8;
  OK(wool_queue_new(runtime, &options, &queue, &error));
  return queue;
}

/* A callback's info is gone with the call; what it points at is not. */
static struct {
  flag_t *up;
  wool_task_t task;
  wool_task_info_t info;
} kept;

static void run_kept(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)arguments;
  kept.task = task;
  kept.info = *info;
  flag_raise(kept.up);
}

/* A world that asks, and serves "test.queued", through queues; "test.kept" by a callback. */
static world_t queued_world(wool_queue_t **questions, wool_queue_t **tasks) {
  wool_runtime_t *runtime = world_runtime();
  *questions = small_queue(runtime);
  *tasks = small_queue(runtime);
  serve(runtime, "test.kept", run_kept, NULL, NULL);
  wool_routine_options_t routine = WOOL_ROUTINE_OPTIONS_INIT;
  routine.name = text("test.queued");
  routine.kind = WOOL_ROUTINE_UNARY;
  routine.queue = *tasks;
  OK(wool_routine_register(runtime, &routine, &error));
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.admit_queue = *questions;
  return world_of(runtime, &options);
}

static uint64_t next_handle(wool_queue_t *queue, int32_t kind) {
  wool_event_t event = next_event_of(queue);
  CHECK(event.kind == kind);
  wool_bytes_free(&event.payload);
  return event.handle;
}

/* Makes many contexts come and go, so that memory which was given back too early is used for something else. */
static void pass_others(world_t *world, wool_queue_t *questions, wool_queue_t *tasks) {
  const wool_context_value_t others[] = {value_of("wolf", "whistles", "\x01"), value_of("wolf", "customer", "\x02")};
  wool_call_options_t options = options_of(others, COUNT(others));
  for (int i = 0; i < 20; i++) {
    wool_call_t call;
    OK(submit_with(world, "test.queued", &options, &call, &error));
    wool_admission_t question = next_handle(questions, WOOL_EVENT_ADMISSION);
    check_question(question, "wolf.whistles=1 wolf.customer=2");
    OK(wool_admission_accept(question, &error));
    wool_task_t task = next_handle(tasks, WOOL_EVENT_TASK);
    check_task(task, "wolf.whistles=1 wolf.customer=2");
    return_null(task);
    next_is_result(world, call);
  }
}

TEST(queues_read_what_rides_along_until_they_answer) {
  wool_queue_t *questions, *tasks;
  world_t world = queued_world(&questions, &tasks);
  const char *expected = "shop.customer=7 farm.customer=9";
  wool_context_value_t values[] = {on_heap(value_of("shop", "customer", "\x07")),
                                   on_heap(value_of("farm", "customer", "\x09"))};
  wool_call_options_t options = options_of(values, COUNT(values));
  wool_call_t call;
  OK(submit_with(&world, "test.queued", &options, &call, &error));
  /* What was given is the caller's again. */
  for (size_t i = 0; i < COUNT(values); i++) {
    overwrite_and_free(values[i].namespace_);
    overwrite_and_free(values[i].name);
    overwrite_and_free(values[i].value.data);
  }
  wool_admission_t question = next_handle(questions, WOOL_EVENT_ADMISSION);
  wool_admission_info_t asked = WOOL_ADMISSION_INFO_INIT;
  OK(wool_admission_info(question, &asked, &error));
  pass_others(&world, questions, tasks);
  check_context(asked.context, asked.context_count, expected);
  OK(wool_admission_accept(question, &error));

  wool_task_t task = next_handle(tasks, WOOL_EVENT_TASK);
  wool_task_info_t info = WOOL_TASK_INFO_INIT;
  OK(wool_task_info(task, &info, &error));
  pass_others(&world, questions, tasks);
  check_context(info.context, info.context_count, expected);
  return_null(task);
  next_is_result(&world, call);
  world_free(&world);
  wool_queue_free(questions);
  wool_queue_free(tasks);
}

/* The caller is no longer there, the question and the task are. */
TEST(what_rides_along_stays_when_the_caller_has_left) {
  wool_queue_t *questions, *tasks;
  world_t world = queued_world(&questions, &tasks);
  const wool_context_value_t values[] = {value_of("shop", "customer", "\x07")};
  wool_call_options_t options = options_of(values, 1);
  wool_call_t calls[2];
  OK(submit_with(&world, "test.queued", &options, &calls[0], &error));
  wool_admission_t question = next_handle(questions, WOOL_EVENT_ADMISSION);
  wool_admission_info_t asked = WOOL_ADMISSION_INFO_INIT;
  OK(wool_admission_info(question, &asked, &error));
  OK(submit_with(&world, "test.queued", &options, &calls[1], &error));
  OK(wool_admission_accept(next_handle(questions, WOOL_EVENT_ADMISSION), &error));
  wool_task_t task = next_handle(tasks, WOOL_EVENT_TASK);
  wool_task_info_t info = WOOL_TASK_INFO_INIT;
  OK(wool_task_info(task, &info, &error));
  for (int i = 0; i < 2; i++) {
    CHECK(wool_call_cancel(calls[i]) == WOOL_OK);
    wool_event_t event = next_event(&world);
    CHECK(event.handle == calls[i] && event.status == WOOL_ERR_CANCELLED);
    free_event(&event);
  }
  CHECK(next_handle(tasks, WOOL_EVENT_CANCEL) == task);
  pass_others(&world, questions, tasks);
  check_context(asked.context, asked.context_count, "shop.customer=7");
  check_context(info.context, info.context_count, "shop.customer=7");
  check_question(question, "shop.customer=7");
  check_task(task, "shop.customer=7");
  OK(wool_admission_accept(question, &error));
  return_null(task);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_info(task, &info, &error));
  world_free(&world);
  wool_queue_free(questions);
  wool_queue_free(tasks);
}

TEST(what_rides_along_outlives_the_callback) {
  kept.up = flag_new();
  wool_queue_t *questions, *tasks;
  world_t world = queued_world(&questions, &tasks);
  const wool_context_value_t values[] = {value_of("shop", "customer", "\x07")};
  wool_call_options_t options = options_of(values, 1);
  wool_call_t call;
  OK(submit_with(&world, "test.kept", &options, &call, &error));
  OK(wool_admission_accept(next_handle(questions, WOOL_EVENT_ADMISSION), &error));
  flag_wait(kept.up);
  pass_others(&world, questions, tasks);
  check_context(kept.info.context, kept.info.context_count, "shop.customer=7");
  return_null(kept.task);
  next_is_result(&world, call);
  world_free(&world);
  wool_queue_free(questions);
  wool_queue_free(tasks);
  flag_free(kept.up);
}

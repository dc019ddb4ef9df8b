/* What is handed in wrongly is refused, with words that say what, and never a crash. */
#include "world.h"

static const wool_slice_t nothing = {NULL, 0};
static const wool_slice_t broken = {NULL, 1};
static const wool_payload_t no_payload = {{NULL, 0}, WOOL_CODEC_RAW};

TEST(null_runtimes) {
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "wool_runtime_new: out is NULL", wool_runtime_new(NULL, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_runtime_default(NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL", wool_runtime_close(NULL, 0, &error));
  wool_runtime_free(NULL);
}

TEST(null_queues) {
  wool_runtime_t *runtime = NULL;
  wool_queue_t *queue = NULL;
  wool_event_t event;
  size_t count = 7;
  OK(wool_runtime_default(&runtime, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL", wool_queue_new(NULL, NULL, &queue, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_queue_new(runtime, NULL, NULL, &error));
  OK(wool_queue_new(runtime, NULL, &queue, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "queue is NULL",
        wool_queue_drain(NULL, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "events is NULL",
        wool_queue_drain(queue, NULL, sizeof event, 1, NULL, 0, 0, &count, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "count is NULL",
        wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, 0, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "slab is NULL",
        wool_queue_drain(queue, &event, sizeof event, 1, NULL, 8, 0, &count, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "capacity is 0",
        wool_queue_drain(queue, &event, sizeof event, 0, NULL, 0, 0, &count, &error));
  CHECK(count == 0);
  ANSWERS(WOOL_PENDING, wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  CHECK(wool_queue_fd(NULL) == WOOL_ERR_INVALID_ARGUMENT);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "queue is NULL", wool_queue_close(NULL, &error));
  wool_queue_free(NULL);
  wool_queue_free(queue);
}

TEST(null_workers_and_pools) {
  wool_runtime_t *runtime = NULL;
  wool_worker_t *worker = NULL;
  wool_pool_t *pool = NULL;
  OK(wool_runtime_default(&runtime, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL", wool_worker_new(NULL, NULL, &worker, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_worker_new(runtime, NULL, NULL, &error));
  CHECK(wool_worker_address(NULL).len == 0 && wool_worker_uid(NULL).len == 0);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "worker is NULL", wool_worker_stop(NULL, 0, 0, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "worker is NULL", wool_worker_stop_submit(NULL, 0, NULL, 0, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "worker is NULL", wool_worker_stopped_submit(NULL, NULL, 0, &error));
  wool_worker_free(NULL);

  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL", wool_pool_new(NULL, NULL, &pool, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_pool_new(runtime, NULL, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pool is NULL", wool_pool_close(NULL, 0, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pool is NULL", wool_pool_close_submit(NULL, NULL, 0, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pool is NULL", wool_pool_status(NULL, NULL, &error));
  wool_pool_free(NULL);

  world_t world = world_new();
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_pool_status(world.pool, NULL, &error));
  world_free(&world);
}

TEST(null_calls_and_streams) {
  world_t world = world_new();
  wool_bytes_t result = {0};
  wool_stream_t stream = 0;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pool is NULL",
        wool_call_submit(NULL, text("x"), no_payload, NULL, world.queue, 0, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "queue is NULL",
        wool_call_submit(world.pool, text("x"), no_payload, NULL, NULL, 0, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "routine is NULL",
        wool_call_submit(world.pool, broken, no_payload, NULL, world.queue, 0, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pool is NULL",
        wool_call(NULL, text("x"), no_payload, NULL, 0, &result, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "result is NULL",
        wool_call(world.pool, text("x"), no_payload, NULL, 0, NULL, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pool is NULL",
        wool_stream_open(NULL, text("x"), no_payload, NULL, NULL, 0, &stream, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL",
        wool_stream_open(world.pool, text("x"), no_payload, NULL, NULL, 0, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "item is NULL", wool_stream_wait(0, 0, NULL, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "options is NULL", wool_routine_register(world.runtime, NULL, &error));
  wool_routine_options_t routine = WOOL_ROUTINE_OPTIONS_INIT;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL", wool_routine_register(NULL, &routine, &error));
  world_free(&world);
}

TEST(null_errors_and_bytes) {
  wool_payload_t value;
  CHECK(wool_error_status(NULL) == WOOL_OK);
  CHECK(wool_error_message(NULL).len == 0 && wool_error_type(NULL).len == 0 && wool_error_language(NULL).len == 0);
  CHECK(wool_error_traceback_len(NULL) == 0 && wool_error_traceback_line(NULL, 0).len == 0);
  CHECK(wool_error_value(NULL, &value) == WOOL_END && wool_error_cause(NULL) == NULL);
  CHECK(wool_error_retryable(NULL) == 0);
  wool_error_free(NULL);
  wool_bytes_free(NULL);

  wool_error_t *out = NULL;
  wool_fault_t fault = WOOL_FAULT_INIT;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_error_new(&fault, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "fault is NULL", wool_error_new(NULL, &out, &error));
  fault.status = 5;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "no error's number", wool_error_new(&fault, &out, &error));
  /* Who does not care for the story passes no place for it. */
  CHECK(wool_error_new(&fault, &out, NULL) == WOOL_ERR_INVALID_ARGUMENT);
}

TEST(null_values) {
  wool_value_builder_t *none = NULL;
  wool_value_reader_t *reader = NULL;
  wool_value_t value;
  wool_bytes_t bytes;
  wool_slice_t slice;
  int32_t boolean;
  int64_t integer;
  double number;
  size_t count;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_value_builder_new(NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_null(none, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_bool(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_int(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_uint(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_float(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_string(none, nothing, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_bytes(none, nothing, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_list(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_map(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_tuple(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_set(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_timestamp(none, 1, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_date(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_time(none, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_duration(none, 1, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_decimal(none, nothing, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_uuid(none, nothing, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_bigint(none, 1, nothing, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_named(none, nothing, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_arguments(none, 1, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "builder is NULL", wool_value_builder_finish(none, &bytes, &error));
  wool_value_builder_free(none);

  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_value_reader_new(nothing, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "data is NULL", wool_value_reader_new(broken, &reader, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL",
        wool_value_reader_new_arguments(nothing, NULL, &count, &count, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "positional is NULL",
        wool_value_reader_new_arguments(nothing, &reader, NULL, &count, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_next(NULL, &value, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_value_reader_new_bound(0, no_payload, 0, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_value_reader_new_bound(0, no_payload, 0, &reader, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_null(NULL, &boolean, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_bool(NULL, &boolean, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_int(NULL, &integer, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_float(NULL, &number, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_string(NULL, &slice, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_bytes(NULL, &slice, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_list(NULL, &count, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_map(NULL, &count, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "reader is NULL", wool_value_reader_skip(NULL, &error));
  wool_value_reader_free(NULL);
}

TEST(stale_handles) {
  world_t world = world_new();
  wool_stream_t no_stream = 0x100000010;
  wool_task_t no_task = UINT64_MAX;
  wool_bytes_t item;
  wool_fault_t fault = WOOL_FAULT_INIT;
  wool_task_info_t info = WOOL_TASK_INFO_INIT;
  CHECK(wool_call_cancel(0) == WOOL_OK);
  CHECK(wool_call_cancel(12345) == WOOL_OK);
  CHECK(wool_stream_cancel(no_stream) == WOOL_OK);
  OK(wool_stream_close(no_stream, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_stream_next(no_stream, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_stream_wait(no_stream, 0, &item, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_return(no_task, no_payload, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_yield(no_task, no_payload, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_end(no_task, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_fail(no_task, &fault, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_info(no_task, &info, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_task_info(no_task, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_set_state(no_task, NULL, NULL, &error));
  CHECK(wool_task_is_cancelled(no_task) == 1);
  world_free(&world);
}

TEST(a_handle_of_something_else_says_so) {
  world_t world = world_new();
  wool_call_t call = submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_task_t task = world_kept_task();
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "is a call's", wool_stream_next(call, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "is a call's", wool_stream_close(call, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "is a task's", wool_stream_next(task, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "is a call's", wool_task_end(call, &error));
  CHECK(wool_call_cancel(task) == WOOL_OK);
  CHECK(!wool_task_is_cancelled(task));
  OK(wool_task_return(task, no_payload, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_RESULT);
  free_event(&event);
  world_free(&world);
}

TEST(options_of_other_versions) {
  wool_runtime_t *runtime = NULL;
  wool_runtime_options_t options = WOOL_RUNTIME_OPTIONS_INIT;
  options.struct_size = 0;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "struct_size is 0", wool_runtime_new(&options, &runtime, &error));
  struct {
    wool_runtime_options_t known;
    uint64_t added;
  } newer = {WOOL_RUNTIME_OPTIONS_INIT, 0};
  newer.known.struct_size = sizeof newer;
  OK(wool_runtime_new(&newer.known, &runtime, &error));
  wool_runtime_free(runtime);
  newer.added = 1;
  FAILS(WOOL_ERR_UNSUPPORTED, "does not know", wool_runtime_new(&newer.known, &runtime, &error));
  options.struct_size = sizeof options.struct_size;
  OK(wool_runtime_new(&options, &runtime, &error));
  wool_runtime_free(runtime);
}

static int destroyed;
static void destroy(void *data) {
  CHECK(data == &destroyed);
  __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}

static void run(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)task, (void)info, (void)arguments;
}

TEST(a_registration_that_fails_frees_what_it_was_given) {
  world_t world = world_new();
  wool_routine_options_t options = WOOL_ROUTINE_OPTIONS_INIT;
  options.user_data = &destroyed;
  options.destroy = destroy;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "kind is 0", wool_routine_register(world.runtime, &options, &error));
  CHECK(destroyed == 1);
  options.kind = WOOL_ROUTINE_UNARY;
  options.name = text("test.add");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "could not run", wool_routine_register(world.runtime, &options, &error));
  CHECK(destroyed == 2);
  options.run = run;
  FAILS(WOOL_ERR_ALREADY_EXISTS, "test.add", wool_routine_register(world.runtime, &options, &error));
  CHECK(destroyed == 3);
  options.name = text("not a name");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "not a name", wool_routine_register(world.runtime, &options, &error));
  CHECK(destroyed == 4);
  options.name = text("test.new");
  options.queue = world.queue;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "queue and callbacks", wool_routine_register(world.runtime, &options, &error));
  CHECK(destroyed == 5);
  options.queue = NULL;
  OK(wool_routine_register(world.runtime, &options, &error));
  CHECK(destroyed == 5);
  world_free(&world);
  CHECK(destroyed == 6);
}

TEST(names_and_numbers) {
  CHECK(wool_abi_version() == 1);
  CHECK(strcmp(wool_version(), "0.1.0") == 0);
  CHECK(strcmp(wool_status_name(WOOL_OK), "OK") == 0);
  CHECK(strcmp(wool_status_name(WOOL_ERR_NO_WORKERS_AVAILABLE), "NO_WORKERS_AVAILABLE") == 0);
  CHECK(strcmp(wool_status_name(-1000), "UNKNOWN") == 0);
}

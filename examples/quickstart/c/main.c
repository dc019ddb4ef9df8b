/* Two routines, and calls to them in other processes: the pool starts this program again, once per core, to be its
 * workers.
 *
 * Only errors of calls are checked here; the rest can fail only without memory or descriptors, and then says so too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wool.h"

static wool_slice_t text(const char *string) {
  return (wool_slice_t){(const uint8_t *)string, strlen(string)};
}

static void check(wool_status_t status, wool_error_t *error) {
  if (status >= 0) return;
  wool_slice_t message = wool_error_message(error);
  fprintf(stderr, "%s: %.*s\n", wool_status_name(status), (int)message.len, (const char *)message.ptr);
  exit(1);
}

static wool_payload_t encoded(const wool_bytes_t *bytes) {
  return (wool_payload_t){{bytes->ptr, bytes->len}, WOOL_CODEC_MSGPACK};
}

/* Values are written by a builder, one after the other, and read back in the same order. */
static wool_bytes_t encode_int(int64_t number) {
  wool_value_builder_t *builder;
  wool_bytes_t bytes;
  wool_value_builder_new(&builder, NULL);
  wool_value_builder_int(builder, number, NULL);
  wool_value_builder_finish(builder, &bytes, NULL);
  wool_value_builder_free(builder);
  return bytes;
}

static wool_bytes_t encode_arguments(const int64_t *numbers, size_t count) {
  wool_value_builder_t *builder;
  wool_bytes_t bytes;
  wool_value_builder_new(&builder, NULL);
  wool_value_builder_arguments(builder, count, 0, NULL);
  for (size_t i = 0; i < count; i++) wool_value_builder_int(builder, numbers[i], NULL);
  wool_value_builder_finish(builder, &bytes, NULL);
  wool_value_builder_free(builder);
  return bytes;
}

static int64_t decode_int(wool_slice_t data) {
  wool_value_reader_t *reader;
  wool_error_t *error = NULL;
  int64_t number;
  check(wool_value_reader_new(data, &reader, &error), error);
  check(wool_value_reader_int(reader, &number, &error), error);
  wool_value_reader_free(reader);
  return number;
}

/* Reads exactly `count` ints; a caller that sent something else gets the error as its answer, and 0 is returned. */
static int decode_arguments(wool_task_t task, wool_payload_t arguments, int64_t *numbers, size_t count) {
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  size_t positional = 0, named = 0;
  wool_status_t status = wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, &error);
  for (size_t i = 0; status == WOOL_OK && i < count; i++) status = wool_value_reader_int(reader, &numbers[i], &error);
  if (status != WOOL_OK) {
    wool_fault_t fault = {.struct_size = sizeof fault, .type = text("ArgumentError"), .message = text("ints are wanted")};
    if (error != NULL) fault.message = wool_error_message(error);
    wool_task_fail(task, &fault, NULL);
  }
  wool_error_free(error);
  wool_value_reader_free(reader);
  return status == WOOL_OK;
}

/* calc.add: runs on one of wool's threads and answers by the task's handle, now or later. */
static void add(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  int64_t numbers[2];
  if (!decode_arguments(task, arguments, numbers, 2)) return;
  wool_bytes_t sum = encode_int(numbers[0] + numbers[1]);
  wool_task_return(task, encoded(&sum), NULL);
  wool_bytes_free(&sum);
}

/* calc.countdown: a generator. It begins with its arguments, and each step is answered by an item or the end. */
static void countdown(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  int64_t *next = malloc(sizeof *next);
  if (next == NULL || !decode_arguments(task, arguments, next, 1)) {
    free(next);
    return;
  }
  wool_task_set_state(task, next, free, NULL);
}

static void countdown_step(void *user_data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                           const wool_error_t *thrown) {
  (void)user_data, (void)sent;
  int64_t *next = state;
  if (thrown != NULL) {
    /* What the caller throws and the routine does not catch is what it ends with. */
    wool_task_fail_with(task, thrown, NULL);
    return;
  }
  if (step == WOOL_STEP_CLOSE || *next == 0) {
    wool_task_end(task, NULL);
    return;
  }
  wool_bytes_t item = encode_int((*next)--);
  wool_task_yield(task, encoded(&item), NULL);
  wool_bytes_free(&item);
}

static void register_routines(wool_runtime_t *runtime) {
  wool_error_t *error = NULL;
  wool_routine_options_t adds = WOOL_ROUTINE_OPTIONS_INIT;
  adds.name = text("calc.add");
  adds.kind = WOOL_ROUTINE_UNARY;
  adds.run = add;
  check(wool_routine_register(runtime, &adds, &error), error);
  wool_routine_options_t counts = WOOL_ROUTINE_OPTIONS_INIT;
  counts.name = text("calc.countdown");
  counts.kind = WOOL_ROUTINE_STREAM;
  counts.run = countdown;
  counts.step = countdown_step;
  check(wool_routine_register(runtime, &counts, &error), error);
}

static void call(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  wool_bytes_t arguments = encode_arguments((int64_t[]){1, 2}, 2);
  wool_bytes_t result;
  check(wool_call(pool, text("calc.add"), encoded(&arguments), NULL, -1, &result, NULL, &error), error);
  printf("1 + 2 = %" PRId64 "\n", decode_int((wool_slice_t){result.ptr, result.len}));
  wool_bytes_free(&result);
  wool_bytes_free(&arguments);

  arguments = encode_arguments((int64_t[]){3}, 1);
  wool_stream_t stream;
  check(wool_stream_open(pool, text("calc.countdown"), encoded(&arguments), NULL, NULL, 0, &stream, &error), error);
  wool_bytes_free(&arguments);
  wool_status_t status;
  while ((status = wool_stream_wait(stream, -1, &result, NULL, &error)) == WOOL_OK) {
    printf("%" PRId64 "\n", decode_int((wool_slice_t){result.ptr, result.len}));
    wool_bytes_free(&result);
  }
  check(status, error);
}

int main(void) {
  wool_runtime_t *runtime;
  wool_error_t *error = NULL;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  register_routines(runtime);

  /* A process that was started to be a worker serves the routines here, and is done. */
  if (wool_serve_if_spawned(runtime)) return 0;

  wool_pool_t *pool;
  check(wool_pool_new(runtime, NULL, &pool, &error), error);
  call(pool);

  check(wool_runtime_close(runtime, -1, &error), error);
  wool_pool_free(pool);
  wool_runtime_free(runtime);
  return 0;
}

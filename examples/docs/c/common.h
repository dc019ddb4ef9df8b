/* What the programs of this folder share: values in and out, and a pool of one worker process. Errors of set-up end the
 * program. */
#ifndef COMMON_H
#define COMMON_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wool.h"

static inline wool_slice_t text(const char *string) {
  return (wool_slice_t){(const uint8_t *)string, strlen(string)};
}

static inline void check(wool_status_t status, wool_error_t *error) {
  if (status >= 0) return;
  wool_slice_t message = wool_error_message(error);
  fprintf(stderr, "%s: %.*s\n", wool_status_name(status), (int)message.len, (const char *)message.ptr);
  exit(1);
}

static inline wool_payload_t encoded(const wool_bytes_t *bytes) {
  return (wool_payload_t){{bytes->ptr, bytes->len}, WOOL_CODEC_MSGPACK};
}

static inline wool_bytes_t finish(wool_value_builder_t *builder) {
  wool_bytes_t bytes;
  wool_error_t *error = NULL;
  check(wool_value_builder_finish(builder, &bytes, &error), error);
  wool_value_builder_free(builder);
  return bytes;
}

/* One value. */
static inline wool_bytes_t encode_int(int64_t number) {
  wool_value_builder_t *builder;
  wool_value_builder_new(&builder, NULL);
  wool_value_builder_int(builder, number, NULL);
  return finish(builder);
}

static inline wool_bytes_t encode_text(wool_slice_t string) {
  wool_value_builder_t *builder;
  wool_value_builder_new(&builder, NULL);
  wool_value_builder_string(builder, string, NULL);
  return finish(builder);
}

/* The arguments of a call: a string if it is not NULL, then ints. */
static inline wool_bytes_t encode_arguments(const char *string, const int64_t *numbers, size_t count) {
  wool_value_builder_t *builder;
  wool_value_builder_new(&builder, NULL);
  wool_value_builder_arguments(builder, count + (string != NULL), 0, NULL);
  if (string != NULL) wool_value_builder_string(builder, text(string), NULL);
  for (size_t i = 0; i < count; i++) wool_value_builder_int(builder, numbers[i], NULL);
  return finish(builder);
}

/* An int among bytes; 0 for what is none. */
static inline int64_t decode_int(wool_slice_t data) {
  wool_value_reader_t *reader = NULL;
  int64_t number = 0;
  if (wool_value_reader_new(data, &reader, NULL) == WOOL_OK) wool_value_reader_int(reader, &number, NULL);
  wool_value_reader_free(reader);
  return number;
}

/* A string among bytes, as much of it as fits; empty for what is none. */
static inline void decode_text(const wool_bytes_t *bytes, char *out, size_t size) {
  wool_value_reader_t *reader = NULL;
  wool_slice_t string = {NULL, 0};
  if (wool_value_reader_new((wool_slice_t){bytes->ptr, bytes->len}, &reader, NULL) == WOOL_OK) {
    wool_value_reader_string(reader, &string, NULL);
  }
  snprintf(out, size, "%.*s", (int)string.len, string.ptr == NULL ? "" : (const char *)string.ptr);
  wool_value_reader_free(reader);
}

/* The only argument, an int. */
static inline int64_t int_argument(wool_payload_t arguments) {
  wool_value_reader_t *reader = NULL;
  size_t positional = 0, named = 0;
  int64_t number = 0;
  wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, NULL);
  if (positional == 1) wool_value_reader_int(reader, &number, NULL);
  wool_value_reader_free(reader);
  return number;
}

static inline void return_int(wool_task_t task, int64_t number) {
  wool_bytes_t value = encode_int(number);
  wool_task_return(task, encoded(&value), NULL);
  wool_bytes_free(&value);
}

/* With the names of its parameters, up to NULL. */
static inline void add_routine(wool_runtime_t *runtime, const char *name, const char *const *parameters,
                               wool_routine_options_t options) {
  enum { MOST = 4 };
  wool_slice_t names[MOST];
  wool_error_t *error = NULL;
  options.struct_size = sizeof options;
  options.name = text(name);
  options.parameters = names;
  while (options.parameter_count < MOST && parameters[options.parameter_count] != NULL) {
    names[options.parameter_count] = text(parameters[options.parameter_count]);
    options.parameter_count++;
  }
  check(wool_routine_register(runtime, &options, &error), error);
}

/* Closes and frees. */
static inline void leave(wool_runtime_t *runtime, wool_pool_t *pool) {
  wool_error_t *error = NULL;
  check(wool_runtime_close(runtime, -1, &error), error);
  wool_pool_free(pool);
  wool_runtime_free(runtime);
}

/* A main function: `serve` registers the routines, `call` calls them in other processes, each of which runs one task at a
 * time. */
static inline int play_on(int32_t workers, void (*serve)(wool_runtime_t *), void (*call)(wool_pool_t *)) {
  wool_runtime_t *runtime;
  wool_pool_t *pool;
  wool_error_t *error = NULL;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  serve(runtime);
  if (wool_serve_if_spawned(runtime)) return 0;
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = workers;
  options.quorum = (uint32_t)workers;
  options.concurrency = 1;
  check(wool_pool_new(runtime, &options, &pool, &error), error);
  call(pool);
  leave(runtime, pool);
  return 0;
}

static inline int play(void (*serve)(wool_runtime_t *), void (*call)(wool_pool_t *)) { return play_on(1, serve, call); }

#endif

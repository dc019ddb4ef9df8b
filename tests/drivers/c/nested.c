/* The standard routines that call others, by the blocking functions, and those that tell of their task. */
#include "nested.h"

#include <stdlib.h>
#include <string.h>

#include "routines.h"

wool_bytes_t one_int(int64_t number) {
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_arguments(builder, 1, 0, NULL);
  wool_value_builder_int(builder, number, NULL);
  return finish(builder);
}

wool_error_t *nested_call(wool_task_t task, wool_slice_t routine, wool_bytes_t arguments, wool_bytes_t *result) {
  wool_pool_t *pool = NULL;
  wool_error_t *error = NULL;
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.parent = task;
  if (wool_task_pool(task, &pool, &error) == WOOL_OK) {
    wool_call(pool, routine, msgpack(arguments), &options, -1, result, NULL, &error);
  }
  wool_pool_free(pool);
  wool_bytes_free(&arguments);
  return error;
}

wool_error_t *nested_open(wool_task_t task, wool_slice_t routine, wool_bytes_t arguments, wool_stream_t *stream) {
  wool_pool_t *pool = NULL;
  wool_error_t *error = NULL;
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.parent = task;
  if (wool_task_pool(task, &pool, &error) == WOOL_OK) {
    wool_stream_open(pool, routine, msgpack(arguments), &options, NULL, 0, stream, &error);
  }
  wool_pool_free(pool);
  wool_bytes_free(&arguments);
  return error;
}

wool_error_t *read_below(wool_task_t task, wool_payload_t arguments, const char *own, char **callee, wool_bytes_t *rest) {
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  int64_t depth = 0;
  wool_slice_t routine = {NULL, 0};
  size_t count = 0;
  if (wool_value_reader_new_bound(task, arguments, 3, &reader, &error) == WOOL_OK &&
      wool_value_reader_int(reader, &depth, &error) == WOOL_OK &&
      wool_value_reader_string(reader, &routine, &error) == WOOL_OK &&
      wool_value_reader_list(reader, &count, &error) == WOOL_OK) {
    wool_value_builder_t *builder = new_builder();
    wool_value_builder_arguments(builder, depth > 0 ? 3 : count, 0, NULL);
    if (depth > 0) {
      wool_value_builder_int(builder, depth - 1, NULL);
      wool_value_builder_string(builder, routine, NULL);
      wool_value_builder_list(builder, count, NULL);
    }
    for (size_t i = 0; error == NULL && i < count; i++) error = copy_value(reader, builder);
    if (error == NULL) {
      *rest = finish(builder);
      *callee = depth > 0 ? copy_text(own, strlen(own)) : copy_text((const char *)routine.ptr, routine.len);
    } else {
      wool_value_builder_free(builder);
    }
  }
  wool_value_reader_free(reader);
  return error;
}

/* Returns what a nested call returned, or fails as it did; frees both. */
static void return_as_it_came(wool_task_t task, wool_error_t *error, wool_bytes_t *result) {
  if (error == NULL) {
    wool_task_return(task, msgpack(*result), NULL);
    wool_bytes_free(result);
  } else {
    wool_task_fail_with(task, error, NULL);
    wool_error_free(error);
  }
}

UNARY(nest) {
  BEGIN_UNARY;
  char *callee = NULL;
  wool_bytes_t rest, result = {0};
  wool_error_t *error = read_below(task, arguments, "conf.nest", &callee, &rest);
  if (error != NULL) {
    END_UNARY;
    fail_with(task, error);
    return;
  }
  error = nested_call(task, text(callee), rest, &result);
  free(callee);
  END_UNARY;
  return_as_it_came(task, error, &result);
}

static wool_error_t *nested_fib(wool_task_t task, int64_t n, int64_t *sum) {
  wool_bytes_t result = {0};
  wool_error_t *error = nested_call(task, text("conf.fib"), one_int(n), &result);
  if (error != NULL) return error;
  wool_value_reader_t *reader = NULL;
  int64_t number = 0;
  if (wool_value_reader_new((wool_slice_t){result.ptr, result.len}, &reader, &error) == WOOL_OK) {
    wool_value_reader_int(reader, &number, &error);
  }
  *sum += number;
  wool_value_reader_free(reader);
  wool_bytes_free(&result);
  return error;
}

UNARY(fib) {
  BEGIN_UNARY;
  int64_t n, sum = 0;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "i", &reader, (void *[]){&n});
  wool_value_reader_free(reader);
  if (error != NULL) {
    END_UNARY;
    fail_with(task, error);
    return;
  }
  if (n < 2) {
    END_UNARY;
    return_int(task, n);
    return;
  }
  error = nested_fib(task, n - 1, &sum);
  if (error == NULL) error = nested_fib(task, n - 2, &sum);
  END_UNARY;
  if (error == NULL) {
    return_int(task, sum);
  } else {
    wool_task_fail_with(task, error, NULL);
    wool_error_free(error);
  }
}

static void build_uuid(wool_value_builder_t *builder, const uint8_t *id) {
  static const char digits[] = "0123456789abcdef";
  char written[36], *out = written;
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    *out++ = digits[id[i] >> 4];
    *out++ = digits[id[i] & 15];
  }
  wool_value_builder_string(builder, (wool_slice_t){(const uint8_t *)written, sizeof written}, NULL);
}

static void build_peer(wool_value_builder_t *builder, wool_task_info_t info) {
  wool_value_builder_list(builder, info.peer_count, NULL);
  for (size_t i = 0; i < info.peer_count; i++) wool_value_builder_string(builder, info.peer[i], NULL);
}

/* Adds what is told of a task. */
static void build_task(wool_value_builder_t *builder, wool_task_info_t info) {
  static const uint8_t nobody[16];
  wool_value_builder_map(builder, 7, NULL);
  wool_value_builder_string(builder, text("id"), NULL);
  build_uuid(builder, info.id);
  wool_value_builder_string(builder, text("caller"), NULL);
  if (memcmp(info.caller, nobody, sizeof nobody) == 0) {
    wool_value_builder_null(builder, NULL);
  } else {
    build_uuid(builder, info.caller);
  }
  wool_value_builder_string(builder, text("routine"), NULL);
  wool_value_builder_string(builder, info.routine, NULL);
  wool_value_builder_string(builder, text("tag"), NULL);
  wool_value_builder_string(builder, info.tag, NULL);
  wool_value_builder_string(builder, text("remaining"), NULL);
  if (info.remaining_ms < 0) {
    wool_value_builder_null(builder, NULL);
  } else {
    wool_value_builder_int(builder, info.remaining_ms, NULL);
  }
  wool_value_builder_string(builder, text("worker"), NULL);
  build_uuid(builder, info.worker_uid);
  wool_value_builder_string(builder, text("peer"), NULL);
  build_peer(builder, info);
}

UNARY(tell_task) {
  (void)arguments;
  BEGIN_UNARY;
  wool_value_builder_t *builder = new_builder();
  build_task(builder, *info);
  END_UNARY;
  answer(task, builder, wool_task_return);
}

UNARY(tell_peer) {
  (void)arguments;
  BEGIN_UNARY;
  wool_value_builder_t *builder = new_builder();
  build_peer(builder, *info);
  END_UNARY;
  answer(task, builder, wool_task_return);
}

UNARY(chain) {
  BEGIN_UNARY;
  int64_t depth;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "i", &reader, (void *[]){&depth});
  wool_value_reader_free(reader);
  if (error != NULL) {
    END_UNARY;
    fail_with(task, error);
    return;
  }
  /* `info` was told before the task has waited. */
  wool_task_info_t now = *info;
  wool_bytes_t below = {0};
  size_t count = 0;
  reader = NULL;
  if (depth > 0) {
    error = nested_call(task, text("conf.chain"), one_int(depth - 1), &below);
    if (error == NULL && wool_value_reader_new((wool_slice_t){below.ptr, below.len}, &reader, &error) == WOOL_OK) {
      wool_value_reader_list(reader, &count, &error);
    }
  }
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_list(builder, count + 1, NULL);
  build_task(builder, now);
  for (size_t i = 0; error == NULL && i < count; i++) error = copy_value(reader, builder);
  wool_value_reader_free(reader);
  wool_bytes_free(&below);
  END_UNARY;
  if (error == NULL) {
    answer(task, builder, wool_task_return);
  } else {
    wool_value_builder_free(builder);
    wool_task_fail_with(task, error, NULL);
    wool_error_free(error);
  }
}

wool_status_t register_nested(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routines[] = {
      {"conf.nest", {"depth", "routine", "arguments"}, nest, NULL, NULL, NULL},
      {"conf.fib", {"n"}, fib, NULL, NULL, NULL},
      {"conf.task", {NULL}, tell_task, NULL, NULL, NULL},
      {"conf.peer", {NULL}, tell_peer, NULL, NULL, NULL},
      {"conf.chain", {"depth"}, chain, NULL, NULL, NULL},
  };
  return serve_all(runtime, routines, sizeof routines / sizeof *routines, error);
}

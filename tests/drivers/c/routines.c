#include "routines.h"

#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* The routines about values: a body between two counters. `finished` is counted before the answer leaves, which is the
 * last thing that each does. */

UNARY(echo) {
  BEGIN_UNARY;
  size_t positional, named;
  wool_value_reader_t *reader = NULL;
  wool_value_builder_t *builder = new_builder();
  wool_error_t *error = NULL;
  if (wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, &error) == WOOL_OK) {
    error = copy_value(reader, builder);
  }
  wool_value_reader_free(reader);
  END_UNARY;
  if (error == NULL) {
    answer(task, builder, wool_task_return);
  } else {
    wool_value_builder_free(builder);
    fail_with(task, error);
  }
}

UNARY(add) {
  BEGIN_UNARY;
  int64_t a, b;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "ii", &reader, (void *[]){&a, &b});
  wool_value_reader_free(reader);
  END_UNARY;
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  return_int(task, (int64_t)((uint64_t)a + (uint64_t)b));
}

UNARY(named) {
  BEGIN_UNARY;
  int64_t a, b, scale = 1;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "iiI", &reader, (void *[]){&a, &b, &scale});
  wool_value_reader_free(reader);
  END_UNARY;
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  return_int(task, (a + b) * scale);
}

UNARY(concat) {
  BEGIN_UNARY;
  size_t positional, named, count = 0, length = 0;
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  char *all = NULL;
  if (wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, &error) == WOOL_OK) {
    wool_value_reader_list(reader, &count, &error);
  }
  for (size_t i = 0; error == NULL && i < count; i++) {
    wool_slice_t part;
    if (wool_value_reader_string(reader, &part, &error) != WOOL_OK) break;
    char *longer = allocate(length + part.len);
    if (length > 0) memcpy(longer, all, length);
    if (part.len > 0) memcpy(longer + length, part.ptr, part.len);
    free(all);
    all = longer;
    length += part.len;
  }
  wool_value_reader_free(reader);
  END_UNARY;
  if (error == NULL) {
    wool_value_builder_t *builder = new_builder();
    wool_value_builder_string(builder, (wool_slice_t){(const uint8_t *)all, length}, NULL);
    answer(task, builder, wool_task_return);
  } else {
    fail_with(task, error);
  }
  free(all);
}

UNARY(size) {
  BEGIN_UNARY;
  wool_slice_t bytes;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "b", &reader, (void *[]){&bytes});
  wool_value_reader_free(reader);
  END_UNARY;
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  return_int(task, (int64_t)bytes.len);
}

UNARY(fill_bytes) {
  BEGIN_UNARY;
  int64_t length, seed;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "ii", &reader, (void *[]){&length, &seed});
  wool_value_reader_free(reader);
  END_UNARY;
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  uint8_t *bytes = allocate((size_t)length);
  fill(bytes, (size_t)length, (uint64_t)seed);
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_bytes(builder, (wool_slice_t){bytes, (size_t)length}, NULL);
  answer(task, builder, wool_task_return);
  free(bytes);
}

static const served_t echo_routine = {"conf.echo", {"x"}, echo, NULL, NULL, NULL};

wool_status_t register_echo(wool_runtime_t *runtime, wool_error_t **error) {
  return serve_all(runtime, &echo_routine, 1, error);
}

static wool_status_t register_values(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t direct = {"conf.direct", {"x"}, echo, NULL, NULL, NULL};
  static const served_t routines[] = {
      {"conf.add", {"a", "b"}, add, NULL, NULL, NULL},       {"conf.named", {"a", "b", "scale"}, named, NULL, NULL, NULL},
      {"conf.concat", {"list"}, concat, NULL, NULL, NULL},   {"conf.size", {"bytes"}, size, NULL, NULL, NULL},
      {"conf.fill", {"n", "seed"}, fill_bytes, NULL, NULL, NULL},
  };
  const wool_status_t status = serve_on_io_thread(runtime, &direct, error);
  return status == WOOL_OK ? serve_all(runtime, routines, sizeof routines / sizeof *routines, error) : status;
}

wool_status_t register_routines(wool_runtime_t *runtime, wool_error_t **error) {
  wool_status_t (*const groups[])(wool_runtime_t *, wool_error_t **) = {
      register_echo,     register_values,     register_process_routines,
      register_failures, register_generators, register_waits, register_context,
      register_held,     register_nested,     register_nested_streams,
  };
  wool_status_t status = WOOL_OK;
  for (size_t i = 0; status == WOOL_OK && i < sizeof groups / sizeof *groups; i++) status = groups[i](runtime, error);
  return status;
}

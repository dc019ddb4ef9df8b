/* The standard routines that fail, in all the ways that C has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "own_error.h"
#include "routines.h"

static void conf_inner(wool_task_t task, wool_slice_t type, wool_slice_t message) {
  fail(task, WOOL_ERR_TASK_FAILED, type, message);
}

UNARY(fail_on_demand) {
  BEGIN_UNARY;
  wool_slice_t type, message;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "ss", &reader, (void *[]){&type, &message});
  END_UNARY;
  if (error == NULL) {
    conf_inner(task, type, message);
    wool_value_reader_free(reader);
  } else {
    fail_with(task, error);
  }
}

/* C does not panic: the nearest thing is to say so. */
UNARY(panic) {
  BEGIN_UNARY;
  wool_slice_t message;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "s", &reader, (void *[]){&message});
  END_UNARY;
  if (error == NULL) {
    fail(task, WOOL_ERR_PANIC, text("panic"), message);
    wool_value_reader_free(reader);
  } else {
    fail_with(task, error);
  }
}

UNARY(out_of_stock) {
  BEGIN_UNARY;
  wool_slice_t item;
  int64_t left;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "si", &reader, (void *[]){&item, &left});
  END_UNARY;
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  own_error_t own = new_own_error(item, left);
  wool_task_fail(task, &own.fault, NULL);
  free_own_error(&own);
  wool_value_reader_free(reader);
}

/* An error that has so many causes, named from the outside in. To be freed. */
static wool_error_t *new_causes(int64_t count) {
  wool_error_t *cause = NULL, *error = NULL;
  for (int64_t i = count; i > 0; i--) {
    char message[32];
    snprintf(message, sizeof message, "cause %lld", (long long)i);
    wool_fault_t fault = WOOL_FAULT_INIT;
    fault.type = text("Cause");
    fault.message = text(message);
    fault.cause = cause;
    wool_error_t *outer;
    check("a cause", wool_error_new(&fault, &outer, &error), error);
    wool_error_free(cause);
    cause = outer;
  }
  return cause;
}

UNARY(fail_with_causes) {
  BEGIN_UNARY;
  int64_t count;
  wool_slice_t message;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "is", &reader, (void *[]){&count, &message});
  END_UNARY;
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  wool_error_t *cause = new_causes(count);
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.type = text("Effect");
  fault.message = message;
  fault.cause = cause;
  wool_task_fail(task, &fault, NULL);
  wool_error_free(cause);
  wool_value_reader_free(reader);
}

UNARY(fail_big) {
  BEGIN_UNARY;
  int64_t letters;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "i", &reader, (void *[]){&letters});
  wool_value_reader_free(reader);
  END_UNARY;
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  uint8_t *message = allocate((size_t)letters);
  memset(message, 'x', (size_t)letters);
  fail(task, WOOL_ERR_TASK_FAILED, text("Big"), (wool_slice_t){message, (size_t)letters});
  free(message);
}

/* A byte that begins no value. */
static const wool_payload_t no_value = {{(const uint8_t *)"\xc1", 1}, WOOL_CODEC_MSGPACK};

static void fail_oddly(wool_task_t task, wool_slice_t what) {
  wool_fault_t fault = WOOL_FAULT_INIT;
  wool_error_t *error = NULL;
  if (what.len == 6 && memcmp(what.ptr, "result", 6) == 0) {
    /* The library takes a result's bytes as they are: it is its readers and builders that refuse. */
    wool_value_reader_t *reader = NULL;
    if (wool_value_reader_new(no_value.data, &reader, &error) == WOOL_OK) die("0xc1 is a value", NULL);
    wool_task_fail_with(task, error, NULL);
    wool_error_free(error);
    return;
  }
  if (what.len == 4 && memcmp(what.ptr, "data", 4) == 0) {
    fault.type = text("conf.Odd");
    fault.message = text("odd");
    fault.value = &no_value;
  }
  wool_task_fail(task, &fault, NULL);
}

UNARY(fail_odd) {
  BEGIN_UNARY;
  wool_slice_t what;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "s", &reader, (void *[]){&what});
  END_UNARY;
  if (error == NULL) {
    fail_oddly(task, what);
    wool_value_reader_free(reader);
  } else {
    fail_with(task, error);
  }
}

wool_status_t register_failures(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routines[] = {
      {"conf.fail", {"type", "message"}, fail_on_demand, NULL, NULL, NULL},
      {"conf.panic", {"message"}, panic, NULL, NULL, NULL},
      {"conf.outofstock", {"item", "left"}, out_of_stock, NULL, NULL, NULL},
      {"conf.failcause", {"n", "message"}, fail_with_causes, NULL, NULL, NULL},
      {"conf.failbig", {"n"}, fail_big, NULL, NULL, NULL},
      {"conf.failodd", {"what"}, fail_odd, NULL, NULL, NULL},
  };
  return serve_all(runtime, routines, sizeof routines / sizeof *routines, error);
}

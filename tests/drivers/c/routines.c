#include "routines.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static atomic_llong started, finished, cancelled, cleaned;

void say_counters(void) {
  /* Finished before started, so that the difference is never negative. */
  long long ended = atomic_load(&finished);
  long long begun = atomic_load(&started);
  say("count running=%lld started=%lld finished=%lld cancelled=%lld cleaned=%lld", begun - ended, begun, ended,
      atomic_load(&cancelled), atomic_load(&cleaned));
}

void count_started(void) { atomic_fetch_add(&started, 1); }
void count_finished(void) { atomic_fetch_add(&finished, 1); }

void build_counters(wool_value_builder_t *builder) {
  long long ended = atomic_load(&finished), begun = atomic_load(&started);
  const struct {
    const char *name;
    long long count;
  } counters[] = {{"running", begun - ended},
                  {"started", begun},
                  {"finished", ended},
                  {"cancelled", atomic_load(&cancelled)},
                  {"cleaned", atomic_load(&cleaned)}};
  wool_value_builder_map(builder, sizeof counters / sizeof *counters, NULL);
  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
    wool_value_builder_string(builder, text(counters[i].name), NULL);
    wool_value_builder_int(builder, counters[i].count, NULL);
  }
}

void fail(wool_task_t task, wool_status_t status, wool_slice_t type, wool_slice_t message) {
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = (int32_t)status;
  fault.type = type;
  fault.message = message;
  wool_task_fail(task, &fault, NULL);
}

void fail_with(wool_task_t task, wool_error_t *error) {
  fail(task, WOOL_ERR_TASK_FAILED, text("ArgumentError"), wool_error_message(error));
  wool_error_free(error);
}

void answer(wool_task_t task, wool_value_builder_t *builder,
            wool_status_t (*give)(wool_task_t, wool_payload_t, wool_error_t **)) {
  wool_bytes_t value;
  wool_error_t *error = NULL;
  if (wool_value_builder_finish(builder, &value, &error) == WOOL_OK) {
    give(task, msgpack(value), NULL);
    wool_bytes_free(&value);
  } else {
    fail_with(task, error);
  }
  wool_value_builder_free(builder);
}

wool_value_builder_t *new_builder(void) {
  wool_value_builder_t *builder = NULL;
  wool_error_t *error = NULL;
  check("a builder", wool_value_builder_new(&builder, &error), error);
  return builder;
}

/* Reads arguments by a format of one letter each: i int64_t, s wool_slice_t, b wool_slice_t of bytes; I is an int that
 * may be left out, and then what it was before. NULL or why not; on success `*reader` keeps what the slices point at. */
static wool_error_t *read_formatted(wool_task_t task, wool_payload_t arguments, const char *format,
                                    wool_value_reader_t **reader, void **out) {
  size_t needed = strcspn(format, "I"), wanted = strlen(format);
  wool_error_t *error = NULL;
  *reader = NULL;
  if (wool_value_reader_new_bound(task, arguments, needed, reader, &error) != WOOL_OK) return error;
  for (size_t i = 0; error == NULL && i < wanted; i++) {
    int32_t absent = 0;
    switch (format[i]) {
      case 'I':
        wool_value_reader_null(*reader, &absent, &error);
        if (!absent) wool_value_reader_int(*reader, out[i], &error);
        break;
      case 'i': wool_value_reader_int(*reader, out[i], &error); break;
      case 's': wool_value_reader_string(*reader, out[i], &error); break;
      default: wool_value_reader_bytes(*reader, out[i], &error); break;
    }
  }
  if (error != NULL) {
    wool_value_reader_free(*reader);
    *reader = NULL;
  }
  return error;
}

/* Unary routines: a body between two counters. `finished` is counted before the answer leaves, which is the last thing
 * that each does. */

#define UNARY(name)                                                                                          \
  static void name(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments)

#define BEGIN_UNARY \
  (void)user_data;  \
  (void)info;       \
  atomic_fetch_add(&started, 1)

#define END_UNARY atomic_fetch_add(&finished, 1)

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
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_int(builder, (int64_t)((uint64_t)a + (uint64_t)b), NULL);
  answer(task, builder, wool_task_return);
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
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_int(builder, (a + b) * scale, NULL);
  answer(task, builder, wool_task_return);
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
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_int(builder, (int64_t)bytes.len, NULL);
  answer(task, builder, wool_task_return);
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

/* conf.wait and conf.gate: `run` only begins, the cancel answers. They may race, so whoever is first does it. */

static void end_wait(wool_task_t task, atomic_int *over) {
  if (atomic_exchange(over, 1) != 0) return;
  atomic_fetch_add(&cancelled, 1);
  atomic_fetch_add(&finished, 1);
  fail(task, WOOL_ERR_CANCELLED, text(""), text("the task was cancelled"));
}

UNARY(begin_wait) {
  (void)arguments;
  BEGIN_UNARY;
  atomic_int *over = allocate(sizeof *over);
  atomic_init(over, 0);
  /* Refused: the task is over, and so is the memory. */
  if (wool_task_set_state(task, over, free, NULL) != WOOL_OK) {
    END_UNARY;
  } else if (wool_task_is_cancelled(task)) {
    end_wait(task, over);
  }
}

static void cancel_wait(void *user_data, wool_task_t task, void *state) {
  (void)user_data;
  /* Without a state `run` is still under way, and sees the cancel itself. */
  if (state != NULL) end_wait(task, state);
}

/* Streams: the state is the generator's frame. */

enum { IDLE, BEGUN, OVER };

typedef struct {
  int64_t next;
  int64_t count; /* -1 = endless */
  char *message; /* of the failure at the end, or NULL */
  atomic_int phase;
} generator_t;

static void free_generator(void *state) {
  generator_t *generator = state;
  free(generator->message);
  free(generator);
}

static void new_generator(wool_task_t task, int64_t count, char *message) {
  generator_t *generator = allocate(sizeof *generator);
  generator->next = 0;
  generator->count = count;
  generator->message = message;
  atomic_init(&generator->phase, IDLE);
  wool_task_set_state(task, generator, free_generator, NULL);
}

/* The clean-up; it runs once, however the stream ends, and not for a body that never began. */
static void clean_up(generator_t *generator) {
  if (atomic_exchange(&generator->phase, OVER) != BEGUN) return;
  atomic_fetch_add(&cleaned, 1);
  atomic_fetch_add(&finished, 1);
}

static void count(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data;
  (void)info;
  int64_t items;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "i", &reader, (void *[]){&items});
  wool_value_reader_free(reader);
  if (error == NULL) {
    new_generator(task, items, NULL);
  } else {
    fail_with(task, error);
  }
}

static void fail_after(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data;
  (void)info;
  int64_t items;
  wool_slice_t message;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "is", &reader, (void *[]){&items, &message});
  if (error == NULL) {
    new_generator(task, items, copy_text((const char *)message.ptr, message.len));
    wool_value_reader_free(reader);
  } else {
    fail_with(task, error);
  }
}

static void endless(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data;
  (void)info;
  (void)arguments;
  new_generator(task, -1, NULL);
}

static void step(void *user_data, wool_task_t task, void *state, int32_t asked) {
  (void)user_data;
  generator_t *generator = state;
  /* The task was over before it had a state. */
  if (generator == NULL) return;
  if (asked == WOOL_STEP_CLOSE) {
    clean_up(generator);
    wool_task_end(task, NULL);
    return;
  }
  int phase = IDLE;
  if (atomic_compare_exchange_strong(&generator->phase, &phase, BEGUN)) {
    atomic_fetch_add(&started, 1);
  } else if (phase == OVER) {
    return;
  }
  if (generator->next == generator->count) {
    clean_up(generator);
    if (generator->message == NULL) {
      wool_task_end(task, NULL);
    } else {
      fail(task, WOOL_ERR_TASK_FAILED, text("StreamError"), text(generator->message));
    }
    return;
  }
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_int(builder, generator->next++, NULL);
  answer(task, builder, wool_task_yield);
}

static void cancel_stream(void *user_data, wool_task_t task, void *state) {
  (void)user_data;
  if (state != NULL) clean_up(state);
  fail(task, WOOL_ERR_CANCELLED, text(""), text("the task was cancelled"));
}

enum { MOST_PARAMETERS = 3 };

typedef struct {
  const char *name;
  const char *parameters[MOST_PARAMETERS];
  wool_run_fn run;
  wool_step_fn step;
  wool_cancel_fn cancel;
} served_t;

static wool_status_t serve(wool_runtime_t *runtime, const served_t *routine, wool_error_t **error) {
  wool_slice_t parameters[MOST_PARAMETERS];
  size_t count = 0;
  while (count < MOST_PARAMETERS && routine->parameters[count] != NULL) {
    parameters[count] = text(routine->parameters[count]);
    count++;
  }
  wool_routine_options_t options = WOOL_ROUTINE_OPTIONS_INIT;
  options.name = text(routine->name);
  options.kind = routine->step == NULL ? WOOL_ROUTINE_UNARY : WOOL_ROUTINE_STREAM;
  options.parameters = parameters;
  options.parameter_count = count;
  options.run = routine->run;
  options.step = routine->step;
  options.cancel = routine->cancel;
  return wool_routine_register(runtime, &options, error);
}

wool_status_t register_echo(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routine = {"conf.echo", {"x"}, echo, NULL, NULL};
  return serve(runtime, &routine, error);
}

wool_status_t register_routines(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routines[] = {
      {"conf.add", {"a", "b"}, add, NULL, NULL},
      {"conf.named", {"a", "b", "scale"}, named, NULL, NULL},
      {"conf.concat", {"list"}, concat, NULL, NULL},
      {"conf.size", {"bytes"}, size, NULL, NULL},
      {"conf.fill", {"n", "seed"}, fill_bytes, NULL, NULL},
      {"conf.fail", {"type", "message"}, fail_on_demand, NULL, NULL},
      {"conf.panic", {"message"}, panic, NULL, NULL},
      {"conf.wait", {NULL}, begin_wait, NULL, cancel_wait},
      {"conf.gate", {NULL}, begin_wait, NULL, cancel_wait},
      {"conf.count", {"n"}, count, step, cancel_stream},
      {"conf.failafter", {"n", "message"}, fail_after, step, cancel_stream},
      {"conf.endless", {NULL}, endless, step, cancel_stream},
  };
  wool_status_t status = register_echo(runtime, error);
  if (status == WOOL_OK) status = register_process_routines(runtime, error);
  for (size_t i = 0; status == WOOL_OK && i < sizeof routines / sizeof *routines; i++) {
    status = serve(runtime, &routines[i], error);
  }
  return status;
}

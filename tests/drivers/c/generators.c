/* The standard routines that are streams. A generator's frame is the state of its task. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "routines.h"

enum { NOT_BEGUN, BEGUN, STALLED, OVER };

typedef struct {
  int64_t next;  /* what it yields next */
  int64_t end;   /* where it stops, or -1 */
  char *message; /* of the failure at its end or in its clean-up, or NULL */
  atomic_int phase;
} generator_t;

/* What one routine does differently from the others; the user_data of its callbacks. */
typedef struct behaviour {
  /* Its arguments, as read_formatted has them: a number, a message, both or none. */
  const char *format;
  int counts_cleaned, counts_yielded;
  /* Goes on from its yield, which has given it `sent`: answers the step, or leaves it. */
  void (*resume)(const struct behaviour *behaviour, wool_task_t task, generator_t *generator, wool_payload_t sent);
  /* Whether it catches what was thrown at its yield. NULL = it does not. */
  int (*catch)(generator_t *generator, const wool_error_t *thrown);
  /* Answers what comes after its last item. NULL = by the end. */
  void (*end)(wool_task_t task, generator_t *generator);
  /* Answers the close of one that had begun and has been cleaned up. NULL = by the end. */
  void (*close)(wool_task_t task, generator_t *generator);
} behaviour_t;

static void free_generator(void *state) {
  generator_t *generator = state;
  free(generator->message);
  free(generator);
}

/* The clean-up; it runs once, however the stream ends, and not for a body that never began. Returns the phase that it
 * ended. */
static int clean_up(const behaviour_t *behaviour, generator_t *generator) {
  int phase = atomic_exchange(&generator->phase, OVER);
  if (phase == BEGUN || phase == STALLED) {
    if (behaviour->counts_cleaned) count_cleaned();
    count_finished();
  }
  return phase;
}

static void yield(const behaviour_t *behaviour, wool_task_t task, int64_t item) {
  if (behaviour->counts_yielded) count_yielded();
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_int(builder, item, NULL);
  answer(task, builder, wool_task_yield);
}

static void fail_stream(wool_task_t task, generator_t *generator) {
  fail(task, WOOL_ERR_TASK_FAILED, text("StreamError"), text(generator->message));
}

static void panic_stream(wool_task_t task, generator_t *generator) {
  fail(task, WOOL_ERR_PANIC, text("panic"), text(generator->message));
}

static void begin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)info;
  const behaviour_t *behaviour = user_data;
  int64_t number = -1;
  wool_slice_t message = text("");
  void *out[2] = {NULL, NULL};
  for (size_t i = 0; behaviour->format[i] != '\0'; i++) {
    out[i] = behaviour->format[i] == 's' ? (void *)&message : (void *)&number;
  }
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, behaviour->format, &reader, out);
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  generator_t *generator = allocate(sizeof *generator);
  generator->next = 0;
  generator->end = number;
  generator->message = strchr(behaviour->format, 's') == NULL ? NULL : copy_text((const char *)message.ptr, message.len);
  atomic_init(&generator->phase, NOT_BEGUN);
  wool_value_reader_free(reader);
  wool_task_set_state(task, generator, free_generator, NULL);
}

static void close_generator(const behaviour_t *behaviour, wool_task_t task, generator_t *generator) {
  if (clean_up(behaviour, generator) == BEGUN && behaviour->close != NULL) {
    behaviour->close(task, generator);
  } else {
    wool_task_end(task, NULL);
  }
}

static void step(void *user_data, wool_task_t task, void *state, int32_t asked, wool_payload_t sent,
                 const wool_error_t *thrown) {
  const behaviour_t *behaviour = user_data;
  generator_t *generator = state;
  /* The task was over before it had a state. */
  if (generator == NULL) return;
  if (asked == WOOL_STEP_CLOSE) {
    close_generator(behaviour, task, generator);
    return;
  }
  int phase = NOT_BEGUN;
  if (atomic_compare_exchange_strong(&generator->phase, &phase, BEGUN)) {
    count_started();
  } else if (phase == OVER) {
    return;
  }
  if (thrown != NULL && (behaviour->catch == NULL || !behaviour->catch(generator, thrown))) {
    clean_up(behaviour, generator);
    wool_task_fail_with(task, thrown, NULL);
  } else {
    behaviour->resume(behaviour, task, generator, sent);
  }
}

static void cancel(void *user_data, wool_task_t task, void *state) {
  const behaviour_t *behaviour = user_data;
  if (state != NULL && clean_up(behaviour, state) == STALLED) count_cancelled();
  fail(task, WOOL_ERR_CANCELLED, text(""), text("the task was cancelled"));
}

static void resume_count(const behaviour_t *behaviour, wool_task_t task, generator_t *generator, wool_payload_t sent) {
  (void)sent;
  if (generator->next != generator->end) {
    yield(behaviour, task, generator->next++);
    return;
  }
  clean_up(behaviour, generator);
  if (behaviour->end == NULL) {
    wool_task_end(task, NULL);
  } else {
    behaviour->end(task, generator);
  }
}

/* Of conf.stubborn. */
static void yield_once_more(wool_task_t task, generator_t *generator) {
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_int(builder, generator->next, NULL);
  answer(task, builder, wool_task_yield);
}

/* Of conf.stall: what comes after its item is answered by its cancel. */
static void resume_stall(const behaviour_t *behaviour, wool_task_t task, generator_t *generator, wool_payload_t sent) {
  (void)sent;
  int phase = BEGUN;
  if (generator->next == 0) {
    yield(behaviour, task, generator->next++);
  } else {
    atomic_compare_exchange_strong(&generator->phase, &phase, STALLED);
  }
}

/* Of conf.mirror. */
static void resume_mirror(const behaviour_t *behaviour, wool_task_t task, generator_t *generator, wool_payload_t sent) {
  (void)behaviour, (void)generator;
  static const wool_payload_t null = {{(const uint8_t *)"\xc0", 1}, WOOL_CODEC_MSGPACK};
  wool_task_yield(task, sent.data.len > 0 ? sent : null, NULL);
}

/* Of conf.accumulate, where `end` is the total. */
static void resume_accumulate(const behaviour_t *behaviour, wool_task_t task, generator_t *generator,
                              wool_payload_t sent) {
  int64_t number = 0;
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  if (sent.data.len > 0 && wool_value_reader_new(sent.data, &reader, &error) == WOOL_OK) {
    wool_value_reader_int(reader, &number, &error);
  }
  wool_value_reader_free(reader);
  generator->end += number;
  if (error == NULL && generator->end >= 0) {
    yield(behaviour, task, generator->end);
    return;
  }
  clean_up(behaviour, generator);
  if (error == NULL) {
    wool_task_end(task, NULL);
  } else {
    fail_with(task, error);
  }
}

static int catch_reset(generator_t *generator, const wool_error_t *thrown) {
  wool_slice_t type = wool_error_type(thrown);
  const char reset[] = "conf.Reset";
  if (type.len != sizeof reset - 1 || memcmp(type.ptr, reset, type.len) != 0) return 0;
  generator->end = 0;
  return 1;
}

wool_status_t register_generators(wool_runtime_t *runtime, wool_error_t **error) {
  static behaviour_t count = {"i", 1, 1, resume_count, NULL, NULL, NULL};
  static behaviour_t fail_after = {"is", 1, 0, resume_count, NULL, fail_stream, NULL};
  static behaviour_t panic_after = {"is", 1, 0, resume_count, NULL, panic_stream, NULL};
  static behaviour_t endless = {"", 1, 1, resume_count, NULL, NULL, NULL};
  static behaviour_t mirror = {"", 1, 0, resume_mirror, NULL, NULL, NULL};
  static behaviour_t accumulate = {"i", 1, 0, resume_accumulate, catch_reset, NULL, NULL};
  static behaviour_t stubborn = {"", 0, 0, resume_count, NULL, NULL, yield_once_more};
  static behaviour_t fail_clean = {"s", 1, 0, resume_count, NULL, NULL, fail_stream};
  static behaviour_t stall = {"", 0, 0, resume_stall, NULL, NULL, NULL};
  static const served_t direct = {"conf.directcount", {"n"}, begin, step, cancel, &count};
  static const served_t routines[] = {
      {"conf.count", {"n"}, begin, step, cancel, &count},
      {"conf.failafter", {"n", "message"}, begin, step, cancel, &fail_after},
      {"conf.panicafter", {"n", "message"}, begin, step, cancel, &panic_after},
      {"conf.endless", {NULL}, begin, step, cancel, &endless},
      {"conf.mirror", {NULL}, begin, step, cancel, &mirror},
      {"conf.accumulate", {"total"}, begin, step, cancel, &accumulate},
      {"conf.stubborn", {NULL}, begin, step, cancel, &stubborn},
      {"conf.failclean", {"message"}, begin, step, cancel, &fail_clean},
      {"conf.stall", {NULL}, begin, step, cancel, &stall},
  };
  const wool_status_t status = serve_on_io_thread(runtime, &direct, error);
  return status == WOOL_OK ? serve_all(runtime, routines, sizeof routines / sizeof *routines, error) : status;
}

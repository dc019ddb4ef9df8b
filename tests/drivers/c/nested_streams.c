/* The standard routines that are streams over streams of their caller's pool, by the blocking functions. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "nested.h"
#include "routines.h"

/* At its yield, at a step, or done with. A cancel ends the body only at its yield: a step that is under way hears of it by
 * the end of what it waits for. */
enum { AT_YIELD, AT_STEP, OVER };

typedef struct {
  char *routine; /* what it calls */
  wool_bytes_t arguments[2];
  size_t calls, called;
  int64_t leaf; /* what a stream without calls yields, once */
  wool_stream_t inner;
  int begun;
  atomic_int phase;
} nesting_t;

static void free_nesting(void *state) {
  nesting_t *nesting = state;
  for (size_t i = nesting->called; i < nesting->calls; i++) wool_bytes_free(&nesting->arguments[i]);
  free(nesting->routine);
  free(nesting);
}

static void leave_state(wool_task_t task, nesting_t nesting) {
  nesting_t *state = allocate(sizeof *state);
  *state = nesting;
  atomic_init(&state->phase, AT_YIELD);
  wool_task_set_state(task, state, free_nesting, NULL);
}

static void begin_nest(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  nesting_t nesting = {.calls = 1};
  wool_error_t *error = read_below(task, arguments, "conf.neststream", &nesting.routine, &nesting.arguments[0]);
  if (error == NULL) {
    leave_state(task, nesting);
  } else {
    fail_with(task, error);
  }
}

static void begin_fibs(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  nesting_t nesting = {.calls = 0};
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "i", &reader, (void *[]){&nesting.leaf});
  wool_value_reader_free(reader);
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  nesting.routine = copy_text("conf.fibs", strlen("conf.fibs"));
  if (nesting.leaf >= 2) {
    nesting.calls = 2;
    nesting.arguments[0] = one_int(nesting.leaf - 1);
    nesting.arguments[1] = one_int(nesting.leaf - 2);
  }
  leave_state(task, nesting);
}

static void clean_up(nesting_t *nesting) {
  atomic_store(&nesting->phase, OVER);
  if (!nesting->begun) return;
  count_cleaned();
  count_finished();
}

/* The next item of the streams below: WOOL_OK, WOOL_END or an error. */
static wool_status_t pull(wool_task_t task, nesting_t *nesting, wool_bytes_t *item, wool_error_t **error) {
  for (;;) {
    if (nesting->inner == 0) {
      if (nesting->called == nesting->calls) return WOOL_END;
      *error = nested_open(task, text(nesting->routine), nesting->arguments[nesting->called++], &nesting->inner);
      if (*error != NULL) return WOOL_ERR_TASK_FAILED;
    }
    wool_status_t status = wool_stream_wait(nesting->inner, -1, item, NULL, error);
    if (status == WOOL_OK) return status;
    nesting->inner = 0;
    if (status != WOOL_END) return status;
  }
}

/* True: the body has come to its end. */
static int resume(wool_task_t task, nesting_t *nesting) {
  wool_error_t *error = NULL;
  if (nesting->calls == 0 && nesting->called == 0) {
    wool_value_builder_t *builder = new_builder();
    wool_value_builder_int(builder, nesting->leaf, NULL);
    /* There are no calls left, either. */
    nesting->calls = nesting->called = 1;
    answer(task, builder, wool_task_yield);
    return 0;
  }
  wool_bytes_t item = {0};
  wool_status_t status = pull(task, nesting, &item, &error);
  if (status == WOOL_OK) {
    wool_task_yield(task, msgpack(item), NULL);
    wool_bytes_free(&item);
    return 0;
  }
  clean_up(nesting);
  if (status == WOOL_END) {
    wool_task_end(task, NULL);
  } else {
    wool_task_fail_with(task, error, NULL);
    wool_error_free(error);
  }
  return 1;
}

static void close_nesting(wool_task_t task, nesting_t *nesting) {
  wool_status_t status = WOOL_END;
  wool_error_t *error = NULL;
  if (nesting->inner != 0) {
    wool_bytes_t item = {0};
    wool_stream_close(nesting->inner, NULL);
    while ((status = wool_stream_wait(nesting->inner, -1, &item, NULL, &error)) == WOOL_OK) wool_bytes_free(&item);
    nesting->inner = 0;
  }
  clean_up(nesting);
  if (error == NULL) {
    wool_task_end(task, NULL);
  } else {
    wool_task_fail_with(task, error, NULL);
    wool_error_free(error);
  }
}

static void end_cancelled(wool_task_t task, nesting_t *nesting) {
  if (nesting->inner != 0) wool_stream_cancel(nesting->inner);
  nesting->inner = 0;
  clean_up(nesting);
  fail(task, WOOL_ERR_CANCELLED, text(""), text("the task was cancelled"));
}

static void step(void *user_data, wool_task_t task, void *state, int32_t asked, wool_payload_t sent,
                 const wool_error_t *thrown) {
  (void)user_data, (void)sent;
  nesting_t *nesting = state;
  int phase = AT_YIELD;
  /* The task was over before it had a state, or has been cancelled. */
  if (nesting == NULL || !atomic_compare_exchange_strong(&nesting->phase, &phase, AT_STEP)) return;
  if (asked == WOOL_STEP_CLOSE) {
    close_nesting(task, nesting);
    return;
  }
  if (!nesting->begun) count_started();
  nesting->begun = 1;
  if (thrown != NULL) {
    if (nesting->inner != 0) wool_stream_cancel(nesting->inner);
    clean_up(nesting);
    wool_task_fail_with(task, thrown, NULL);
    return;
  }
  if (resume(task, nesting)) return;
  atomic_store(&nesting->phase, AT_YIELD);
  phase = AT_YIELD;
  /* A cancel that came during the step has left this to it. */
  if (wool_task_is_cancelled(task) && atomic_compare_exchange_strong(&nesting->phase, &phase, OVER)) {
    end_cancelled(task, nesting);
  }
}

static void cancel(void *user_data, wool_task_t task, void *state) {
  (void)user_data;
  nesting_t *nesting = state;
  int phase = AT_YIELD;
  if (nesting == NULL) {
    fail(task, WOOL_ERR_CANCELLED, text(""), text("the task was cancelled"));
  } else if (atomic_compare_exchange_strong(&nesting->phase, &phase, OVER)) {
    end_cancelled(task, nesting);
  }
}

wool_status_t register_nested_streams(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routines[] = {
      {"conf.neststream", {"depth", "routine", "arguments"}, begin_nest, step, cancel, NULL},
      {"conf.fibs", {"n"}, begin_fibs, step, cancel, NULL},
  };
  return serve_all(runtime, routines, sizeof routines / sizeof *routines, error);
}

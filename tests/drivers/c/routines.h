/* The standard routines, by callbacks, and the counters they keep. */
#ifndef ROUTINES_H
#define ROUTINES_H

#include "wool.h"

/* Every standard routine. */
wool_status_t register_routines(wool_runtime_t *runtime, wool_error_t **error);
/* conf.echo, by itself because one scenario registers it twice. */
wool_status_t register_echo(wool_runtime_t *runtime, wool_error_t **error);
/* The answer to `count`. */
void say_counters(void);
/* Lets all go that block now, or will: the process ends. */
void release_for_good(void);

/* For the files that hold routines. */

wool_status_t register_process_routines(wool_runtime_t *runtime, wool_error_t **error);
wool_status_t register_failures(wool_runtime_t *runtime, wool_error_t **error);
wool_status_t register_generators(wool_runtime_t *runtime, wool_error_t **error);
wool_status_t register_waits(wool_runtime_t *runtime, wool_error_t **error);
wool_status_t register_context(wool_runtime_t *runtime, wool_error_t **error);
wool_status_t register_held(wool_runtime_t *runtime, wool_error_t **error);
wool_status_t register_nested(wool_runtime_t *runtime, wool_error_t **error);
wool_status_t register_nested_streams(wool_runtime_t *runtime, wool_error_t **error);

enum { MOST_PARAMETERS = 4 };

typedef struct {
  const char *name;
  const char *parameters[MOST_PARAMETERS];
  wool_run_fn run;
  wool_step_fn step;
  wool_cancel_fn cancel;
  void *user_data;
} served_t;

wool_status_t serve_all(wool_runtime_t *runtime, const served_t *routines, size_t count, wool_error_t **error);
wool_status_t serve_on_io_thread(wool_runtime_t *runtime, const served_t *routine, wool_error_t **error);

#define UNARY(name)                                                                                          \
  static void name(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments)

#define BEGIN_UNARY \
  (void)user_data;  \
  (void)info;       \
  count_started()

#define END_UNARY count_finished()

/* What the counters of PROTOCOL.md count. */
void count_started(void);
void count_finished(void);
void count_cancelled(void);
void count_cleaned(void);
void count_yielded(void);
/* Adds the counters as a map. */
void build_counters(wool_value_builder_t *builder);

/* Waits until conf.unblock, as conf.block does, uncounted. */
void hold(void);

/* Answers. Each is refused when the caller has left and the task was answered by its cancel, which is fine. */
void fail(wool_task_t task, wool_status_t status, wool_slice_t type, wool_slice_t message);
/* Fails with what a reader or builder found, and frees that. */
void fail_with(wool_task_t task, wool_error_t *error);
/* Returns or yields a finished builder's value, and frees the builder. */
void answer(wool_task_t task, wool_value_builder_t *builder,
            wool_status_t (*give)(wool_task_t, wool_payload_t, wool_error_t **));
void return_null(wool_task_t task);
void return_int(wool_task_t task, int64_t number);

/* Reads arguments by a format of one letter each: i int64_t, s wool_slice_t, b wool_slice_t of bytes; I is an int that
 * may be left out, and then what it was before. NULL or why not; on success `*reader` keeps what the slices point at. */
wool_error_t *read_formatted(wool_task_t task, wool_payload_t arguments, const char *format,
                             wool_value_reader_t **reader, void **out);

#endif

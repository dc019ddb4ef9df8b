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

/* For the files that hold routines. */

/* Of conf.pid, conf.exit, conf.counters and conf.relay. */
wool_status_t register_process_routines(wool_runtime_t *runtime, wool_error_t **error);

/* A body begins, and ends. `finished` is counted before the answer leaves. */
void count_started(void);
void count_finished(void);
/* Adds the counters as a map. */
void build_counters(wool_value_builder_t *builder);

/* Answers. Each is refused when the caller has left and the task was answered by its cancel, which is fine. */
void fail(wool_task_t task, wool_status_t status, wool_slice_t type, wool_slice_t message);
/* Fails with what a reader or builder found, and frees that. */
void fail_with(wool_task_t task, wool_error_t *error);
/* Returns or yields a finished builder's value, and frees the builder. */
void answer(wool_task_t task, wool_value_builder_t *builder,
            wool_status_t (*give)(wool_task_t, wool_payload_t, wool_error_t **));
wool_value_builder_t *new_builder(void);

#endif

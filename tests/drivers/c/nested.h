/* Calls that tasks make. */
#ifndef NESTED_H
#define NESTED_H

#include "driver.h"

/* Calls a routine at the pool of the task's caller, as a part of the task, and waits; frees the arguments. NULL, or why it
 * failed. */
wool_error_t *nested_call(wool_task_t task, wool_slice_t routine, wool_bytes_t arguments, wool_bytes_t *result);
/* The same of a stream, to be waited for by wool_stream_wait. */
wool_error_t *nested_open(wool_task_t task, wool_slice_t routine, wool_bytes_t arguments, wool_stream_t *stream);
/* Reads `depth, routine, arguments` and turns them into the call that follows from them: of `own`, or at depth 0 of the
 * routine. NULL or why they are none; on success `*callee` and `*rest` are to be freed. */
wool_error_t *read_below(wool_task_t task, wool_payload_t arguments, const char *own, char **callee, wool_bytes_t *rest);
/* The arguments of a call that are one int. */
wool_bytes_t one_int(int64_t number);

#endif

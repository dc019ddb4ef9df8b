/* What the demo's C worker and C caller share. */
#ifndef DEMO_H
#define DEMO_H

#include <stdint.h>

#include "wool.h"

/* Serves until the pool that started this process says stop, or has gone. The exit status. */
int serve(void);

/* Measures so many calls to the workers found in a namespace. The exit status. */
int measure(const char *name_space, long calls);

/* A terminated string, borrowed. */
wool_slice_t text(const char *string);

/* Encoded bytes as a payload, borrowed. */
wool_payload_t payload(const wool_bytes_t *bytes);

/* Whether it worked; otherwise says on standard error what failed and why, and frees `error`. */
int ok(wool_status_t status, const char *what, wool_error_t *error);

/* Reads the arguments of a call that takes one int. */
wool_status_t read_int_argument(wool_payload_t arguments, int64_t *number, wool_error_t **error);

/* Encodes an int as a value; on success `*out` belongs to the caller. */
wool_status_t encode_int(int64_t number, wool_bytes_t *out, wool_error_t **error);

#endif

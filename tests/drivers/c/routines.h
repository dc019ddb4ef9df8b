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

#endif

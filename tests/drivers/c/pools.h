/* Pools and workers by the options of PROTOCOL.md. */
#ifndef POOLS_H
#define POOLS_H

#include "driver.h"

/* A pool with the options of `driver caller`. */
wool_status_t open_pool(wool_runtime_t *runtime, const options_t *options, wool_pool_t **pool, wool_error_t **error);
/* A worker with the options of `driver worker`. The standard routines have been registered. */
wool_status_t start_worker(wool_runtime_t *runtime, const options_t *options, wool_worker_t **worker,
                           wool_error_t **error);

/* The hook of `admit=tags`. */
void admit_by_tag(void *user_data, wool_admission_t admission, const wool_admission_info_t *info);

#endif

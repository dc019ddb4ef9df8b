/* Pools, workers and discoveries by the options of PROTOCOL.md. */
#ifndef POOLS_H
#define POOLS_H

#include "driver.h"

/* A pool with the options of `driver caller`. */
wool_status_t open_pool(wool_runtime_t *runtime, const options_t *options, wool_pool_t **pool, wool_error_t **error);
/* A worker with the options of `driver worker`. The standard routines have been registered. */
wool_status_t start_worker(wool_runtime_t *runtime, const options_t *options, wool_worker_t **worker,
                           wool_error_t **error);

/* Runs a worker program with the grace of `run=`, and the options of `driver worker`: serves until a signal ends it. */
wool_status_t run_worker_program(wool_runtime_t *runtime, const options_t *options, wool_worker_started_fn started,
                                 void *user_data, wool_error_t **error);

/* The discovery of the options, a local one under the key `local`; NULL when there is none. To be freed. */
wool_status_t given_discovery(const options_t *options, const char *local, wool_discovery_t **discovery,
                              wool_error_t **error);
/* The driver's own, which `custom=DIRECTORY` asks for. */
wool_status_t discovery_in_directory(const char *directory, wool_discovery_t **discovery, wool_error_t **error);
/* The balancer of the options. */
void choose_balancer(const options_t *options, wool_pool_options_t *settings);

/* The check of `peer_check=`, if there is one. */
void choose_peer_check(const options_t *options, wool_pool_options_t *settings);

/* The hook of `admit=tags`. */
void admit_by_tag(void *user_data, wool_admission_t admission, const wool_admission_info_t *info);

#endif

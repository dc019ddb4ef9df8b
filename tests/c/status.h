/* What wool_pool_status tells, as far as the tests look at it. */
#ifndef STATUS_H
#define STATUS_H

#include <sched.h>

#include "check.h"

enum { MOST_LISTED = 256 };

typedef struct {
  char uid[40], address[128], origin[16], state[16], language[16], tag[32]; /* the first tag */
  char problem[256];
  int64_t pid, capacity, in_flight;
  int routines, has_add, has_count; /* test.add, unary; test.count, a stream */
} worker_status_t;

typedef struct {
  int64_t slot, pid, restarts;
  char uid[40], state[16];
} process_status_t;

typedef struct {
  int workers, processes, turned_away, problems;
  worker_status_t worker[MOST_LISTED];
  process_status_t process[MOST_LISTED];
  char reason[32], message[256];          /* of the last that was turned away */
  int64_t counted;                        /* how often records were turned away, for any reason */
  char problem_kind[32], problem[8192];   /* the last */
  int64_t waiting;
  int quorum_reached;
} pool_status_t;

/* Valid until the next one. */
const pool_status_t *status_of(const wool_pool_t *pool);

/* The pool knows a worker that it has no session with, and its problem has these words. */
int has_trouble(const wool_pool_t *pool, const char *words);

/* Waits for something that the status tells; the watchdog ends a test that waits for ever. */
#define UNTIL(condition) \
  while (!(condition)) sched_yield()

#endif

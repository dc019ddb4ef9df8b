/* The standard routines that wait: until they are cancelled, or until conf.unblock. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "driver.h"
#include "routines.h"

/* conf.wait and conf.gate: `run` only begins, the cancel answers. They may race, so whoever is first does it. */

static void end_wait(wool_task_t task, atomic_int *over) {
  if (atomic_exchange(over, 1) != 0) return;
  count_cancelled();
  count_finished();
  fail(task, WOOL_ERR_CANCELLED, text(""), text("the task was cancelled"));
}

UNARY(begin_wait) {
  (void)arguments;
  BEGIN_UNARY;
  atomic_int *over = allocate(sizeof *over);
  atomic_init(over, 0);
  /* Refused: the task is over, and so is the memory. */
  if (wool_task_set_state(task, over, free, NULL) != WOOL_OK) {
    END_UNARY;
  } else if (wool_task_is_cancelled(task)) {
    end_wait(task, over);
  }
}

static void cancel_wait(void *user_data, wool_task_t task, void *state) {
  (void)user_data;
  /* Without a state `run` is still under way, and sees the cancel itself. */
  if (state != NULL) end_wait(task, state);
}

/* Who blocks waits for the round to change. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  long long round;
  int64_t blocked; /* of conf.block, in this round */
  int ending;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};

/* Waits for the end of this round; `counted` adds to it. */
static void wait_for_round(int64_t counted) {
  pthread_mutex_lock(&gate.lock);
  gate.blocked += counted;
  for (long long round = gate.round; round == gate.round && !gate.ending;) {
    pthread_cond_wait(&gate.changed, &gate.lock);
  }
  pthread_mutex_unlock(&gate.lock);
}

void hold(void) { wait_for_round(0); }

static int64_t release(int for_good) {
  pthread_mutex_lock(&gate.lock);
  int64_t released = gate.blocked;
  gate.blocked = 0;
  gate.round++;
  gate.ending |= for_good;
  pthread_cond_broadcast(&gate.changed);
  pthread_mutex_unlock(&gate.lock);
  return released;
}

void release_for_good(void) { release(1); }

UNARY(block) {
  (void)arguments;
  BEGIN_UNARY;
  wait_for_round(1);
  END_UNARY;
  return_null(task);
}

UNARY(unblock) {
  (void)arguments;
  BEGIN_UNARY;
  int64_t released = release(0);
  END_UNARY;
  return_int(task, released);
}

wool_status_t register_waits(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routines[] = {
      {"conf.wait", {NULL}, begin_wait, NULL, cancel_wait, NULL},
      {"conf.gate", {NULL}, begin_wait, NULL, cancel_wait, NULL},
      {"conf.block", {NULL}, block, NULL, NULL, NULL},
      {"conf.unblock", {NULL}, unblock, NULL, NULL, NULL},
  };
  return serve_all(runtime, routines, sizeof routines / sizeof *routines, error);
}

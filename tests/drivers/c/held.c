/* conf.hold and conf.letgo: tasks that are answered later, by another. */
#include <pthread.h>
#include <stdlib.h>

#include "driver.h"
#include "routines.h"

typedef struct held {
  struct held *next;
  wool_task_t task;
  wool_bytes_t value;
} held_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static held_t *all;

static void free_held(held_t *held) {
  wool_bytes_free(&held->value);
  free(held);
}

/* Takes a task out of the list; NULL: another has. */
static held_t *take(wool_task_t task) {
  pthread_mutex_lock(&lock);
  held_t **at = &all, *found;
  while (*at != NULL && (*at)->task != task) at = &(*at)->next;
  found = *at;
  if (found != NULL) *at = found->next;
  pthread_mutex_unlock(&lock);
  return found;
}

static void cancel_hold(void *user_data, wool_task_t task, void *state) {
  (void)user_data, (void)state;
  held_t *held = take(task);
  if (held == NULL) return;
  count_finished();
  fail(task, WOOL_ERR_CANCELLED, text(""), text("the task was cancelled"));
  free_held(held);
}

UNARY(begin_hold) {
  BEGIN_UNARY;
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  wool_value_builder_t *builder = new_builder();
  if (wool_value_reader_new_bound(task, arguments, 1, &reader, &error) == WOOL_OK) error = copy_value(reader, builder);
  wool_value_reader_free(reader);
  if (error != NULL) {
    wool_value_builder_free(builder);
    END_UNARY;
    fail_with(task, error);
    return;
  }
  held_t *held = allocate(sizeof *held);
  held->task = task;
  held->value = finish(builder);
  pthread_mutex_lock(&lock);
  held->next = all;
  all = held;
  pthread_mutex_unlock(&lock);
  /* A cancel before that has found nothing. */
  if (wool_task_is_cancelled(task)) cancel_hold(NULL, task, NULL);
}

UNARY(let_go) {
  (void)arguments;
  BEGIN_UNARY;
  int64_t count = 0;
  pthread_mutex_lock(&lock);
  held_t *held = all;
  all = NULL;
  pthread_mutex_unlock(&lock);
  while (held != NULL) {
    held_t *next = held->next;
    count_finished();
    wool_task_return(held->task, msgpack(held->value), NULL);
    free_held(held);
    held = next;
    count++;
  }
  END_UNARY;
  return_int(task, count);
}

wool_status_t register_held(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routines[] = {
      {"conf.hold", {"x"}, begin_hold, NULL, cancel_hold, NULL},
      {"conf.letgo", {NULL}, let_go, NULL, NULL, NULL},
  };
  return serve_all(runtime, routines, sizeof routines / sizeof *routines, error);
}

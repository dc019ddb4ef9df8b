/* The commands `map` and `broadcast`, by the blocking functions: each on a thread of its own. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "requests.h"

/* How long a map waits before it looks whether it is to be left. */
enum { LOOK_EVERY_MS = 20 };

typedef struct job {
  struct job *next;
  char *id, *routine;
  uint32_t in_flight;
  int ordered;
  size_t limit, count, taken;
  wool_bytes_t *inputs; /* each the arguments of its call */
  atomic_int left;
  char *outcomes; /* each behind a space */
  size_t length;
} job_t;

/* Those that have not ended. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static job_t *jobs;

static job_t *new_job(const char *id, char **rest) {
  job_t *job = allocate(sizeof *job);
  memset(job, 0, sizeof *job);
  char *routine = need_token(rest, "a routine");
  job->id = copy_text(id, strlen(id));
  job->routine = copy_text(routine, strlen(routine));
  atomic_init(&job->left, 0);
  return job;
}

static void end_job(job_t *job) {
  pthread_mutex_lock(&lock);
  job_t **at = &jobs;
  while (*at != job) at = &(*at)->next;
  *at = job->next;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
  for (size_t i = 0; i < job->count; i++) wool_bytes_free(&job->inputs[i]);
  free(job->inputs);
  free(job->outcomes);
  free(job->routine);
  free(job->id);
  free(job);
}

static void start_job(job_t *job, void *(*run)(void *)) {
  pthread_mutex_lock(&lock);
  job->next = jobs;
  jobs = job;
  pthread_mutex_unlock(&lock);
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, job) != 0) die("no thread", NULL);
  pthread_detach(thread);
}

void wait_for_fan_outs(void) {
  pthread_mutex_lock(&lock);
  for (job_t *job = jobs; job != NULL; job = job->next) atomic_store(&job->left, 1);
  while (jobs != NULL) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

void cancel_map(const char *id) {
  pthread_mutex_lock(&lock);
  for (job_t *job = jobs; job != NULL; job = job->next) {
    if (strcmp(job->id, id) == 0) atomic_store(&job->left, 1);
  }
  pthread_mutex_unlock(&lock);
}

/* Adds `NAME=VALUE` or `NAME!KIND`; frees the value and the error. */
static void add_outcome(job_t *job, const char *name, int32_t status, wool_bytes_t *value, wool_error_t *error) {
  char *token = status == WOOL_OK ? value_token(borrow(value)) : copy_text(wool_status_name(status), strlen(wool_status_name(status)));
  size_t length = strlen(name) + strlen(token) + 2;
  char *more = realloc(job->outcomes, job->length + length + 1);
  if (more == NULL) die("out of memory", NULL);
  job->outcomes = more;
  snprintf(job->outcomes + job->length, length + 1, " %s%c%s", name, status == WOOL_OK ? '=' : '!', token);
  job->length += length;
  job->taken++;
  free(token);
  wool_bytes_free(value);
  wool_error_free(error);
}

/* Takes one outcome; 0: there are no more, or the map is left. */
static int take(job_t *job, wool_map_t *map) {
  wool_map_item_t item = WOOL_MAP_ITEM_INIT;
  wool_error_t *error = NULL;
  wool_status_t status;
  do {
    if (atomic_load(&job->left)) return 0;
    status = wool_map_next(map, LOOK_EVERY_MS, &item, &error);
  } while (status == WOOL_PENDING);
  check("a map's outcome", status, error);
  if (status == WOOL_END) return 0;
  char index[32];
  snprintf(index, sizeof index, "%llu", (unsigned long long)item.index);
  add_outcome(job, index, item.status, &item.value, item.error);
  return job->limit == 0 || job->taken < job->limit;
}

static void *run_map(void *argument) {
  job_t *job = argument;
  wool_map_options_t options = WOOL_MAP_OPTIONS_INIT;
  options.in_flight = job->in_flight;
  options.ordered = (uint8_t)job->ordered;
  wool_map_t *map = NULL;
  wool_error_t *error = NULL;
  check("a map", wool_map_new(caller.pool, text(job->routine), &options, &map, &error), error);
  int more = 1;
  for (size_t added = 0; more && added < job->count;) {
    wool_status_t status = wool_map_add(map, msgpack(job->inputs[added]), &error);
    if (status == WOOL_ERR_BUSY) {
      wool_error_free(error);
      error = NULL;
      more = take(job, map);
    } else {
      check("an input", status, error);
      added++;
    }
  }
  while (more && take(job, map)) continue;
  wool_map_progress_t progress = WOOL_MAP_PROGRESS_INIT;
  check("a progress", wool_map_progress(map, &progress, &error), error);
  wool_map_free(map);
  say("mapped %s %llu %llu %llu %zu%s", job->id, (unsigned long long)progress.added, (unsigned long long)progress.done,
      (unsigned long long)progress.failed, job->taken, job->outcomes == NULL ? "" : job->outcomes);
  end_job(job);
  return NULL;
}

void map(const char *id, char *rest) {
  job_t *job = new_job(id, &rest);
  job->in_flight = (uint32_t)need_number(&rest, "a number of calls");
  job->ordered = strcmp(need_token(&rest, "an order"), "ordered") == 0;
  job->limit = (size_t)need_number(&rest, "a limit");
  size_t count = (size_t)need_number(&rest, "the number of values");
  job->inputs = allocate(count * sizeof *job->inputs);
  for (; job->count < count; job->count++) {
    char *token = need_token(&rest, "a value"), one[] = "1 ";
    char *tokens = allocate(strlen(token) + sizeof one), *words = tokens;
    strcpy(tokens, one);
    strcat(tokens, token);
    wool_error_t *error = read_arguments(&words, &job->inputs[job->count]);
    if (error != NULL) die("an input", error);
    free(tokens);
  }
  start_job(job, run_map);
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void *run_broadcast(void *argument) {
  job_t *job = argument;
  wool_broadcast_t *told = NULL;
  wool_error_t *error = NULL;
  if (wool_broadcast_new(caller.pool, text(job->routine), msgpack(job->inputs[0]), NULL, &told, &error) != WOOL_OK) {
    say_error(job->id, error);
    end_job(job);
    return NULL;
  }
  wool_broadcast_item_t item = WOOL_BROADCAST_ITEM_INIT;
  wool_status_t status;
  while ((status = wool_broadcast_next(told, -1, &item, &error)) == WOOL_OK) {
    char *uid = copy_text((const char *)item.worker_uid.ptr, item.worker_uid.len);
    add_outcome(job, uid, item.status, &item.value, item.error);
    free(uid);
  }
  check("a broadcast's outcome", status, error);
  wool_broadcast_free(told);
  char **sorted = allocate(job->taken * sizeof *sorted), *rest = job->outcomes + 1;
  for (size_t i = 0; i < job->taken; i++) sorted[i] = need_token(&rest, "an outcome");
  qsort(sorted, job->taken, sizeof *sorted, compare);
  char *all = allocate(job->length + 1);
  size_t length = 0;
  for (size_t i = 0; i < job->taken; i++) length += (size_t)sprintf(all + length, " %s", sorted[i]);
  say("broadcast %s %zu%s", job->id, job->taken, all);
  free(all);
  free(sorted);
  end_job(job);
  return NULL;
}

void broadcast(const char *id, char *rest) {
  job_t *job = new_job(id, &rest);
  job->inputs = allocate(sizeof *job->inputs);
  wool_error_t *error = read_arguments(&rest, &job->inputs[0]);
  if (error != NULL) die("arguments", error);
  job->count = 1;
  start_job(job, run_broadcast);
}

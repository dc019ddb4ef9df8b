/* The commands that block: each on a thread of its own, by the blocking functions and by a queue that is drained here. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "requests.h"

/* Threads for what blocks; counted, so that the process does not end under them. */
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t threads_changed = PTHREAD_COND_INITIALIZER;
static int threads;

static void start_thread(void *(*run)(void *), void *data) {
  pthread_mutex_lock(&threads_lock);
  threads++;
  pthread_mutex_unlock(&threads_lock);
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, data) != 0) die("no thread", NULL);
  pthread_detach(thread);
}

static void thread_has_ended(void) {
  pthread_mutex_lock(&threads_lock);
  threads--;
  pthread_cond_signal(&threads_changed);
  pthread_mutex_unlock(&threads_lock);
}

/* A command that blocks, on a thread of its own. */
typedef struct {
  char *id, *routine;
  long long limit; /* of iterate: items; of burst: calls */
  uint32_t prefetch;
  wool_bytes_t arguments, first;
} job_t;

static void free_job(job_t *job) {
  free(job->id);
  free(job->routine);
  wool_bytes_free(&job->arguments);
  wool_bytes_free(&job->first);
  free(job);
  thread_has_ended();
}

static void run_on_thread(void *(*run)(void *), const char *id, char *rest) {
  job_t *job = allocate(sizeof *job);
  char *routine = need_token(&rest, "a routine");
  job->id = copy_text(id, strlen(id));
  job->routine = copy_text(routine, strlen(routine));
  job->limit = need_number(&rest, "a count");
  char *values = copy_text(rest, strlen(rest)), *again = values;
  wool_error_t *error = read_arguments(&again, &job->arguments);
  if (error != NULL) die("arguments", error);
  options_t options = read_options(again);
  const char *prefetch = option(&options, "prefetch");
  job->prefetch = prefetch == NULL ? 0 : (uint32_t)strtoul(prefetch, NULL, 10);
  free_options(&options);
  free(values);
  job->first = read_first_value(rest);
  start_thread(run, job);
}

void wait_for_threads(void) {
  pthread_mutex_lock(&threads_lock);
  while (threads > 0) pthread_cond_wait(&threads_changed, &threads_lock);
  pthread_mutex_unlock(&threads_lock);
}

/* iterate: a loop over a stream, as a C program writes it. */
static void *run_iterate(void *argument) {
  job_t *job = argument;
  wool_stream_t stream;
  wool_error_t *error = NULL;
  wool_bytes_t item;
  long long count = 0;
  char *last = copy_text("-", 1);
  const char *outcome = "end";
  wool_call_options_t settings = WOOL_CALL_OPTIONS_INIT;
  settings.prefetch = job->prefetch;
  wool_status_t status =
      wool_stream_open(caller.pool, text(job->routine), msgpack(job->arguments), &settings, NULL, 0, &stream, &error);
  while (status == WOOL_OK && (status = wool_stream_wait(stream, -1, &item, NULL, &error)) == WOOL_OK) {
    count++;
    free(last);
    last = value_token(borrow(&item));
    wool_bytes_free(&item);
    if (count != job->limit) continue;
    outcome = "break";
    wool_stream_close(stream, NULL);
    /* Leaves the stream: waits until the generator has cleaned up. */
    while ((status = wool_stream_wait(stream, -1, &item, NULL, &error)) == WOOL_OK) wool_bytes_free(&item);
  }
  if (error == NULL) {
    say("items %s %lld %s %s", job->id, count, last, outcome);
  } else {
    say("items %s %lld %s error:%s", job->id, count, last, wool_status_name((int32_t)status));
  }
  wool_error_free(error);
  free(last);
  free_job(job);
  return NULL;
}

/* Counts the outcomes that lie in a queue, waiting for the first. */
static void drain(wool_queue_t *queue, const job_t *job, long long *ok, long long *errors, long long *same) {
  wool_event_t events[64];
  static _Thread_local uint8_t slab[64 * 1024];
  size_t count;
  wool_error_t *error = NULL;
  check("a drain", wool_queue_drain(queue, events, sizeof *events, 64, slab, sizeof slab, -1, &count, &error), error);
  for (size_t i = 0; i < count; i++) {
    if (events[i].kind == WOOL_EVENT_RESULT) {
      ++*ok;
      const wool_bytes_t *value = &events[i].payload;
      *same += value->len == job->first.len && memcmp(value->ptr, job->first.ptr, value->len) == 0;
    } else {
      ++*errors;
    }
    wool_bytes_free(&events[i].payload);
    wool_error_free(events[i].error);
  }
}

/* burst: many calls through a queue that is drained here. */
static void *run_burst(void *argument) {
  job_t *job = argument;
  wool_queue_t *queue;
  wool_error_t *error = NULL;
  check("a queue", wool_queue_new(caller.runtime, NULL, &queue, &error), error);
  long long submitted = 0, ok = 0, errors = 0, same = 0;
  for (long long i = 0; i < job->limit; i++) {
    wool_status_t status =
        wool_call_submit(caller.pool, text(job->routine), msgpack(job->arguments), NULL, queue, 0, NULL, NULL);
    if (status == WOOL_OK) submitted++;
  }
  while (ok + errors < submitted) drain(queue, job, &ok, &errors, &same);
  say("burst %s ok=%lld errors=%lld same=%lld", job->id, ok, errors + job->limit - submitted, same);
  wool_queue_free(queue);
  free_job(job);
  return NULL;
}

void iterate(const char *id, char *rest) { run_on_thread(run_iterate, id, rest); }
void burst(const char *id, char *rest) { run_on_thread(run_burst, id, rest); }

/* A discovery that is to be listed. */
typedef struct {
  char *id;
  wool_discovery_t *discovery;
  uint64_t timeout;
} look_t;

static void *look(void *data) {
  look_t *look = data;
  wool_bytes_t listing;
  wool_error_t *error = NULL;
  if (wool_discovery_list(look->discovery, caller.runtime, look->timeout, &listing, &error) == WOOL_OK) {
    char *token = value_token(borrow(&listing));
    say("listing %s %s", look->id, token);
    free(token);
    wool_bytes_free(&listing);
  } else {
    say_error(look->id, error);
  }
  wool_discovery_free(look->discovery);
  free(look->id);
  free(look);
  thread_has_ended();
  return NULL;
}

void list_workers(const char *id, char *rest) {
  look_t *asked = allocate(sizeof *asked);
  options_t options = read_options(rest);
  const char *timeout = option(&options, "timeout");
  wool_error_t *error = NULL;
  *asked = (look_t){copy_text(id, strlen(id)), NULL, timeout == NULL ? 0 : strtoull(timeout, NULL, 10)};
  if (given_discovery(&options, "discovery", &asked->discovery, &error) == WOOL_OK) {
    start_thread(look, asked);
  } else {
    say_error(id, error);
    free(asked->id);
    free(asked);
  }
  free_options(&options);
}

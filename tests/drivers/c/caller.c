/* `driver caller`: one pool, and what the runner asks of it.
 *
 * All three faces of the library are used: calls and streams that the runner follows one by one go through a queue with
 * a handler; `iterate` is a blocking loop; `burst` drains a queue of its own. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "pools.h"
#include "routines.h"

/* A call, stream, pool, worker, close or stop. Its address is the tag of its events; requests live as long as the
 * process, since the runner may cancel what has long ended. */
typedef struct request {
  struct request *next;
  char *id;
  int is_stream;
  uint64_t handle;       /* of a call or stream; 0 = it was refused */
  wool_pool_t *pool;     /* opened under this id, or NULL */
  wool_worker_t *worker; /* the same; of a stop, NULL, too */
  int is_stop;
} request_t;

static struct {
  wool_runtime_t *runtime;
  wool_pool_t *pool;
  wool_queue_t *queue;
  request_t *requests; /* of the thread that reads commands */
} caller;

/* Threads for what blocks; counted, so that the process does not end under them. */
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t threads_changed = PTHREAD_COND_INITIALIZER;
static int threads;

/* A command that blocks, on a thread of its own. */
typedef struct {
  char *id, *routine;
  long long limit; /* of iterate: items; of burst: calls */
  wool_bytes_t arguments, first;
} job_t;

static void free_job(job_t *job) {
  free(job->id);
  free(job->routine);
  wool_bytes_free(&job->arguments);
  wool_bytes_free(&job->first);
  free(job);
  pthread_mutex_lock(&threads_lock);
  threads--;
  pthread_cond_signal(&threads_changed);
  pthread_mutex_unlock(&threads_lock);
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
  free(values);
  job->first = read_first_value(rest);
  pthread_mutex_lock(&threads_lock);
  threads++;
  pthread_mutex_unlock(&threads_lock);
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, job) != 0) die("no thread", NULL);
  pthread_detach(thread);
}

static void wait_for_threads(void) {
  pthread_mutex_lock(&threads_lock);
  while (threads > 0) pthread_cond_wait(&threads_changed, &threads_lock);
  pthread_mutex_unlock(&threads_lock);
}

static wool_slice_t borrow(const wool_bytes_t *bytes) {
  wool_slice_t slice = {bytes->ptr, bytes->len};
  return slice;
}

/* iterate: a loop over a stream, as a C program writes it. */
static void *iterate(void *argument) {
  job_t *job = argument;
  wool_stream_t stream;
  wool_error_t *error = NULL;
  wool_bytes_t item;
  long long count = 0;
  char *last = copy_text("-", 1);
  const char *outcome = "end";
  wool_status_t status =
      wool_stream_open(caller.pool, text(job->routine), msgpack(job->arguments), NULL, NULL, 0, &stream, &error);
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
static void *burst(void *argument) {
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

/* The queue's handler: reports what happened to a request. */
static void on_event(void *user_data, wool_event_t *event) {
  (void)user_data;
  request_t *request = (request_t *)(uintptr_t)event->tag;
  switch (event->kind) {
    case WOOL_EVENT_RESULT:
    case WOOL_EVENT_ITEM: {
      char *token = value_token(borrow(&event->payload));
      say("%s %s %s", event->kind == WOOL_EVENT_RESULT ? "result" : "item", request->id, token);
      free(token);
      break;
    }
    case WOOL_EVENT_END: say("end %s", request->id); break;
    case WOOL_EVENT_ERROR:
      say_error(request->id, event->error);
      event->error = NULL;
      break;
    case WOOL_EVENT_CLOSED: say("%s %s", request->is_stop ? "stopped" : "closed", request->id); break;
    default: die("an event that a caller does not get", event->error);
  }
}

static request_t *new_request(const char *id, int is_stream) {
  request_t *request = allocate(sizeof *request);
  *request = (request_t){.next = caller.requests, .id = copy_text(id, strlen(id)), .is_stream = is_stream};
  caller.requests = request;
  return request;
}

/* The request of an id, or NULL. */
static request_t *find_request(const char *id) {
  request_t *request = caller.requests;
  while (request != NULL && strcmp(request->id, id) != 0) request = request->next;
  return request;
}

/* The pool that a command names, or the caller's own. */
static wool_pool_t *pool_of(const options_t *options) {
  const char *id = option(options, "pool");
  const request_t *opened = id == NULL ? NULL : find_request(id);
  if (id != NULL && (opened == NULL || opened->pool == NULL)) die("there is no such pool", NULL);
  return id == NULL ? caller.pool : opened->pool;
}

/* call and open. */
static void submit(const char *id, int is_stream, char *rest) {
  request_t *request = new_request(id, is_stream);
  wool_slice_t routine = text(need_token(&rest, "a routine"));
  wool_bytes_t arguments;
  wool_error_t *error = read_arguments(&rest, &arguments);
  if (error != NULL) {
    say_error(id, error);
    return;
  }
  options_t options = read_options(rest);
  wool_pool_t *pool = pool_of(&options);
  const char *timeout = option(&options, "timeout");
  wool_call_options_t settings = WOOL_CALL_OPTIONS_INIT;
  if (timeout != NULL) settings.timeout_ms = strtoull(timeout, NULL, 10);
  free_options(&options);
  uint64_t tag = (uint64_t)(uintptr_t)request;
  wool_status_t status =
      is_stream
          ? wool_stream_open(pool, routine, msgpack(arguments), &settings, caller.queue, tag, &request->handle, &error)
          : wool_call_submit(pool, routine, msgpack(arguments), &settings, caller.queue, tag, &request->handle, &error);
  wool_bytes_free(&arguments);
  if (status != WOOL_OK) say_error(id, error);
}

/* Commands for what is under way. On what never was, or has ended and said so, they do nothing. */

static void cancel(const char *id) {
  const request_t *request = find_request(id);
  if (request == NULL || request->handle == 0) return;
  if (request->is_stream) {
    wool_stream_cancel(request->handle);
  } else {
    wool_call_cancel(request->handle);
  }
}

static void next(const char *id) {
  const request_t *request = find_request(id);
  if (request != NULL && request->handle != 0) wool_stream_next(request->handle, 1, NULL);
}

static void close_stream(const char *id) {
  const request_t *request = find_request(id);
  if (request != NULL && request->handle != 0) wool_stream_close(request->handle, NULL);
}

static void close_pool(const char *id, char *rest) {
  request_t *request = new_request(id, 0);
  options_t options = read_options(rest);
  wool_error_t *error = NULL;
  check("a close", wool_pool_close_submit(pool_of(&options), caller.queue, (uint64_t)(uintptr_t)request, &error), error);
  free_options(&options);
}

static void tell_status(const char *id, char *rest) {
  options_t options = read_options(rest);
  wool_bytes_t status;
  wool_error_t *error = NULL;
  if (wool_pool_status(pool_of(&options), &status, &error) == WOOL_OK) {
    char *token = value_token(borrow(&status));
    say("status %s %s", id, token);
    free(token);
    wool_bytes_free(&status);
  } else {
    say_error(id, error);
  }
  free_options(&options);
}

static void add_pool(const char *id, char *rest) {
  request_t *request = new_request(id, 0);
  options_t options = read_options(rest);
  wool_error_t *error = NULL;
  if (open_pool(caller.runtime, &options, &request->pool, &error) == WOOL_OK) {
    say("opened %s", id);
  } else {
    say_error(id, error);
  }
  free_options(&options);
}

static void add_worker(const char *id, char *rest) {
  request_t *request = new_request(id, 0);
  options_t options = read_options(rest);
  wool_error_t *error = NULL;
  if (start_worker(caller.runtime, &options, &request->worker, &error) == WOOL_OK) {
    wool_slice_t address = wool_worker_address(request->worker), uid = wool_worker_uid(request->worker);
    say("serving %s %.*s %.*s", id, (int)address.len, (const char *)address.ptr, (int)uid.len, (const char *)uid.ptr);
  } else {
    say_error(id, error);
  }
  free_options(&options);
}

static void stop_worker(const char *id, char *rest) {
  const request_t *started = find_request(need_token(&rest, "a worker"));
  if (started == NULL || started->worker == NULL) die("there is no such worker", NULL);
  long long grace = need_number(&rest, "a grace");
  request_t *request = new_request(id, 0);
  request->is_stop = 1;
  uint64_t tag = (uint64_t)(uintptr_t)request;
  wool_error_t *error = NULL;
  check("a stop", wool_worker_stop_submit(started->worker, grace, caller.queue, tag, &error), error);
}

static void misuse(const char *id, const char *what) {
  wool_value_builder_t *builder;
  wool_bytes_t bytes;
  wool_error_t *error = NULL;
  check("a builder", wool_value_builder_new(&builder, &error), error);
  wool_value_builder_arguments(builder, 1, 0, NULL);
  if (strcmp(what, "unsupported") == 0) {
    /* Two elements are announced, one comes. */
    wool_value_builder_list(builder, 2, NULL);
    wool_value_builder_null(builder, NULL);
    if (wool_value_builder_finish(builder, &bytes, &error) == WOOL_OK) die("half a list is a value", NULL);
  } else {
    wool_value_builder_null(builder, NULL);
    check("arguments", wool_value_builder_finish(builder, &bytes, &error), error);
    wool_bytes_t result;
    wool_status_t status = wool_call(caller.pool, text("conf.echo"), msgpack(bytes), NULL, -1, &result, NULL, &error);
    wool_bytes_free(&bytes);
    if (status == WOOL_OK) die("a closed pool makes calls", NULL);
  }
  wool_value_builder_free(builder);
  say_error(id, error);
}

static void serve(char *command, char *rest) {
  char *id = need_token(&rest, "a request id");
  if (strcmp(command, "call") == 0) {
    submit(id, 0, rest);
  } else if (strcmp(command, "open") == 0) {
    submit(id, 1, rest);
  } else if (strcmp(command, "cancel") == 0) {
    cancel(id);
  } else if (strcmp(command, "next") == 0) {
    next(id);
  } else if (strcmp(command, "closestream") == 0) {
    close_stream(id);
  } else if (strcmp(command, "iterate") == 0) {
    run_on_thread(iterate, id, rest);
  } else if (strcmp(command, "burst") == 0) {
    run_on_thread(burst, id, rest);
  } else if (strcmp(command, "closepool") == 0) {
    close_pool(id, rest);
  } else if (strcmp(command, "status") == 0) {
    tell_status(id, rest);
  } else if (strcmp(command, "pool") == 0) {
    add_pool(id, rest);
  } else if (strcmp(command, "worker") == 0) {
    add_worker(id, rest);
  } else if (strcmp(command, "stopworker") == 0) {
    stop_worker(id, rest);
  } else if (strcmp(command, "bad") == 0) {
    misuse(id, need_token(&rest, "a misuse"));
  } else {
    say("error %s UNSUPPORTED - no%%20such%%20command 0 -", id);
  }
}

static void serve_commands(void) {
  char *line = NULL;
  size_t size = 0;
  while (read_command(&line, &size)) {
    char *rest = line;
    char *command = need_token(&rest, "a command");
    serve(command, rest);
  }
  free(line);
}

static void call(const options_t *options) {
  wool_error_t *error = NULL;
  wool_queue_options_t handled = WOOL_QUEUE_OPTIONS_INIT;
  handled.handler = on_event;
  check("a queue", wool_queue_new(caller.runtime, &handled, &caller.queue, &error), error);
  if (open_pool(caller.runtime, options, &caller.pool, &error) == WOOL_OK) {
    say("ready");
    serve_commands();
  } else {
    say_not_ready(error);
  }
}

static void free_caller(void) {
  for (request_t *request = caller.requests, *after; request != NULL; request = after) {
    after = request->next;
    wool_pool_free(request->pool);
    wool_worker_free(request->worker);
    free(request->id);
    free(request);
  }
  wool_pool_free(caller.pool);
  wool_queue_free(caller.queue);
  wool_runtime_free(caller.runtime);
}

int run_caller(const options_t *options) {
  wool_error_t *error = NULL;
  check("a runtime", wool_runtime_new(NULL, &caller.runtime, &error), error);
  check("the routines", register_routines(caller.runtime, &error), error);
  if (!wool_serve_if_spawned(caller.runtime)) call(options);
  check("the runtime's close", wool_runtime_close(caller.runtime, -1, &error), error);
  wait_for_threads();
  free_caller();
  return 0;
}

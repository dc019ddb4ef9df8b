/* `driver caller`: one pool, and what the runner asks of it.
 *
 * All three faces of the library are used: calls and streams that the runner follows one by one go through a queue with
 * a handler; `iterate` is a blocking loop; `burst` drains a queue of its own. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* A call, stream or close under way. Its address is the tag of its events; requests live as long as the process, since
 * the runner may cancel what has long ended. */
typedef struct request {
  struct request *next;
  char *id;
  int is_stream;
  uint64_t handle; /* 0 = it was refused */
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
  job->arguments = read_arguments(&again);
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
    case WOOL_EVENT_CLOSED: say("closed %s", request->id); break;
    default: die("an event that a caller does not get", event->error);
  }
}

static request_t *new_request(const char *id, int is_stream) {
  request_t *request = allocate(sizeof *request);
  request->next = caller.requests;
  request->id = copy_text(id, strlen(id));
  request->is_stream = is_stream;
  request->handle = 0;
  caller.requests = request;
  return request;
}

/* The request of an id, or NULL. */
static request_t *find_request(const char *id) {
  request_t *request = caller.requests;
  while (request != NULL && strcmp(request->id, id) != 0) request = request->next;
  return request;
}

/* call and open. */
static void submit(const char *id, int is_stream, char *rest) {
  request_t *request = new_request(id, is_stream);
  wool_slice_t routine = text(need_token(&rest, "a routine"));
  wool_bytes_t arguments = read_arguments(&rest);
  char *timeout = next_token(&rest);
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  if (timeout != NULL && strncmp(timeout, "timeout=", 8) == 0) options.timeout_ms = strtoull(timeout + 8, NULL, 10);
  uint64_t tag = (uint64_t)(uintptr_t)request;
  wool_error_t *error = NULL;
  wool_status_t status =
      is_stream
          ? wool_stream_open(caller.pool, routine, msgpack(arguments), &options, caller.queue, tag, &request->handle, &error)
          : wool_call_submit(caller.pool, routine, msgpack(arguments), &options, caller.queue, tag, &request->handle, &error);
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

static void close_pool(const char *id) {
  request_t *request = new_request(id, 0);
  wool_error_t *error = NULL;
  check("a close", wool_pool_close_submit(caller.pool, caller.queue, (uint64_t)(uintptr_t)request, &error), error);
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
    close_pool(id);
  } else if (strcmp(command, "bad") == 0) {
    misuse(id, need_token(&rest, "a misuse"));
  } else {
    say("error %s UNSUPPORTED - no%%20such%%20command 0 -", id);
  }
}

/* A pool over the addresses, which are separated by commas. */
static void open_pool(const options_t *options) {
  const char *addresses = option(options, "address"), *timeout = option(options, "dispatch_timeout");
  if (addresses == NULL) die("a caller needs address=", NULL);
  wool_slice_t slices[16];
  size_t count = 0;
  char *list = copy_text(addresses, strlen(addresses)), *rest = NULL;
  for (char *one = strtok_r(list, ",", &rest); one != NULL && count < 16; one = strtok_r(NULL, ",", &rest)) {
    slices[count++] = text(one);
  }
  wool_pool_options_t settings = WOOL_POOL_OPTIONS_INIT;
  settings.addresses = slices;
  settings.address_count = count;
  settings.secret = text(option(options, "secret"));
  settings.dispatch_timeout_ms = timeout == NULL ? 0 : strtoull(timeout, NULL, 10);
  wool_error_t *error = NULL;
  check("a pool", wool_pool_new(caller.runtime, &settings, &caller.pool, &error), error);
  free(list);
}

int run_caller(const options_t *options) {
  wool_error_t *error = NULL;
  check("a runtime", wool_runtime_new(NULL, &caller.runtime, &error), error);
  wool_queue_options_t handled = WOOL_QUEUE_OPTIONS_INIT;
  handled.handler = on_event;
  check("a queue", wool_queue_new(caller.runtime, &handled, &caller.queue, &error), error);
  open_pool(options);
  say("ready");
  char *line = NULL;
  size_t size = 0;
  while (read_command(&line, &size)) {
    char *rest = line;
    char *command = need_token(&rest, "a command");
    serve(command, rest);
  }
  free(line);
  check("the runtime's close", wool_runtime_close(caller.runtime, -1, &error), error);
  wait_for_threads();
  wool_pool_free(caller.pool);
  wool_queue_free(caller.queue);
  wool_runtime_free(caller.runtime);
  for (request_t *request = caller.requests, *after; request != NULL; request = after) {
    after = request->next;
    free(request->id);
    free(request);
  }
  return 0;
}

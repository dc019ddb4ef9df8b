/* Streams that the runner follows item by item, on a queue. One with a prefetch keeps what came too early. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "own_error.h"
#include "requests.h"

/* An item, the end or an error that nobody has asked for yet. */
typedef struct kept {
  struct kept *after;
  char *item;          /* its token, or NULL */
  wool_error_t *error; /* of an error */
} kept_t;

typedef struct stream {
  pthread_mutex_t lock;
  uint32_t prefetch; /* 0 = strictly pulled */
  uint32_t owed;     /* items that were asked for and not taken by the runner */
  uint32_t waiting;  /* commands that wait for an item */
  int closing;       /* a close waits for the end */
  int left;          /* closed or cancelled: items are of no interest any more */
  int over;          /* the end or the error has been reported */
  kept_t *first;
  kept_t **last;
} stream_t;

static stream_t *new_stream(uint32_t prefetch) {
  stream_t *stream = allocate(sizeof *stream);
  *stream = (stream_t){.lock = PTHREAD_MUTEX_INITIALIZER, .prefetch = prefetch};
  stream->last = &stream->first;
  return stream;
}

static void free_kept(kept_t *kept) {
  free(kept->item);
  wool_error_free(kept->error);
  free(kept);
}

static kept_t *take_first(stream_t *stream) {
  kept_t *kept = stream->first;
  stream->first = kept->after;
  if (stream->first == NULL) stream->last = &stream->first;
  return kept;
}

void free_stream(stream_t *stream) {
  if (stream == NULL) return;
  while (stream->first != NULL) free_kept(take_first(stream));
  free(stream);
}

/* One command that waits has its answer: nexts come before a close. */
static void answered(stream_t *stream) {
  if (stream->waiting > 0) {
    stream->waiting--;
  } else {
    stream->closing = 0;
  }
}

static void report(const request_t *request, kept_t *kept) {
  if (kept->item != NULL) {
    say("item %s %s", request->id, kept->item);
  } else if (kept->error != NULL) {
    say_error(request->id, kept->error);
    kept->error = NULL;
  } else {
    say("end %s", request->id);
  }
}

/* Answers the commands that wait, as far as something is there for them: each gets one answer, the error only the first
 * that comes to it, and from then on there is the end. Who leaves the stream is not interested in its items. */
static void settle(request_t *request) {
  stream_t *stream = request->stream;
  while (stream->first != NULL) {
    int is_item = stream->first->item != NULL;
    int is_due = stream->waiting > 0 || (!is_item && stream->closing);
    if (!is_due && !(is_item && stream->left)) break;
    kept_t *kept = take_first(stream);
    if (is_item) stream->owed--;
    if (is_due) {
      stream->over = !is_item;
      report(request, kept);
      answered(stream);
    }
    free_kept(kept);
  }
  for (; stream->over && (stream->waiting > 0 || stream->closing); answered(stream)) say("end %s", request->id);
}

void on_stream_event(request_t *request, wool_event_t *event) {
  stream_t *stream = request->stream;
  kept_t *kept = allocate(sizeof *kept);
  *kept = (kept_t){NULL, NULL, event->error};
  event->error = NULL;
  if (event->kind == WOOL_EVENT_ITEM) kept->error = report_value(borrow(&event->payload), &kept->item);
  pthread_mutex_lock(&stream->lock);
  *stream->last = kept;
  stream->last = &kept->after;
  settle(request);
  pthread_mutex_unlock(&stream->lock);
}

void open_stream(const char *id, char *rest) {
  request_t *request = new_request(id);
  wool_slice_t routine = text(need_token(&rest, "a routine"));
  wool_bytes_t arguments;
  wool_error_t *error = read_arguments(&rest, &arguments);
  if (error != NULL) {
    say_error(id, error);
    return;
  }
  options_t options = read_options(rest);
  char *tag;
  wool_call_options_t settings = call_options(&options, &tag);
  request->stream = new_stream(settings.prefetch);
  wool_status_t status = wool_stream_open(pool_of(&options), routine, msgpack(arguments), &settings, caller.queue,
                                          (uint64_t)(uintptr_t)request, &request->handle, &error);
  free_options(&options);
  free(tag);
  wool_bytes_free(&arguments);
  if (status != WOOL_OK) say_error(id, error);
}

/* The stream of an id, locked; NULL when there is none, or it was refused. */
static request_t *locked(const char *id) {
  request_t *request = find_request(id);
  if (request == NULL || request->stream == NULL || request->handle == 0) return NULL;
  pthread_mutex_lock(&request->stream->lock);
  return request;
}

static void unlock(const request_t *request) { pthread_mutex_unlock(&request->stream->lock); }

/* Asks for items: with a prefetch, for as many as bring those that are owed to it again, once half of them have been
 * taken. A stream that has ended refuses; its end is on its way. */
static void ask(request_t *request) {
  stream_t *stream = request->stream;
  uint32_t count = 1;
  if (stream->prefetch > 0) {
    if (stream->owed > stream->prefetch / 2) return;
    count = stream->prefetch - stream->owed;
  }
  if (wool_stream_next(request->handle, count, NULL) == WOOL_OK) stream->owed += count;
}

void next_item(const char *id) {
  request_t *request = locked(id);
  if (request == NULL) return;
  request->stream->waiting++;
  ask(request);
  settle(request);
  unlock(request);
}

/* After a send or a throw, which asks for an item; or reports why it was refused. What has ended answers with the end. */
static void asked(request_t *request, wool_status_t status, wool_error_t *error) {
  stream_t *stream = request->stream;
  if (status == WOOL_OK || stream->over) {
    stream->owed += status == WOOL_OK;
    stream->waiting++;
    wool_error_free(error);
    settle(request);
  } else {
    say_error(request->id, error);
  }
}

void send_value(const char *id, char *rest) {
  request_t *request = locked(id);
  if (request == NULL) return;
  wool_bytes_t value;
  wool_error_t *error = read_one_value(need_token(&rest, "a value"), &value);
  if (error == NULL) {
    wool_status_t status = wool_stream_send(request->handle, msgpack(value), &error);
    wool_bytes_free(&value);
    asked(request, status, error);
  } else {
    say_error(id, error);
  }
  unlock(request);
}

void throw_error(const char *id, char *rest) {
  request_t *request = locked(id);
  if (request == NULL) return;
  char *type = plain_text(need_token(&rest, "a type")), *message = plain_text(need_token(&rest, "a message"));
  wool_error_t *error = NULL;
  wool_status_t status;
  if (strcmp(type, "conf.OutOfStock") == 0) {
    own_error_t own = new_own_error(text(message), 1);
    status = wool_stream_throw(request->handle, &own.fault, &error);
    free_own_error(&own);
  } else {
    wool_fault_t fault = WOOL_FAULT_INIT;
    fault.type = text(type);
    fault.message = text(message);
    status = wool_stream_throw(request->handle, &fault, &error);
  }
  asked(request, status, error);
  free(type);
  free(message);
  unlock(request);
}

void close_stream(const char *id) {
  request_t *request = locked(id);
  if (request == NULL) return;
  request->stream->closing = request->stream->left = 1;
  settle(request);
  wool_stream_close(request->handle, NULL);
  unlock(request);
}

void cancel_stream(const char *id) {
  request_t *request = locked(id);
  if (request == NULL) return;
  request->stream->left = 1;
  settle(request);
  unlock(request);
  wool_stream_cancel(request->handle);
}

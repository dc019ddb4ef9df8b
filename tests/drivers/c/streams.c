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
  int over;          /* the end or the error has been reported */
  int closing;       /* items are of no interest any more */
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

/* Reports one that was kept, and frees it. */
static void tell(request_t *request, kept_t *kept) {
  stream_t *stream = request->stream;
  if (kept->item != NULL) {
    stream->owed--;
    if (stream->waiting > 0) stream->waiting--;
    say("item %s %s", request->id, kept->item);
  } else if (kept->error != NULL) {
    stream->over = 1;
    say_error(request->id, kept->error);
    kept->error = NULL;
  } else {
    stream->over = 1;
    say("end %s", request->id);
  }
  free_kept(kept);
}

/* Reports what is there and was asked for. The end and an error are reported as soon as no item comes before them. */
static void tell_what_is_due(request_t *request) {
  stream_t *stream = request->stream;
  while (stream->first != NULL) {
    int is_item = stream->first->item != NULL;
    if (is_item && stream->closing) {
      free_kept(take_first(stream));
    } else if (!is_item || stream->waiting > 0) {
      tell(request, take_first(stream));
    } else {
      return;
    }
  }
}

void on_stream_event(request_t *request, wool_event_t *event) {
  stream_t *stream = request->stream;
  kept_t *kept = allocate(sizeof *kept);
  *kept = (kept_t){NULL, NULL, event->error};
  event->error = NULL;
  if (event->kind == WOOL_EVENT_ITEM) kept->item = value_token(borrow(&event->payload));
  pthread_mutex_lock(&stream->lock);
  *stream->last = kept;
  stream->last = &kept->after;
  tell_what_is_due(request);
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
  tell_what_is_due(request);
  unlock(request);
}

/* After a send or a throw, which asks for an item; or reports why it was refused. */
static void asked(request_t *request, wool_status_t status, wool_error_t *error) {
  stream_t *stream = request->stream;
  if (status == WOOL_OK) {
    stream->owed++;
    stream->waiting++;
  } else if (stream->over) {
    wool_error_free(error);
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

/* What has come and was not asked for is dropped. */
static void drop_items(request_t *request) {
  request->stream->closing = 1;
  tell_what_is_due(request);
}

void close_stream(const char *id) {
  request_t *request = locked(id);
  if (request == NULL) return;
  drop_items(request);
  wool_stream_close(request->handle, NULL);
  unlock(request);
}

void cancel_stream(const request_t *request) {
  request_t *stream = locked(request->id);
  if (stream == NULL) return;
  drop_items(stream);
  unlock(stream);
  wool_stream_cancel(request->handle);
}

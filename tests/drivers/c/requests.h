/* What the runner has asked of a caller. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "driver.h"

struct stream;

/* A call, stream, pool, worker, close or stop. Its address is the tag of its events; requests live as long as the
 * process, since the runner may cancel what has long ended. */
typedef struct request {
  struct request *next;
  char *id;
  struct stream *stream; /* of a stream, else NULL */
  uint64_t handle;       /* of a call or stream; 0 = it was refused */
  wool_pool_t *pool;     /* opened under this id, or NULL */
  wool_worker_t *worker; /* the same; of a stop, NULL, too */
  wool_context_t *bag;   /* made under this id, or NULL */
  int is_stop;
} request_t;

typedef struct {
  wool_runtime_t *runtime;
  wool_pool_t *pool;
  wool_queue_t *queue; /* has a handler, which reports what happens to requests */
} caller_t;

extern caller_t caller;

/* Of the thread that reads commands. */
request_t *new_request(const char *id);
/* The request of an id, or NULL. */
request_t *find_request(const char *id);
/* The pool that a command names, or the caller's own. */
wool_pool_t *pool_of(const options_t *options);
/* The options of a call or stream; `tag` keeps the text of its label, to be freed. */
wool_call_options_t call_options(const options_t *options, char **tag);

static inline wool_slice_t borrow(const wool_bytes_t *bytes) {
  wool_slice_t slice = {bytes->ptr, bytes->len};
  return slice;
}

/* The commands for streams. On what never was they do nothing. */
void open_stream(const char *id, char *rest);
void next_item(const char *id);
void send_value(const char *id, char *rest);
void throw_error(const char *id, char *rest);
void close_stream(const char *id);
void cancel_stream(const char *id);
/* An item, the end or the error of a stream, on the queue's thread. */
void on_stream_event(request_t *request, wool_event_t *event);
void free_stream(struct stream *stream);

/* The commands that block, on threads of their own. */
void iterate(const char *id, char *rest);
void burst(const char *id, char *rest);
void list_workers(const char *id, char *rest);
void wait_for_threads(void);
void map(const char *id, char *rest);
void broadcast(const char *id, char *rest);
/* Leaves a map; does nothing to what is none, or has ended. */
void cancel_map(const char *id);
void wait_for_fan_outs(void);

#endif

/* Makes each operation of the binding one crossing into C, with flat arguments: Go may not hand C a
 * struct that points at memory which itself holds Go pointers, and a result returned by value needs no
 * out-parameter that would escape to Go's heap. Nothing here keeps a pointer. */
#ifndef WOOL_GO_SHIM_H
#define WOOL_GO_SHIM_H

#include <stdint.h>

#include "wool.h"

typedef struct {
  int32_t status;
  uint64_t handle;
  wool_error_t *error; /* owned by the caller */
} wool_go_answer_t;

static inline wool_slice_t wool_go_slice(const uint8_t *ptr, size_t len) {
  wool_slice_t slice = {ptr, len};
  return slice;
}

/* A slice for Go to look at. The pointer of an empty one may be any number, which Go's runtime would take
 * for a broken pointer if it found it on a stack. */
static inline wool_slice_t wool_go_view(wool_slice_t slice) {
  if (slice.len == 0) slice.ptr = NULL;
  return slice;
}

static inline wool_payload_t wool_go_payload(const uint8_t *ptr, size_t len) {
  wool_payload_t payload = {{ptr, len}, WOOL_CODEC_MSGPACK};
  return payload;
}

/* What a call and a stream have in common. */
typedef struct {
  uint64_t timeout_ms, dispatch_timeout_ms, step_timeout_ms;
  uint32_t prefetch;
  const wool_context_value_t *context;
  size_t context_count;
  wool_task_t parent;
  const wool_context_t *bag;
} wool_go_options_t;

static inline wool_call_options_t wool_go_call_options(wool_go_options_t given, const uint8_t *tag, size_t tag_len,
                                                       const uint8_t *worker, size_t worker_len) {
  wool_call_options_t options = {0};
  options.struct_size = sizeof options;
  options.timeout_ms = given.timeout_ms;
  options.dispatch_timeout_ms = given.dispatch_timeout_ms;
  options.step_timeout_ms = given.step_timeout_ms;
  options.prefetch = given.prefetch;
  options.tag = wool_go_slice(tag, tag_len);
  options.context = given.context;
  options.context_count = given.context_count;
  options.parent = given.parent;
  options.bag = given.bag;
  options.worker_uid = wool_go_slice(worker, worker_len);
  return options;
}

static inline wool_go_answer_t wool_go_call_submit(wool_pool_t *pool, const uint8_t *routine, size_t routine_len,
                                                   const uint8_t *arguments, size_t arguments_len,
                                                   wool_go_options_t given, const uint8_t *label, size_t label_len,
                                                   const uint8_t *worker, size_t worker_len, wool_queue_t *queue,
                                                   uint64_t tag) {
  wool_go_answer_t answer = {0};
  wool_call_options_t options = wool_go_call_options(given, label, label_len, worker, worker_len);
  answer.status = (int32_t)wool_call_submit(pool, wool_go_slice(routine, routine_len),
                                            wool_go_payload(arguments, arguments_len), &options, queue, tag,
                                            &answer.handle, &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_stream_open(wool_pool_t *pool, const uint8_t *routine, size_t routine_len,
                                                   const uint8_t *arguments, size_t arguments_len,
                                                   wool_go_options_t given, const uint8_t *label, size_t label_len,
                                                   const uint8_t *worker, size_t worker_len, wool_queue_t *queue,
                                                   uint64_t tag) {
  wool_go_answer_t answer = {0};
  wool_call_options_t options = wool_go_call_options(given, label, label_len, worker, worker_len);
  answer.status = (int32_t)wool_stream_open(pool, wool_go_slice(routine, routine_len),
                                            wool_go_payload(arguments, arguments_len), &options, queue, tag,
                                            &answer.handle, &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_context_set(wool_context_t *context, const uint8_t *name_space,
                                                   size_t name_space_len, const uint8_t *name, size_t name_len,
                                                   const uint8_t *value, size_t value_len) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_context_set(context, wool_go_slice(name_space, name_space_len),
                                            wool_go_slice(name, name_len), wool_go_payload(value, value_len),
                                            &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_context_unset(wool_context_t *context, const uint8_t *name_space,
                                                     size_t name_space_len, const uint8_t *name, size_t name_len) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_context_unset(context, wool_go_slice(name_space, name_space_len),
                                              wool_go_slice(name, name_len), &answer.error);
  return answer;
}

typedef struct {
  wool_go_answer_t answer;
  wool_bytes_t value; /* owned by the caller */
} wool_go_found_t;

static inline wool_go_found_t wool_go_context_get(const wool_context_t *context, const uint8_t *name_space,
                                                  size_t name_space_len, const uint8_t *name, size_t name_len) {
  wool_go_found_t found = {0};
  found.answer.status = (int32_t)wool_context_get(context, wool_go_slice(name_space, name_space_len),
                                                  wool_go_slice(name, name_len), &found.value,
                                                  &found.answer.error);
  if (found.value.len == 0) found.value.ptr = NULL;
  return found;
}

static inline wool_go_answer_t wool_go_stream_next(uint64_t stream, uint32_t count) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_stream_next(stream, count, &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_stream_send(uint64_t stream, const uint8_t *value, size_t value_len) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_stream_send(stream, wool_go_payload(value, value_len), &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_stream_close(uint64_t stream) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_stream_close(stream, &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_task_return(uint64_t task, const uint8_t *value, size_t value_len) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_task_return(task, wool_go_payload(value, value_len), &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_task_yield(uint64_t task, const uint8_t *value, size_t value_len) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_task_yield(task, wool_go_payload(value, value_len), &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_task_end(uint64_t task) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_task_end(task, &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_subscription_found(wool_subscription_t subscription, const uint8_t *record,
                                                          size_t record_len) {
  wool_go_answer_t answer = {0};
  answer.status =
      (int32_t)wool_subscription_found(subscription, wool_go_slice(record, record_len), &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_subscription_gone(wool_subscription_t subscription, const uint8_t *key,
                                                         size_t key_len) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_subscription_gone(subscription, wool_go_slice(key, key_len), &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_subscription_scanned(wool_subscription_t subscription) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_subscription_scanned(subscription, &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_subscription_failed(wool_subscription_t subscription, const uint8_t *message,
                                                           size_t message_len) {
  wool_go_answer_t answer = {0};
  answer.status =
      (int32_t)wool_subscription_failed(subscription, wool_go_slice(message, message_len), &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_publication_answer(wool_publication_t publication, int32_t status,
                                                          const uint8_t *message, size_t message_len) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_publication_answer(publication, status, wool_go_slice(message, message_len),
                                                   &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_choice_answer(wool_choice_t choice, int64_t index) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_choice_answer(choice, index, &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_peer_check_answer(wool_peer_check_t check, int32_t believe) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_peer_check_answer(check, believe, &answer.error);
  return answer;
}

static inline wool_go_answer_t wool_go_peer_check_fail(wool_peer_check_t check, const uint8_t *message,
                                                       size_t message_len) {
  wool_go_answer_t answer = {0};
  answer.status = (int32_t)wool_peer_check_fail(check, wool_go_slice(message, message_len), &answer.error);
  return answer;
}

/* The number of events, or a status below zero; 0 when there was none in time. */
static inline int64_t wool_go_drain(wool_queue_t *queue, wool_event_t *events, size_t capacity, uint8_t *slab,
                                    size_t slab_len, int64_t timeout_ms) {
  size_t count = 0;
  wool_error_t *error = NULL;
  int32_t status = (int32_t)wool_queue_drain(queue, events, sizeof *events, capacity, slab, slab_len, timeout_ms,
                                              &count, &error);
  wool_error_free(error);
  for (size_t i = 0; i < count; i++) {
    if (events[i].payload.len == 0) events[i].payload.ptr = NULL;
  }
  return status < 0 ? status : (int64_t)count;
}

/* Everything of an error but its lines and its cause's parts. Slices live as long as the error. */
typedef struct {
  int32_t status;
  int32_t retryable;
  wool_slice_t message, type_name, language;
  size_t lines;
  int32_t has_value;
  wool_payload_t value;
  const wool_error_t *cause;
} wool_go_error_t;

static inline wool_go_error_t wool_go_error_read(const wool_error_t *error) {
  wool_go_error_t out = {0};
  out.status = (int32_t)wool_error_status(error);
  out.retryable = wool_error_retryable(error);
  out.message = wool_go_view(wool_error_message(error));
  out.type_name = wool_go_view(wool_error_type(error));
  out.language = wool_go_view(wool_error_language(error));
  out.lines = wool_error_traceback_len(error);
  out.has_value = (int32_t)wool_error_value(error, &out.value) == WOOL_OK;
  out.value.data = wool_go_view(out.value.data);
  out.cause = wool_error_cause(error);
  return out;
}

static inline wool_slice_t wool_go_error_line(const wool_error_t *error, size_t index) {
  return wool_go_view(wool_error_traceback_line(error, index));
}

void wool_go_use_log(wool_runtime_options_t *options, uint64_t sink);

#endif

#include "generators.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int begun, ended, yielded;

int generators_begun(void) { return world_count_of(&begun); }
int generators_ended(void) { return world_count_of(&ended); }
int generators_yielded(void) { return world_count_of(&yielded); }
void generators_wait_ended(int count) { world_wait_count(&ended, count); }

/* The frame of all of them; the lock guards it, since a cancel may come during a step. */
struct frame {
  int64_t number, end;
  int has_begun, is_over;
};

/* 1 for who ends it. */
static int leave(struct frame *frame) {
  pthread_mutex_lock(&lock);
  int first = !frame->is_over;
  int counts = first && frame->has_begun;
  frame->is_over = 1;
  pthread_mutex_unlock(&lock);
  if (counts) world_count(&ended);
  return first;
}

/* 0: it is over. */
static int enter(struct frame *frame) {
  pthread_mutex_lock(&lock);
  int goes_on = !frame->is_over, begins = goes_on && !frame->has_begun;
  frame->has_begun |= begins;
  pthread_mutex_unlock(&lock);
  if (begins) world_count(&begun);
  return goes_on;
}

static void begin_with(wool_task_t task, int64_t number, int64_t end) {
  struct frame *frame = calloc(1, sizeof *frame);
  frame->number = number;
  frame->end = end;
  /* A cancel may have answered first; then the frame is freed at once. */
  int32_t answered = wool_task_set_state(task, frame, free, NULL);
  CHECK(answered == WOOL_OK || wool_task_is_cancelled(task));
}

#define RUN(name)                                                                                            \
  static void name(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments)
#define STEP(name)                                                                                           \
  static void name(void *data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,             \
                   const wool_error_t *thrown)

RUN(begin) {
  (void)data, (void)info, (void)arguments;
  begin_with(task, 0, INT64_MAX);
}

RUN(begin_at) {
  (void)data, (void)info;
  int64_t number;
  read_ints(arguments, 1, &number);
  begin_with(task, number, INT64_MAX);
}

RUN(begin_up_to) {
  (void)data, (void)info;
  int64_t end;
  read_ints(arguments, 1, &end);
  begin_with(task, 0, end);
}

/* Every answer may come after that of a cancel. */

static void yield_int(wool_task_t task, int64_t number) {
  wool_bytes_t item = one_int(number);
  wool_task_yield(task, payload(item), NULL);
  wool_bytes_free(&item);
}

static void end(wool_task_t task, struct frame *frame) {
  leave(frame);
  wool_task_end(task, NULL);
}

static void fail_as_thrown(wool_task_t task, struct frame *frame, const wool_error_t *thrown) {
  leave(frame);
  wool_task_fail_with(task, thrown, NULL);
}

static void cancel(void *data, wool_task_t task, void *state) {
  (void)data;
  if (state != NULL) leave(state);
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = WOOL_ERR_CANCELLED;
  wool_task_fail(task, &fault, NULL);
}

STEP(accumulate) {
  (void)data;
  struct frame *frame = state;
  if (step == WOOL_STEP_CLOSE) {
    end(task, frame);
    return;
  }
  if (!enter(frame)) return;
  CHECK((step == WOOL_STEP_SEND) == (sent.data.len > 0) && (step == WOOL_STEP_THROW) == (thrown != NULL));
  if (step == WOOL_STEP_SEND) {
    wool_bytes_t borrowed = {sent.data.ptr, sent.data.len, NULL};
    frame->number += to_int(borrowed);
  }
  if (step == WOOL_STEP_THROW) {
    if (!same(wool_error_type(thrown), "Reset")) {
      fail_as_thrown(task, frame, thrown);
      return;
    }
    frame->number = 0;
  }
  if (frame->number < 0) {
    end(task, frame);
  } else {
    yield_int(task, frame->number);
  }
}

STEP(stubborn) {
  (void)data, (void)sent, (void)thrown;
  struct frame *frame = state;
  if (!enter(frame)) return;
  if (step != WOOL_STEP_CLOSE) {
    yield_int(task, frame->number++);
    return;
  }
  leave(frame);
  wool_bytes_t item = one_int(1);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "closed", wool_task_yield(task, payload(item), &error));
  /* And that was the answer. */
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_yield(task, payload(item), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_task_end(task, &error));
  wool_bytes_free(&item);
}

STEP(fail_clean) {
  (void)data, (void)sent, (void)thrown;
  struct frame *frame = state;
  if (step != WOOL_STEP_CLOSE) {
    if (enter(frame)) yield_int(task, frame->number++);
    return;
  }
  leave(frame);
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.type = text("Rust");
  fault.message = text("the shears do not close");
  wool_task_fail(task, &fault, NULL);
}

STEP(stall) {
  (void)data, (void)sent, (void)thrown;
  struct frame *frame = state;
  if (step == WOOL_STEP_CLOSE) {
    end(task, frame);
  } else if (enter(frame) && frame->number == 0) {
    yield_int(task, frame->number++);
  }
}

STEP(mirror) {
  (void)data;
  struct frame *frame = state;
  wool_payload_t null = {text("\xc0"), WOOL_CODEC_MSGPACK};
  if (step == WOOL_STEP_CLOSE) {
    end(task, frame);
  } else if (thrown != NULL) {
    fail_as_thrown(task, frame, thrown);
  } else if (enter(frame)) {
    wool_task_yield(task, step == WOOL_STEP_SEND ? sent : null, NULL);
  }
}

STEP(ahead) {
  (void)data, (void)sent, (void)thrown;
  struct frame *frame = state;
  if (step == WOOL_STEP_CLOSE || frame->number == frame->end) {
    end(task, frame);
  } else if (enter(frame)) {
    world_count(&yielded);
    yield_int(task, frame->number++);
  }
}

world_t generators_world(void) {
  wool_runtime_t *runtime = world_runtime();
  serve(runtime, "test.accumulate", begin_at, accumulate, cancel);
  serve(runtime, "test.stubborn", begin, stubborn, cancel);
  serve(runtime, "test.failclean", begin, fail_clean, cancel);
  serve(runtime, "test.stall", begin, stall, cancel);
  serve(runtime, "test.mirror", begin, mirror, cancel);
  serve(runtime, "test.ahead", begin_up_to, ahead, cancel);
  return world_of(runtime, NULL);
}

int64_t wait_int(wool_stream_t stream) {
  wool_bytes_t item;
  int32_t codec;
  OK(wool_stream_wait(stream, -1, &item, &codec, &error));
  CHECK(codec == WOOL_CODEC_MSGPACK);
  int64_t number = to_int(item);
  wool_bytes_free(&item);
  return number;
}

void wait_end(wool_stream_t stream) {
  wool_bytes_t item;
  ANSWERS(WOOL_END, wool_stream_wait(stream, -1, &item, NULL, &error));
}

wool_error_t *wait_error(wool_stream_t stream) {
  wool_bytes_t item;
  wool_error_t *error = NULL;
  int32_t status = (int32_t)wool_stream_wait(stream, -1, &item, NULL, &error);
  CHECK(status < 0 && error != NULL && (int32_t)wool_error_status(error) == status);
  return error;
}

wool_status_t send_int(wool_stream_t stream, int64_t number, wool_error_t **error) {
  wool_bytes_t value = one_int(number);
  wool_status_t status = wool_stream_send(stream, payload(value), error);
  wool_bytes_free(&value);
  return status;
}

wool_status_t throw_type(wool_stream_t stream, const char *type, wool_error_t **error) {
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.type = text(type);
  fault.message = text("thrown");
  return wool_stream_throw(stream, &fault, error);
}

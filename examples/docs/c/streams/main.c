/* Generators in another process: pulled, sent to, thrown at, closed, and read ahead. A generator's frame is the state of its
 * task. */
#include "../common.h"

typedef struct {
  int64_t number;
  int64_t end;
} generator_t;

static void begin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_value_reader_t *reader = NULL;
  size_t positional = 0, named = 0;
  generator_t *generator = calloc(1, sizeof *generator);
  if (generator == NULL) exit(1);
  wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, NULL);
  if (positional == 1) wool_value_reader_int(reader, &generator->end, NULL);
  wool_value_reader_free(reader);
  wool_task_set_state(task, generator, free, NULL);
}

static void yield(wool_task_t task, int64_t number) {
  wool_bytes_t item = encode_int(number);
  wool_task_yield(task, encoded(&item), NULL);
  wool_bytes_free(&item);
}

static void count(void *user_data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                  const wool_error_t *thrown) {
  (void)user_data, (void)sent;
  generator_t *generator = state;
  if (thrown != NULL) {
    wool_task_fail_with(task, thrown, NULL);
  } else if (step == WOOL_STEP_CLOSE || generator->number == generator->end) {
    /* What has to be tidied up goes here. */
    wool_task_end(task, NULL);
  } else {
    yield(task, ++generator->number);
  }
}

static void weigh(void *user_data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                  const wool_error_t *thrown) {
  (void)user_data;
  generator_t *generator = state;
  wool_slice_t type = thrown == NULL ? text("") : wool_error_type(thrown);
  switch (step) {
    case WOOL_STEP_CLOSE:
      wool_task_end(task, NULL);
      return;
    case WOOL_STEP_THROW:
      if (type.len != strlen("Reset") || memcmp(type.ptr, "Reset", type.len) != 0) {
        /* Not caught: the stream ends with it. */
        wool_task_fail_with(task, thrown, NULL);
        return;
      }
      generator->number = 0;
      break;
    case WOOL_STEP_SEND:
      generator->number += decode_int(sent.data);
      break;
  }
  yield(task, generator->number);
}

static void serve(wool_runtime_t *runtime) {
  const char *const to[] = {"to", NULL}, *const none[] = {NULL};
  add_routine(runtime, "wool.count", to, (wool_routine_options_t){.kind = WOOL_ROUTINE_STREAM, .run = begin, .step = count});
  add_routine(runtime, "wool.weigh", none, (wool_routine_options_t){.kind = WOOL_ROUTINE_STREAM, .run = begin, .step = weigh});
}

static wool_stream_t opened(wool_pool_t *pool, const char *routine, size_t arguments, uint32_t prefetch) {
  wool_error_t *error = NULL;
  wool_stream_t stream;
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.prefetch = prefetch;
  wool_bytes_t given = encode_arguments(NULL, (int64_t[]){1000}, arguments);
  check(wool_stream_open(pool, text(routine), encoded(&given), &options, NULL, 0, &stream, &error), error);
  wool_bytes_free(&given);
  return stream;
}

/* The next item; 0 when the stream has ended. Asks for it, unless a send or a throw has. */
static int next(wool_stream_t stream, int64_t *number) {
  wool_error_t *error = NULL;
  wool_bytes_t item;
  wool_status_t status = wool_stream_wait(stream, -1, &item, NULL, &error);
  check(status, error);
  if (status != WOOL_OK) return 0;
  *number = decode_int((wool_slice_t){item.ptr, item.len});
  wool_bytes_free(&item);
  return 1;
}

/* Closes the generator, and waits for its clean-up. */
static void close_stream(wool_stream_t stream) {
  wool_error_t *error = NULL;
  int64_t dropped;
  check(wool_stream_close(stream, &error), error);
  while (next(stream, &dropped)) {
  }
}

static void call(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  int64_t number = 0, sum = 0;
  wool_stream_t numbers = opened(pool, "wool.count", 1, 0);
  while (number < 3 && next(numbers, &number)) printf("pulled %" PRId64 "\n", number);
  close_stream(numbers);

  wool_stream_t scale = opened(pool, "wool.weigh", 0, 0);
  next(scale, &number);
  printf("nothing on it: %" PRId64 "\n", number);
  for (int64_t weight = 4; weight >= 3; weight--) {
    wool_bytes_t sent = encode_int(weight);
    check(wool_stream_send(scale, encoded(&sent), &error), error);
    wool_bytes_free(&sent);
    next(scale, &number);
    printf("put %" PRId64 " on: %" PRId64 "\n", weight, number);
  }
  wool_fault_t reset = WOOL_FAULT_INIT;
  reset.type = text("Reset");
  reset.message = text("take it all off");
  check(wool_stream_throw(scale, &reset, &error), error);
  next(scale, &number);
  printf("reset: %" PRId64 "\n", number);
  close_stream(scale);

  wool_stream_t ahead = opened(pool, "wool.count", 1, 100);
  while (next(ahead, &number)) sum += number;
  printf("1 + ... + 1000 = %" PRId64 "\n", sum);
}

int main(void) { return play(serve, call); }

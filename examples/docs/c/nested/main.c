/* Routines that call routines: a recursion, a stream over streams, and a tree of tasks that ends with its root. */
#include "../common.h"

/* Calls by the pool of the task's caller, wherever that has a place for it; this task lends its own meanwhile. */
static wool_status_t call_below(wool_task_t task, const char *routine, int64_t n, int64_t *out, wool_error_t **error) {
  wool_pool_t *pool = NULL;
  wool_bytes_t arguments = encode_arguments(NULL, &n, 1), answer = {0};
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.parent = task;
  wool_status_t status = wool_task_pool(task, &pool, error);
  if (status == WOOL_OK) status = wool_call(pool, text(routine), encoded(&arguments), &options, -1, &answer, NULL, error);
  if (status == WOOL_OK) *out = decode_int((wool_slice_t){answer.ptr, answer.len});
  wool_bytes_free(&answer);
  wool_bytes_free(&arguments);
  wool_pool_free(pool);
  return status;
}

static void fib(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  int64_t n = int_argument(arguments), a = n, b = 0;
  wool_error_t *error = NULL;
  wool_status_t status = WOOL_OK;
  if (n >= 2) status = call_below(task, "wool.fib", n - 1, &a, &error);
  if (n >= 2 && status == WOOL_OK) status = call_below(task, "wool.fib", n - 2, &b, &error);
  if (status == WOOL_OK) {
    return_int(task, a + b);
  } else {
    wool_task_fail_with(task, error, NULL);
  }
  wool_error_free(error);
}

typedef struct {
  int64_t n;
  int begun;
  wool_stream_t rest; /* the same from n - 1; 0 = not open */
} countdown_t;

static void countdown_begin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  countdown_t *state = calloc(1, sizeof *state);
  if (state == NULL) exit(1);
  state->n = int_argument(arguments);
  wool_task_set_state(task, state, free, NULL);
}

static void open_rest(countdown_t *state, wool_task_t task, wool_error_t **error) {
  wool_pool_t *pool = NULL;
  int64_t n = state->n - 1;
  wool_bytes_t arguments = encode_arguments(NULL, &n, 1);
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.parent = task;
  if (wool_task_pool(task, &pool, error) == WOOL_OK) {
    wool_stream_open(pool, text("wool.countdown"), encoded(&arguments), &options, NULL, 0, &state->rest, error);
  }
  wool_bytes_free(&arguments);
  wool_pool_free(pool);
}

static void countdown_step(void *user_data, wool_task_t task, void *frame, int32_t step, wool_payload_t sent,
                           const wool_error_t *thrown) {
  (void)user_data, (void)sent, (void)thrown;
  countdown_t *state = frame;
  wool_error_t *error = NULL;
  wool_bytes_t item = {0};
  wool_status_t status = WOOL_OK;
  if (step == WOOL_STEP_CLOSE) {
    if (state->rest != 0) wool_stream_cancel(state->rest);
    status = WOOL_END;
  } else if (!state->begun) {
    state->begun = 1;
    item = encode_int(state->n);
  } else if (state->n == 0) {
    status = WOOL_END;
  } else {
    if (state->rest == 0) open_rest(state, task, &error);
    if (error == NULL) status = wool_stream_wait(state->rest, -1, &item, NULL, &error);
  }
  if (error != NULL) {
    wool_task_fail_with(task, error, NULL);
  } else if (status == WOOL_END) {
    wool_task_end(task, NULL);
  } else {
    wool_task_yield(task, encoded(&item), NULL);
  }
  wool_bytes_free(&item);
  wool_error_free(error);
}

/* Waits for ever, with others below it that do: the answer comes by the cancel. */
static void sleep_begin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  int64_t depth = int_argument(arguments), never;
  if (depth > 0) call_below(task, "wool.sleep", depth - 1, &never, NULL);
}

static void sleep_cancel(void *user_data, wool_task_t task, void *state) {
  (void)user_data, (void)state;
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = WOOL_ERR_CANCELLED;
  wool_task_fail(task, &fault, NULL);
}

static void serve(wool_runtime_t *runtime) {
  const char *const n[] = {"n", NULL}, *const depth[] = {"depth", NULL};
  wool_routine_options_t fibs = {.kind = WOOL_ROUTINE_UNARY, .run = fib};
  wool_routine_options_t counts = {.kind = WOOL_ROUTINE_STREAM, .run = countdown_begin, .step = countdown_step};
  wool_routine_options_t sleeps = {.kind = WOOL_ROUTINE_UNARY, .run = sleep_begin, .cancel = sleep_cancel};
  add_routine(runtime, "wool.fib", n, fibs);
  add_routine(runtime, "wool.countdown", n, counts);
  add_routine(runtime, "wool.sleep", depth, sleeps);
}

static void call(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  wool_bytes_t ten = encode_arguments(NULL, (int64_t[]){10}, 1), answer = {0};
  check(wool_call(pool, text("wool.fib"), encoded(&ten), NULL, -1, &answer, NULL, &error), error);
  printf("fib(10) = %" PRId64 "\n", decode_int((wool_slice_t){answer.ptr, answer.len}));
  wool_bytes_free(&answer);
  wool_bytes_free(&ten);

  wool_bytes_t three = encode_arguments(NULL, (int64_t[]){3}, 1);
  wool_stream_t items;
  wool_status_t status;
  check(wool_stream_open(pool, text("wool.countdown"), encoded(&three), NULL, NULL, 0, &items, &error), error);
  printf("countdown:");
  while ((status = wool_stream_wait(items, -1, &answer, NULL, &error)) == WOOL_OK) {
    printf(" %" PRId64, decode_int((wool_slice_t){answer.ptr, answer.len}));
    wool_bytes_free(&answer);
  }
  check(status, error);
  printf("\n");
  wool_bytes_free(&three);

  /* Three tasks deep, and none is left of them. */
  wool_bytes_t two = encode_arguments(NULL, (int64_t[]){2}, 1);
  wool_call_options_t moment = WOOL_CALL_OPTIONS_INIT;
  moment.timeout_ms = 200;
  status = wool_call(pool, text("wool.sleep"), encoded(&two), &moment, -1, &answer, NULL, NULL);
  printf("%s\n", wool_status_name(status));
  wool_bytes_free(&two);
}

/* One task at a time each: tasks that wait for their calls lend their places. */
int main(void) { return play_on(2, serve, call); }

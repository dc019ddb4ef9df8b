/* Calls that are given up, and calls whose time is up: the routine is told, and the worker is free again. */
#include "../common.h"

/* Begins to wait for what never comes. A task may be answered later, from any thread; this one is by its cancel. */
static void wait_begin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)task, (void)info, (void)arguments;
}

/* On a thread that must not be held up. The answer gives the worker's place back. */
static void wait_cancel(void *user_data, wool_task_t task, void *state) {
  (void)user_data, (void)state;
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = WOOL_ERR_CANCELLED;
  wool_task_fail(task, &fault, NULL);
}

static void shear(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info, (void)arguments;
  wool_bytes_t fleeces = encode_int(1);
  wool_task_return(task, encoded(&fleeces), NULL);
  wool_bytes_free(&fleeces);
}

static void stall_begin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info, (void)arguments;
  wool_task_set_state(task, calloc(1, sizeof(int)), free, NULL);
}

/* Yields once, and leaves the second step to its cancel. */
static void stall_step(void *user_data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                       const wool_error_t *thrown) {
  (void)user_data, (void)sent, (void)thrown;
  int *steps = state;
  if (step == WOOL_STEP_CLOSE) {
    wool_task_end(task, NULL);
  } else if ((*steps)++ == 0) {
    wool_bytes_t item = encode_int(1);
    wool_task_yield(task, encoded(&item), NULL);
    wool_bytes_free(&item);
  }
}

static void serve(wool_runtime_t *runtime) {
  const char *const none[] = {NULL};
  wool_routine_options_t waits = {.kind = WOOL_ROUTINE_UNARY, .run = wait_begin, .cancel = wait_cancel};
  wool_routine_options_t shears = {.kind = WOOL_ROUTINE_UNARY, .run = shear};
  wool_routine_options_t stalls = {
      .kind = WOOL_ROUTINE_STREAM, .run = stall_begin, .step = stall_step, .cancel = wait_cancel};
  add_routine(runtime, "wool.wait", none, waits);
  add_routine(runtime, "wool.shear", none, shears);
  add_routine(runtime, "wool.stall", none, stalls);
}

static void say(const char *what, wool_status_t status, wool_error_t *error) {
  printf("%s: %s\n", what, wool_status_name(status));
  wool_error_free(error);
}

static void call(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  wool_bytes_t none = encode_arguments(NULL, NULL, 0), answer = {0};

  /* How long this thread waits; then it gives the call up. */
  wool_status_t status = wool_call(pool, text("wool.wait"), encoded(&none), NULL, 200, &answer, NULL, &error);
  say("nobody waits any more", status, error);

  /* The whole budget of a call, told to the worker and kept there, too. */
  error = NULL;
  wool_call_options_t moment = WOOL_CALL_OPTIONS_INIT;
  moment.timeout_ms = 200;
  status = wool_call(pool, text("wool.wait"), encoded(&none), &moment, -1, &answer, NULL, &error);
  say("the call", status, error);

  /* The budget of each step of a stream. */
  error = NULL;
  wool_stream_t stalls;
  wool_call_options_t steps = WOOL_CALL_OPTIONS_INIT;
  steps.step_timeout_ms = 1000;
  check(wool_stream_open(pool, text("wool.stall"), encoded(&none), &steps, NULL, 0, &stalls, &error), error);
  while ((status = wool_stream_wait(stalls, -1, &answer, NULL, &error)) == WOOL_OK) {
    say("the step", status, NULL);
    wool_bytes_free(&answer);
  }
  say("the step", status, error);

  /* The worker runs one task at a time: this one begins when the routines before it have stopped. */
  error = NULL;
  check(wool_call(pool, text("wool.shear"), encoded(&none), NULL, -1, &answer, NULL, &error), error);
  printf("fleeces: %" PRId64 "\n", decode_int((wool_slice_t){answer.ptr, answer.len}));
  wool_bytes_free(&answer);
  wool_bytes_free(&none);
}

int main(void) { return play(serve, call); }

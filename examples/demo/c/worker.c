/* The C worker. Routines are callbacks on wool's threads; each task is answered by its handle. */
#include <stdio.h>
#include <stdlib.h>

#include "demo.h"

/* Answers a task with what went wrong, and frees it. `error` may be NULL when there is no memory for one. */
static void fail(wool_task_t task, wool_status_t status, wool_error_t *error) {
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = status;
  fault.message = error != NULL ? wool_error_message(error) : text("out of memory");
  /* The only refusal is that of a task that is over: its caller has left. The same holds below. */
  wool_task_fail(task, &fault, NULL);
  wool_error_free(error);
}

/* ASCII only, whatever the locale is. */
static int is_letter(uint8_t byte) { return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'; }

/* The first word at or after *at, which is moved behind it. Its length, 0 when there is none. */
static size_t next_word(wool_slice_t bytes, size_t *at, size_t *start) {
  while (*at < bytes.len && !is_letter(bytes.ptr[*at])) ++*at;
  *start = *at;
  while (*at < bytes.len && is_letter(bytes.ptr[*at])) ++*at;
  return *at - *start;
}

/* Encodes the list of the words, which are put in lower case in `lower`, a buffer as long as the text. */
static wool_status_t encode_words(wool_slice_t bytes, uint8_t *lower, wool_bytes_t *out, wool_error_t **error) {
  size_t count = 0, start, length;
  for (size_t at = 0; next_word(bytes, &at, &start) > 0;) count++;
  for (size_t i = 0; i < bytes.len; i++) lower[i] = bytes.ptr[i] | 0x20;

  wool_value_builder_t *builder = NULL;
  wool_status_t status = wool_value_builder_new(&builder, error);
  if (status != WOOL_OK) return status;
  wool_value_builder_list(builder, count, NULL);
  for (size_t at = 0; (length = next_word(bytes, &at, &start)) > 0;) {
    wool_value_builder_string(builder, (wool_slice_t){lower + start, length}, NULL);
  }
  status = wool_value_builder_finish(builder, out, error);
  wool_value_builder_free(builder);
  return status;
}

/* demo.tokenise(bytes): the list of its words. A word is a run of ASCII letters, in lower case. */
static void tokenise(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_error_t *error = NULL;
  wool_value_reader_t *reader = NULL;
  size_t positional, named;
  wool_slice_t bytes;
  wool_bytes_t words = {0};
  wool_status_t status = wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, &error);
  if (status == WOOL_OK) status = wool_value_reader_bytes(reader, &bytes, &error);
  if (status == WOOL_OK) {
    uint8_t *lower = malloc(bytes.len + 1);
    status = lower != NULL ? encode_words(bytes, lower, &words, &error) : WOOL_ERR_INTERNAL;
    free(lower);
  }
  wool_value_reader_free(reader);
  if (status == WOOL_OK) status = wool_task_return(task, payload(&words), &error);
  if (status != WOOL_OK) fail(task, status, error);
  wool_bytes_free(&words);
}

/* demo.ping(int): the same int. */
static void ping(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_error_t *error = NULL;
  wool_bytes_t answer = {0};
  int64_t number;
  wool_status_t status = read_int_argument(arguments, &number, &error);
  if (status == WOOL_OK) status = encode_int(number, &answer, &error);
  if (status == WOOL_OK) status = wool_task_return(task, payload(&answer), &error);
  if (status != WOOL_OK) fail(task, status, error);
  wool_bytes_free(&answer);
}

/* demo.few(n): a stream of 0 to n - 1. Between two steps its state is all there is of it. */
struct few {
  int64_t next, end;
};

static void few(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_error_t *error = NULL;
  struct few *state = calloc(1, sizeof *state);
  wool_status_t status = WOOL_ERR_INTERNAL;
  if (state != NULL) status = read_int_argument(arguments, &state->end, &error);
  if (status == WOOL_OK) {
    /* From here on wool frees the state, whatever happens. */
    status = wool_task_set_state(task, state, free, &error);
    state = NULL;
  }
  if (status != WOOL_OK) fail(task, status, error);
  free(state);
}

static void few_step(void *user_data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                     const wool_error_t *thrown) {
  (void)user_data, (void)sent;
  struct few *few = state;
  if (thrown != NULL) {
    wool_task_fail_with(task, thrown, NULL);
    return;
  }
  if (step == WOOL_STEP_CLOSE || few->next >= few->end) {
    wool_task_end(task, NULL);
    return;
  }
  wool_error_t *error = NULL;
  wool_bytes_t item = {0};
  wool_status_t status = encode_int(few->next++, &item, &error);
  if (status == WOOL_OK) status = wool_task_yield(task, payload(&item), &error);
  if (status != WOOL_OK) fail(task, status, error);
  wool_bytes_free(&item);
}

static int offer(wool_runtime_t *runtime, const char *name, wool_run_fn run, wool_step_fn step) {
  wool_routine_options_t options = WOOL_ROUTINE_OPTIONS_INIT;
  options.name = text(name);
  options.kind = step != NULL ? WOOL_ROUTINE_STREAM : WOOL_ROUTINE_UNARY;
  options.run = run;
  options.step = step;
  wool_error_t *error = NULL;
  return ok(wool_routine_register(runtime, &options, &error), name, error);
}

int serve(void) {
  wool_runtime_t *runtime = NULL;
  wool_error_t *error = NULL;
  if (!ok(wool_runtime_new(NULL, &runtime, &error), "runtime", error)) return 1;
  int served = offer(runtime, "demo.tokenise", tokenise, NULL) && offer(runtime, "demo.ping", ping, NULL) &&
               offer(runtime, "demo.few", few, few_step);
  if (served && !wool_serve_if_spawned(runtime)) {
    fprintf(stderr, "serve is for pools to start\n");
    served = 0;
  }
  error = NULL;
  int closed = ok(wool_runtime_close(runtime, -1, &error), "close", error);
  wool_runtime_free(runtime);
  return served && closed ? 0 : 1;
}

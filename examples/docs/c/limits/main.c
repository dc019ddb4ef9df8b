/* A worker with limits: how many tasks it runs at once, whom it lets in, how large arguments may be; and what its callers see
 * of that. */
#include "../common.h"

/* May block its thread, or compute for long: routines have threads of their own, wool_runtime_options_t.routine_threads. */
static void spin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  int64_t turns = 0, yarn = 0;
  wool_status_t status = wool_value_reader_new_bound(task, arguments, 1, &reader, &error);
  if (status == WOOL_OK) status = wool_value_reader_int(reader, &turns, &error);
  for (int64_t turn = 1; turn <= turns; turn++) yarn = (yarn * 31 + turn) % 1000003;
  if (status == WOOL_OK) {
    wool_bytes_t spun = encode_int(yarn);
    wool_task_return(task, encoded(&spun), NULL);
    wool_bytes_free(&spun);
  } else {
    wool_task_fail_with(task, error, NULL);
  }
  wool_error_free(error);
  wool_value_reader_free(reader);
}

static int is(wool_slice_t slice, const char *string) {
  return slice.len == strlen(string) && memcmp(slice.ptr, string, slice.len) == 0;
}

/* Decides by the label of the call. It may block, or be answered later, from any thread. */
static void admit(void *user_data, wool_admission_t admission, const wool_admission_info_t *info) {
  (void)user_data;
  if (is(info->tag, "guest")) {
    wool_admission_refuse(admission, text("not for guests"), NULL);
  } else if (is(info->tag, "batch")) {
    wool_admission_busy(admission, text("no batches during the day"), NULL);
  } else {
    wool_admission_accept(admission, NULL);
  }
}

/* A burst waits for places instead of failing. Each call answers by one event. */
static size_t burst(wool_runtime_t *runtime, wool_pool_t *pool) {
  enum { CALLS = 1000, AT_ONCE = 64 };
  wool_error_t *error = NULL;
  wool_queue_t *queue;
  wool_event_t events[AT_ONCE];
  size_t answered = 0, succeeded = 0;
  wool_bytes_t turns = encode_arguments(NULL, (int64_t[]){1000}, 1);
  check(wool_queue_new(runtime, NULL, &queue, &error), error);
  for (uint64_t tag = 0; tag < CALLS; tag++) {
    check(wool_call_submit(pool, text("wool.spin"), encoded(&turns), NULL, queue, tag, NULL, &error), error);
  }
  while (answered < CALLS) {
    size_t count = 0;
    check(wool_queue_drain(queue, events, sizeof *events, AT_ONCE, NULL, 0, -1, &count, &error), error);
    for (size_t i = 0; i < count; i++) {
      succeeded += events[i].kind == WOOL_EVENT_RESULT;
      wool_bytes_free(&events[i].payload);
      wool_error_free(events[i].error);
    }
    answered += count;
  }
  wool_queue_free(queue);
  wool_bytes_free(&turns);
  return succeeded;
}

static void refused(wool_pool_t *pool, const char *tag, const wool_bytes_t *arguments) {
  wool_error_t *error = NULL;
  wool_bytes_t answer = {0};
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.tag = text(tag);
  options.dispatch_timeout_ms = 300;
  wool_status_t status = wool_call(pool, text("wool.spin"), encoded(arguments), &options, -1, &answer, NULL, &error);
  printf("%s, never started: %d\n", wool_status_name(status), wool_error_retryable(error));
  wool_error_free(error);
  wool_bytes_free(&answer);
}

int main(void) {
  wool_runtime_t *runtime;
  wool_worker_t *worker;
  wool_pool_t *pool;
  wool_error_t *error = NULL;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  const char *const parameters[] = {"turns", NULL};
  add_routine(runtime, "wool.spin", parameters, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = spin});
  wool_worker_options_t limits = WOOL_WORKER_OPTIONS_INIT;
  limits.concurrency = 4;
  limits.max_payload = 1 << 20;
  limits.admit = admit;
  check(wool_worker_new(runtime, &limits, &worker, &error), error);
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  check(wool_pool_new(runtime, &options, &pool, &error), error);

  printf("%zu of 1000 calls succeeded\n", burst(runtime, pool));
  wool_bytes_t turns = encode_arguments(NULL, (int64_t[]){1000}, 1);
  refused(pool, "guest", &turns);
  refused(pool, "batch", &turns);
  wool_bytes_free(&turns);
  char *long_text = malloc((2 << 20) + 1);
  if (long_text == NULL) return 1;
  memset(long_text, 'x', 2 << 20);
  long_text[2 << 20] = '\0';
  wool_bytes_t large = encode_arguments(long_text, NULL, 0);
  refused(pool, "", &large);
  wool_bytes_free(&large);
  free(long_text);

  check(wool_worker_stop(worker, 0, -1, &error), error);
  leave(runtime, pool);
  wool_worker_free(worker);
  return 0;
}

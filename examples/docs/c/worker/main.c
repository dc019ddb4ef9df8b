/* A program that is a worker: it serves until SIGTERM, finishes what runs, and leaves. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>

#include "../common.h"

static void card(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  return_int(task, int_argument(arguments));
}

/* Callers can connect. (This example is to end by itself, so it does what its operator would.) */
static void started(void *user_data, wool_worker_t *worker) {
  (void)user_data;
  printf("serves: %d\n", wool_worker_address(worker).len > 0);
  raise(SIGTERM);
}

int main(void) {
  enum { GRACE_MS = 30000 };
  wool_runtime_t *runtime;
  wool_discovery_t *discovery;
  wool_error_t *error = NULL;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  const char *const parameters[] = {"sheep", NULL};
  add_routine(runtime, "wool.card", parameters, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = card});
  check(wool_discovery_new_local(text("docs-c-worker"), text(""), &discovery, &error), error);

  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.publish = discovery;
  check(wool_worker_run(runtime, &options, GRACE_MS, started, NULL, &error), error);

  printf("drained\n");
  leave(runtime, NULL);
  wool_discovery_free(discovery);
  return 0;
}

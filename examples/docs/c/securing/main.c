/* Who is who, and who may call what: a worker, and three pools that are not the same to it. The certificates are in certs. */
#include "../common.h"

/* Of files of certs; without a certificate of its own where the names are NULL. */
static wool_credentials_t *credentials(const char *certificate, const char *key) {
  wool_credentials_t *made;
  wool_error_t *error = NULL;
  wool_credentials_options_t options = WOOL_CREDENTIALS_OPTIONS_INIT;
  options.ca_file = text("certs/ca.pem");
  if (certificate != NULL) options.certificate_file = text(certificate);
  if (key != NULL) options.key_file = text(key);
  check(wool_credentials_new(&options, &made, &error), error);
  return made;
}

static void return_text(wool_task_t task, wool_slice_t string) {
  wool_bytes_t value = encode_text(string);
  wool_task_return(task, encoded(&value), NULL);
  wool_bytes_free(&value);
}

static void greet(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)arguments;
  /* The names of the caller's certificate. */
  wool_slice_t name = info->peer_count > 0 ? info->peer[0] : text("whoever you are");
  char greeting[256];
  snprintf(greeting, sizeof greeting, "hello, %.*s", (int)name.len, (const char *)name.ptr);
  return_text(task, text(greeting));
}

static void reset(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info, (void)arguments;
  return_text(task, text("done"));
}

static wool_worker_t *serve(wool_runtime_t *runtime) {
  wool_worker_t *worker;
  wool_error_t *error = NULL;
  const char *const none[] = {NULL};
  add_routine(runtime, "wool.greet", none, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = greet});
  add_routine(runtime, "admin.reset", none, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = reset});
  wool_credentials_t *own = credentials("certs/worker.pem", "certs/worker.key");
  /* Whom it talks to, of those whom the authority vouches for; and what is not for all of them. */
  wool_slice_t callers[] = {text("*.wool.example")};
  wool_slice_t routine_callers[] = {text("admin.*"), text("admin.wool.example")};
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.credentials = own;
  options.callers = callers;
  options.caller_count = 1;
  options.routine_callers = routine_callers;
  options.routine_caller_count = 2;
  check(wool_worker_new(runtime, &options, &worker, &error), error);
  wool_credentials_free(own);
  return worker;
}

/* Calls a routine by a pool of its own. */
static void ask(wool_runtime_t *runtime, const wool_worker_t *worker, wool_credentials_t *own, const char *routine) {
  wool_pool_t *pool;
  wool_error_t *error = NULL;
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  options.credentials = own;
  options.dispatch_timeout_ms = 2000;
  check(wool_pool_new(runtime, &options, &pool, &error), error);
  wool_credentials_free(own);

  wool_bytes_t arguments = encode_arguments(NULL, NULL, 0), answer = {0};
  wool_status_t status = wool_call(pool, text(routine), encoded(&arguments), NULL, -1, &answer, NULL, &error);
  if (status == WOOL_OK) {
    char said[256];
    decode_text(&answer, said, sizeof said);
    printf("%s\n", said);
  } else {
    printf("%s: %s\n", routine, wool_status_name(status));
  }
  wool_error_free(error);
  wool_bytes_free(&answer);
  wool_bytes_free(&arguments);
  wool_pool_free(pool);
}

int main(void) {
  wool_runtime_t *runtime;
  wool_error_t *error = NULL;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  wool_worker_t *worker = serve(runtime);
  ask(runtime, worker, credentials("certs/caller.pem", "certs/caller.key"), "wool.greet");
  ask(runtime, worker, credentials("certs/caller.pem", "certs/caller.key"), "admin.reset");
  ask(runtime, worker, credentials("certs/admin.pem", "certs/admin.key"), "admin.reset");
  /* It knows the worker, and has nothing to show. */
  ask(runtime, worker, credentials(NULL, NULL), "wool.greet");
  leave(runtime, NULL);
  wool_worker_free(worker);
  return 0;
}

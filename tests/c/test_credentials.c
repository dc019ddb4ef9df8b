/* Credentials: TLS between a worker and pools, by certificates of the development CA, in the folder WOOL_CERTS. */
#include "certificates.h"
#include "status.h"
#include "world.h"

/* Answers with how many names its caller's certificate holds, if they are those of the development CA's caller. */
static void run_peer(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)arguments;
  CHECK(info->peer_count == 1 && same(info->peer[0], "caller.wool.example"));
  wool_bytes_t value = one_int((int64_t)info->peer_count);
  OK(wool_task_return(task, payload(value), &error));
  wool_bytes_free(&value);
}

static wool_pool_t *pool_at(wool_runtime_t *runtime, wool_worker_t *worker, const wool_credentials_t *credentials) {
  wool_pool_t *pool = NULL;
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  options.credentials = credentials;
  options.dispatch_timeout_ms = credentials == NULL ? 300 : 0;
  OK(wool_pool_new(runtime, &options, &pool, &error));
  return pool;
}

TEST(credentials_check_what_they_are_given) {
  wool_credentials_t *credentials = NULL;
  wool_credentials_options_t options = WOOL_CREDENTIALS_OPTIONS_INIT;
  char path[256];
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty", wool_credentials_new(NULL, &credentials, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_credentials_new(&options, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty", wool_credentials_new(&options, &credentials, &error));
  options.ca = text("no certificate");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "the ca", wool_credentials_new(&options, &credentials, &error));
  options.ca_file = certificate_file(path, "ca.pem");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "as text and as a file", wool_credentials_new(&options, &credentials, &error));
  options.ca = text("");
  options.key_file = text("/nowhere/own.key");
  FAILS(WOOL_ERR_IO, "/nowhere/own.key", wool_credentials_new(&options, &credentials, &error));
  options.key_file = text("");
  OK(wool_credentials_new(&options, &credentials, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "credentials is NULL", wool_credentials_update(NULL, &options, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "credentials is NULL", wool_credentials_reload(NULL, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "credentials is NULL", wool_credentials_problem(NULL, &error));

  /* Enough for a caller, not for a worker. */
  wool_runtime_t *runtime = world_runtime();
  wool_worker_options_t worker_options = WOOL_WORKER_OPTIONS_INIT;
  wool_worker_t *worker = NULL;
  worker_options.credentials = credentials;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "certificate and key", wool_worker_new(runtime, &worker_options, &worker, &error));
  worker_options.credentials = NULL;
  wool_slice_t texts[] = {text("a.*"), text("*.a.*")};
  worker_options.callers = &texts[1];
  worker_options.caller_count = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "no pattern", wool_worker_new(runtime, &worker_options, &worker, &error));
  worker_options.callers = NULL;
  worker_options.caller_count = 0;
  worker_options.routine_callers = texts;
  worker_options.routine_caller_count = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "pairs", wool_worker_new(runtime, &worker_options, &worker, &error));
  worker_options.routine_callers = NULL;
  worker_options.routine_caller_count = 0;
  worker_options.stoppers = &texts[1];
  worker_options.stopper_count = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "no pattern", wool_worker_new(runtime, &worker_options, &worker, &error));
  /* Without mutual TLS nobody has a name. */
  wool_slice_t operators = text("operator.wool.example");
  worker_options.stoppers = &operators;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stoppers", wool_worker_new(runtime, &worker_options, &worker, &error));
  wool_credentials_t *own = credentials_of("worker");
  worker_options.credentials = own;
  OK(wool_worker_new(runtime, &worker_options, &worker, &error));
  wool_worker_free(worker);
  wool_credentials_free(own);
  OK(wool_runtime_close(runtime, -1, &error));
  wool_runtime_free(runtime);
  wool_credentials_free(credentials);
  wool_credentials_free(NULL);
}

TEST(calls_go_by_tls_and_say_who_calls) {
  wool_credentials_t *own = credentials_of("worker");
  wool_credentials_t *callers = credentials_of("caller");
  wool_runtime_t *runtime = world_runtime();
  serve(runtime, "test.peer", run_peer, NULL, NULL);
  wool_slice_t pattern = text("*.wool.example");
  wool_slice_t rules[] = {text("test.echo"), text("nobody.example"), text("test.peer"), text("caller.wool.example")};
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.credentials = own;
  options.callers = &pattern;
  options.caller_count = 1;
  options.routine_callers = rules;
  options.routine_caller_count = 4;
  wool_worker_t *worker = NULL;
  OK(wool_worker_new(runtime, &options, &worker, &error));

  wool_pool_t *pool = pool_at(runtime, worker, callers), *plain = pool_at(runtime, worker, NULL);
  CHECK(call_int(pool, "test.peer") == 1);
  wool_bytes_t arguments = ints(1, 1, 0), result = {0};
  FAILS(WOOL_ERR_PERMISSION_DENIED, "test.echo",
        wool_call(pool, text("test.echo"), payload(arguments), NULL, -1, &result, NULL, &error));
  FAILS(WOOL_ERR_NO_WORKERS_AVAILABLE, "",
        wool_call(plain, text("test.peer"), payload(arguments), NULL, -1, &result, NULL, &error));
  wool_bytes_free(&arguments);

  /* Nothing has changed, and what is no use changes nothing. */
  int32_t renewed = 7;
  OK(wool_credentials_reload(callers, &renewed, &error));
  CHECK(renewed == 0);
  wool_credentials_options_t none = WOOL_CREDENTIALS_OPTIONS_INIT;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty", wool_credentials_update(callers, &none, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty", wool_credentials_problem(callers, &error));
  CHECK(call_int(pool, "test.peer") == 1);
  OK(wool_credentials_reload(callers, NULL, &error));
  OK(wool_credentials_problem(callers, &error));

  /* Others of the same authority: the worker does not let them in. */
  certificate_t certificate;
  wool_credentials_options_t others = files_of(&certificate, "worker");
  OK(wool_credentials_update(callers, &others, &renewed, &error));
  CHECK(renewed == 1);
  OK(wool_credentials_update(callers, &others, &renewed, &error));
  CHECK(renewed == 0);
  wool_call_options_t soon = WOOL_CALL_OPTIONS_INIT;
  soon.dispatch_timeout_ms = 300;
  int32_t status = WOOL_OK;
  /* The session of before is used until it is replaced. */
  while (status == WOOL_OK) {
    wool_bytes_t nothing = ints(0, 0, 0);
    wool_error_t *error = NULL;
    status = wool_call(pool, text("test.peer"), payload(nothing), &soon, -1, &result, NULL, &error);
    wool_bytes_free(&nothing);
    wool_bytes_free(&result);
    wool_error_free(error);
  }
  CHECK(status == WOOL_ERR_NO_WORKERS_AVAILABLE);

  OK(wool_runtime_close(runtime, -1, &error));
  wool_pool_free(pool);
  wool_pool_free(plain);
  wool_worker_free(worker);
  wool_runtime_free(runtime);
  wool_credentials_free(own);
  wool_credentials_free(callers);
}

/* With TLS 1.3 a caller is connected, and talks, before it can hear that its certificate is refused. */
TEST(a_caller_whose_certificate_is_refused_is_told_why) {
  wool_credentials_t *own = credentials_of("worker"), *none = NULL;
  wool_credentials_options_t only_ca = WOOL_CREDENTIALS_OPTIONS_INIT;
  char path[256];
  only_ca.ca_file = certificate_file(path, "ca.pem");
  OK(wool_credentials_new(&only_ca, &none, &error));
  wool_runtime_t *runtime = world_runtime();
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.credentials = own;
  wool_worker_t *worker = NULL;
  OK(wool_worker_new(runtime, &options, &worker, &error));
  for (int i = 0; i < 20; i++) {
    wool_pool_t *pool = pool_at(runtime, worker, none);
    /* The first problem that is told. */
    const pool_status_t *status = status_of(pool);
    while (status->workers == 0 || status->worker[0].problem[0] == '\0') {
      sched_yield();
      status = status_of(pool);
    }
    if (strstr(status->worker[0].problem, "it asks for a certificate, and this side has none") == NULL) {
      check_fail(__FILE__, __LINE__, status->worker[0].problem);
    }
    OK(wool_pool_close(pool, -1, &error));
    wool_pool_free(pool);
  }
  OK(wool_runtime_close(runtime, -1, &error));
  wool_worker_free(worker);
  wool_runtime_free(runtime);
  wool_credentials_free(own);
  wool_credentials_free(none);
}

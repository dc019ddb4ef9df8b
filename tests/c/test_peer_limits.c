/* What one peer may take of a worker. Without certificates, a peer is an address: here there is one. */
#include <unistd.h>

#include "certificates.h"
#include "status.h"
#include "world.h"

enum { KIB = 1024 };

static wool_pool_t *pool_at(wool_runtime_t *runtime, const wool_worker_t *worker, const wool_credentials_t *credentials) {
  wool_pool_t *pool = NULL;
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  options.credentials = credentials;
  OK(wool_pool_new(runtime, &options, &pool, &error));
  return pool;
}

static wool_worker_t *worker_with(wool_runtime_t *runtime, wool_worker_options_t options) {
  wool_worker_t *worker = NULL;
  OK(wool_worker_new(runtime, &options, &worker, &error));
  return worker;
}

/* One pool has a session, a second is refused with these words, and has one when the first is closed. */
static void one_after_the_other(wool_worker_options_t options, const char *words) {
  wool_runtime_t *runtime = world_runtime();
  wool_worker_t *worker = worker_with(runtime, options);
  wool_pool_t *first = pool_at(runtime, worker, NULL);
  CHECK(call_int(first, "test.pid") == getpid());
  wool_pool_t *second = pool_at(runtime, worker, NULL);
  UNTIL(has_trouble(second, words) && status_of(second)->worker[0].problem[0] != '\0');
  CHECK(call_int(first, "test.pid") == getpid());
  OK(wool_pool_close(first, -1, &error));
  CHECK(call_int(second, "test.pid") == getpid());
  OK(wool_runtime_close(runtime, -1, &error));
  wool_pool_free(first);
  wool_pool_free(second);
  wool_worker_free(worker);
  wool_runtime_free(runtime);
}

TEST(a_peer_has_so_many_connections) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.peer_connections = 1;
  /* It is closed without a word. */
  one_after_the_other(options, "");
}

TEST(a_peer_has_so_many_sessions) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.peer_sessions = 1;
  one_after_the_other(options, "has 1 sessions with this worker, as many as a peer may");
}

TEST(a_peers_sessions_set_bytes_aside) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.peer_bytes = 64 * KIB;
  one_after_the_other(options, "may hold 65536 bytes at this worker together");
}

/* Calls test.echo with so many bytes. */
static int32_t echo(wool_pool_t *pool, size_t size, wool_error_t **failure) {
  wool_value_builder_t *builder = NULL;
  wool_bytes_t arguments = {0}, result = {0};
  wool_slice_t bytes = {calloc(1, size), size};
  OK(wool_value_builder_new(&builder, &error));
  OK(wool_value_builder_arguments(builder, 1, 0, &error));
  OK(wool_value_builder_bytes(builder, bytes, &error));
  OK(wool_value_builder_finish(builder, &arguments, &error));
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.dispatch_timeout_ms = 300;
  int32_t status =
      (int32_t)wool_call(pool, text("test.echo"), payload(arguments), &options, -1, &result, NULL, failure);
  wool_value_builder_free(builder);
  wool_bytes_free(&arguments);
  wool_bytes_free(&result);
  free((void *)bytes.ptr);
  return status;
}

TEST(a_payload_beyond_a_peers_bytes_is_refused) {
  wool_runtime_t *runtime = world_runtime();
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.peer_bytes = 256 * KIB;
  wool_worker_t *worker = worker_with(runtime, options);
  wool_pool_t *pool = pool_at(runtime, worker, NULL);
  wool_error_t *failure = NULL;
  CHECK(echo(pool, 100 * KIB, &failure) == WOOL_OK);
  /* Its session has set aside half. */
  CHECK(echo(pool, 200 * KIB, &failure) == WOOL_ERR_BUSY);
  CHECK(holds(wool_error_message(failure), "for which there is no room") && wool_error_retryable(failure));
  wool_error_free(failure);
  /* What can never fit is not offered again and again. */
  CHECK(echo(pool, 1024 * KIB, &failure) == WOOL_ERR_PAYLOAD_TOO_LARGE);
  wool_error_free(failure);
  CHECK(echo(pool, 100 * KIB, &failure) == WOOL_OK);
  OK(wool_runtime_close(runtime, -1, &error));
  wool_pool_free(pool);
  wool_worker_free(worker);
  wool_runtime_free(runtime);
}

TEST(a_peer_has_so_many_calls_over_all_its_sessions) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.peer_calls = 1;
  world_t world = world_of(world_runtime(), &options);
  wool_pool_t *other = pool_at(world.runtime, world.worker, NULL);
  wool_call_t held = submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_task_t task = world_take_kept_task();
  wool_error_t *failure = NULL;
  CHECK(echo(other, 1, &failure) == WOOL_ERR_BUSY);
  CHECK(holds(wool_error_message(failure), "has 1 tasks at this worker, as many as a peer may"));
  wool_error_free(failure);
  wool_payload_t raw = {text("x"), WOOL_CODEC_RAW};
  OK(wool_task_return(task, raw, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.handle == held && event.kind == WOOL_EVENT_RESULT);
  free_event(&event);
  CHECK(call_int(other, "test.pid") == getpid());
  OK(wool_pool_close(other, -1, &error));
  wool_pool_free(other);
  world_free(&world);
}

TEST(peers_are_told_apart_by_the_names_of_their_certificates) {
  wool_credentials_t *own = credentials_of("worker"), *callers = credentials_of("caller"), *named = credentials_of("named");
  wool_runtime_t *runtime = world_runtime();
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.credentials = own;
  options.peer_sessions = 1;
  wool_worker_t *worker = worker_with(runtime, options);
  wool_pool_t *pools[] = {pool_at(runtime, worker, callers), pool_at(runtime, worker, named)};
  for (int i = 0; i < 2; i++) CHECK(call_int(pools[i], "test.pid") == getpid());
  wool_pool_t *third = pool_at(runtime, worker, callers);
  UNTIL(has_trouble(third, "caller.wool.example has 1 sessions"));
  OK(wool_runtime_close(runtime, -1, &error));
  wool_pool_free(pools[0]);
  wool_pool_free(pools[1]);
  wool_pool_free(third);
  wool_worker_free(worker);
  wool_runtime_free(runtime);
  wool_credentials_free(own);
  wool_credentials_free(callers);
  wool_credentials_free(named);
}

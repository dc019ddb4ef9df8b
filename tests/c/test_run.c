/* Programs that are workers: wool_worker_run. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "status.h"
#include "world.h"

/* A caller beside the worker that is run, on a thread of its own. */
struct calling {
  wool_runtime_t *runtime; /* that of the worker; another one calls */
  char address[64];
  int signals; /* how many end the worker */
  pthread_t thread;
  int started;
};

static void *call_and_end(void *data) {
  struct calling *calling = data;
  wool_runtime_t *calls = NULL;
  wool_queue_t *queue = NULL;
  wool_pool_t *pool = NULL;
  wool_slice_t address = text(calling->address);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  OK(wool_runtime_new(NULL, &calls, &error));
  OK(wool_queue_new(calls, NULL, &queue, &error));
  OK(wool_pool_new(calls, &options, &pool, &error));
  wool_bytes_t arguments = ints(0, 0, 0);
  const char *routine = calling->signals == 1 ? "test.keep" : "test.wait";
  OK(wool_call_submit(pool, text(routine), payload(arguments), NULL, queue, 1, NULL, &error));
  wool_bytes_free(&arguments);
  wool_task_t task = world_kept_task();
  for (int i = 0; i < calling->signals; i++) {
    CHECK(kill(getpid(), i == 0 ? SIGTERM : SIGINT) == 0);
    UNTIL(strcmp(status_of(pool)->worker[0].state, "up") != 0);
    CHECK(i > 0 || !wool_task_is_cancelled(task));
  }
  if (calling->signals == 1) {
    wool_bytes_t seven = one_int(7);
    OK(wool_task_return(task, payload(seven), &error));
    wool_bytes_free(&seven);
  }
  wool_event_t event = next_event_of(queue);
  if (calling->signals == 1) {
    CHECK(event.kind == WOOL_EVENT_RESULT && to_int(event.payload) == 7);
  } else {
    CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CANCELLED);
  }
  free_event(&event);
  OK(wool_runtime_close(calls, -1, &error));
  wool_queue_free(queue);
  wool_pool_free(pool);
  wool_runtime_free(calls);
  return NULL;
}

static void begin_calling(void *data, wool_worker_t *worker) {
  struct calling *calling = data;
  wool_slice_t address = wool_worker_address(worker);
  CHECK(address.len < sizeof calling->address && wool_worker_uid(worker).len == 36);
  memcpy(calling->address, address.ptr, address.len);
  calling->started++;
  CHECK(pthread_create(&calling->thread, NULL, call_and_end, calling) == 0);
}

static int is_default(int number) {
  struct sigaction action;
  CHECK(sigaction(number, NULL, &action) == 0);
  return action.sa_handler == SIG_DFL;
}

static void run_until_signals(int signals) {
  struct calling calling = {.runtime = world_runtime(), .signals = signals};
  CHECK(is_default(SIGTERM) && is_default(SIGINT));
  OK(wool_worker_run(calling.runtime, NULL, -1, begin_calling, &calling, &error));
  pthread_join(calling.thread, NULL);
  CHECK(calling.started == 1 && is_default(SIGTERM) && is_default(SIGINT));
  OK(wool_runtime_close(calling.runtime, -1, &error));
  wool_runtime_free(calling.runtime);
}

TEST(a_signal_drains_the_worker) { run_until_signals(1); }

TEST(a_second_signal_waits_for_nothing) {
  run_until_signals(2);
  CHECK(world_cancelled() == 1);
}

static void stop_at_once(void *data, wool_worker_t *worker) {
  (*(int *)data)++;
  OK(wool_worker_stop(worker, 0, -1, &error));
}

static void *close_runtime(void *data) {
  OK(wool_runtime_close(data, -1, &error));
  return NULL;
}

struct closing {
  wool_runtime_t *runtime;
  pthread_t thread;
};

static void begin_closing(void *data, wool_worker_t *worker) {
  struct closing *closing = data;
  /* One at a time. */
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "of this process already",
        wool_worker_run(closing->runtime, NULL, 0, NULL, NULL, &error));
  CHECK(wool_worker_address(worker).len > 0);
  CHECK(pthread_create(&closing->thread, NULL, close_runtime, closing->runtime) == 0);
}

TEST(it_ends_with_its_worker_or_its_runtime) {
  struct closing closing = {world_runtime(), 0};
  int started = 0;
  OK(wool_worker_run(closing.runtime, NULL, -1, stop_at_once, &started, &error));
  CHECK(started == 1);
  OK(wool_worker_run(closing.runtime, NULL, -1, begin_closing, &closing, &error));
  pthread_join(closing.thread, NULL);
  FAILS(WOOL_ERR_CLOSED, "closed", wool_worker_run(closing.runtime, NULL, -1, NULL, NULL, &error));
  CHECK(is_default(SIGTERM) && is_default(SIGINT));
  wool_runtime_free(closing.runtime);
}

static atomic_int destroyed;
static void destroy(void *data) {
  (void)data;
  destroyed++;
}

static void admit(void *data, wool_admission_t admission, const wool_admission_info_t *info) {
  (void)data;
  (void)info;
  OK(wool_admission_accept(admission, &error));
}

static void run_inside(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)info;
  (void)arguments;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "callback", wool_worker_run(data, NULL, 0, NULL, NULL, &error));
  wool_bytes_t one = one_int(1);
  OK(wool_task_return(task, payload(one), &error));
  wool_bytes_free(&one);
}

TEST(what_cannot_be_run_is_told) {
  wool_runtime_t *runtime = world_runtime();
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.admit = admit;
  options.admit_destroy = destroy;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL", wool_worker_run(NULL, &options, 0, NULL, NULL, &error));
  CHECK(destroyed == 1);
  options.bind = text("nowhere");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "nowhere", wool_worker_run(runtime, &options, 0, NULL, NULL, &error));
  CHECK(destroyed == 2 && is_default(SIGTERM));
  options.bind = text("");
  int started = 0;
  OK(wool_worker_run(runtime, &options, 0, stop_at_once, &started, &error));
  CHECK(destroyed == 3 && started == 1);
  options.struct_size = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "struct_size is 1", wool_worker_run(runtime, &options, 0, NULL, NULL, &error));
  CHECK(destroyed == 3);

  wool_routine_options_t inside = WOOL_ROUTINE_OPTIONS_INIT;
  inside.name = text("test.inside");
  inside.kind = WOOL_ROUTINE_UNARY;
  inside.run = run_inside;
  inside.user_data = runtime;
  OK(wool_routine_register(runtime, &inside, &error));
  world_t world = world_of(runtime, NULL);
  CHECK(call_int(world.pool, "test.inside") == 1);
  world_free(&world);
}

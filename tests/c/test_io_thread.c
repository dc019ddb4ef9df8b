/* Routines whose callbacks come on the I/O thread. */
#include "world.h"

#include <pthread.h>
#include <semaphore.h>

static wool_pool_t *pool;
static int on_io_thread, refused, blocked;
static sem_t go_on;

/* The name of a thread that calls back. */
static void look_at_thread(void) {
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  if (strcmp(name, "wool-io") == 0) world_count(&on_io_thread);
}

static void run_add(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)info;
  int64_t numbers[2];
  look_at_thread();
  read_ints(arguments, 2, numbers);
  wool_bytes_t sum = one_int(numbers[0] + numbers[1]);
  OK(wool_task_return(task, payload(sum), &error));
  wool_bytes_free(&sum);
}

static void run_waiting(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)info;
  wool_bytes_t result;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "must not block",
        wool_call(pool, text("io.add"), arguments, NULL, -1, &result, NULL, &error));
  world_count(&refused);
  wool_bytes_t number = one_int(refused);
  OK(wool_task_return(task, payload(number), &error));
  wool_bytes_free(&number);
}

static void run_blocking(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)info, (void)arguments;
  world_count(&blocked);
  sem_wait(&go_on);
  OK(wool_task_fail(task, &(wool_fault_t)WOOL_FAULT_INIT, &error));
}

static void step_three(void *data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                       const wool_error_t *thrown) {
  (void)data, (void)state, (void)sent, (void)thrown;
  static int given;
  look_at_thread();
  if (step == WOOL_STEP_NEXT && given < 3) {
    wool_bytes_t item = one_int(given++);
    OK(wool_task_yield(task, payload(item), &error));
    wool_bytes_free(&item);
  } else {
    OK(wool_task_end(task, &error));
  }
}

static void serve_there(wool_runtime_t *runtime, const char *name, wool_run_fn run, wool_step_fn step) {
  serve_with(runtime, name, (wool_routine_options_t){.run = run, .step = step, .on_io_thread = 1});
}

static world_t io_world(void) {
  wool_runtime_options_t options = WOOL_RUNTIME_OPTIONS_INIT;
  options.routine_threads = 1;
  wool_runtime_t *runtime = world_runtime_with(&options);
  serve(runtime, "test.block", run_blocking, NULL, NULL);
  serve_there(runtime, "io.add", run_add, NULL);
  serve_there(runtime, "io.waiting", run_waiting, NULL);
  serve_there(runtime, "io.three", NULL, step_three);
  world_t world = world_of(runtime, NULL);
  pool = world.pool;
  return world;
}

static int64_t add_there(world_t *world, int64_t a, int64_t b) {
  wool_bytes_t arguments = ints(2, a, b), result = {0};
  OK(wool_call(world->pool, text("io.add"), payload(arguments), NULL, -1, &result, NULL, &error));
  const int64_t sum = to_int(result);
  wool_bytes_free(&result);
  wool_bytes_free(&arguments);
  return sum;
}

TEST(callbacks_come_on_the_io_thread) {
  world_t world = io_world();
  for (int i = 0; i < 100; i++) CHECK(add_there(&world, i, 1) == i + 1);
  CHECK(world_count_of(&on_io_thread) == 100);
  wool_stream_t stream = open_stream(&world, "io.three", ints(0, 0, 0), NULL, 0);
  wool_bytes_t item;
  for (int i = 0; i < 3; i++) {
    OK(wool_stream_wait(stream, -1, &item, NULL, &error));
    CHECK(to_int(item) == i);
    wool_bytes_free(&item);
  }
  ANSWERS(WOOL_END, wool_stream_wait(stream, -1, &item, NULL, &error));
  CHECK(world_count_of(&on_io_thread) == 104);
  world_free(&world);
}

TEST(functions_that_wait_fail_there) {
  world_t world = io_world();
  CHECK(call_int(world.pool, "io.waiting") == 1);
  CHECK(call_int(world.pool, "io.waiting") == 2);
  world_free(&world);
}

TEST(they_need_no_thread_of_the_routines) {
  world_t world = io_world();
  OK(sem_init(&go_on, 0, 0));
  submit(&world, "test.block", ints(0, 0, 0), 1);
  /* The only one is occupied. */
  world_wait_count(&blocked, 1);
  for (int i = 0; i < 100; i++) CHECK(add_there(&world, i, 2) == i + 2);
  OK(sem_post(&go_on));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_TASK_FAILED);
  free_event(&event);
  world_free(&world);
}

TEST(a_queue_has_its_own_threads) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *queue = queue_of(runtime, 0);
  wool_routine_options_t options = WOOL_ROUTINE_OPTIONS_INIT;
  options.name = text("io.queued");
  options.kind = WOOL_ROUTINE_UNARY;
  options.queue = queue;
  options.on_io_thread = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "io.queued has a queue", wool_routine_register(runtime, &options, &error));
  OK(wool_runtime_close(runtime, -1, &error));
  wool_queue_free(queue);
  wool_runtime_free(runtime);
}

/* Much at once, and much that blocks: everything comes back, small calls pass large ones, memory stays bounded. */
#include "world.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MIB = 1 << 20 };

/* Routines that occupy their thread until the gate opens. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int blocked, open;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

static void wait_blocked(int count) {
  pthread_mutex_lock(&gate.lock);
  while (gate.blocked < count) pthread_cond_wait(&gate.changed, &gate.lock);
  pthread_mutex_unlock(&gate.lock);
}

static void open_gate(void) {
  pthread_mutex_lock(&gate.lock);
  gate.open = 1;
  pthread_cond_broadcast(&gate.changed);
  pthread_mutex_unlock(&gate.lock);
}

static void return_int(wool_task_t task, int64_t number) {
  wool_bytes_t value = one_int(number);
  OK(wool_task_return(task, payload(value), &error));
  wool_bytes_free(&value);
}

static void block(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)info, (void)arguments;
  pthread_mutex_lock(&gate.lock);
  gate.blocked++;
  pthread_cond_broadcast(&gate.changed);
  while (!gate.open) pthread_cond_wait(&gate.changed, &gate.lock);
  pthread_mutex_unlock(&gate.lock);
  return_int(task, 1);
}

static atomic_int stop_spinning, spinning;

static void spin(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)info, (void)arguments;
  spinning++;
  while (!stop_spinning) continue;
  return_int(task, 1);
}

static void size(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)info;
  return_int(task, (int64_t)arguments.data.len);
}

static wool_runtime_t *loaded_runtime(uint32_t threads) {
  wool_runtime_options_t options = WOOL_RUNTIME_OPTIONS_INIT;
  options.routine_threads = threads;
  wool_runtime_t *runtime = world_runtime_with(&options);
  serve(runtime, "test.block", block, NULL, NULL);
  serve(runtime, "test.spin", spin, NULL, NULL);
  serve(runtime, "test.size", size, NULL, NULL);
  return runtime;
}

static world_t loaded_world(uint32_t threads, uint32_t concurrency) {
  wool_worker_options_t worker = WOOL_WORKER_OPTIONS_INIT;
  worker.concurrency = concurrency;
  return world_of(loaded_runtime(threads), &worker);
}

static void submit_to(world_t *world, const char *routine, wool_bytes_t arguments, wool_queue_t *queue) {
  OK(wool_call_submit(world->pool, text(routine), payload(arguments), NULL, queue, 0, NULL, &error));
  wool_bytes_free(&arguments);
}

/* So many results come, each an int: their sum. */
static int64_t sum_results(wool_queue_t *queue, int count) {
  int64_t sum = 0;
  while (count > 0) {
    wool_event_t events[64];
    size_t drained;
    OK(wool_queue_drain(queue, events, sizeof *events, 64, NULL, 0, -1, &drained, &error));
    for (size_t i = 0; i < drained; i++, count--) {
      CHECK(events[i].kind == WOOL_EVENT_RESULT);
      sum += to_int(events[i].payload);
      wool_bytes_free(&events[i].payload);
    }
  }
  return sum;
}

TEST(small_calls_go_on_while_all_threads_but_one_block) {
  enum { THREADS = 4 };
  world_t world = loaded_world(THREADS, 0);
  wool_queue_t *queue = queue_of(world.runtime, 0);
  for (int i = 0; i < THREADS - 1; i++) submit_to(&world, "test.block", ints(0, 0, 0), queue);
  wait_blocked(THREADS - 1);
  for (int i = 0; i < 200; i++) CHECK(call_add(&world, i, 1) == i + 1);
  open_gate();
  CHECK(sum_results(queue, THREADS - 1) == THREADS - 1);
  wool_queue_free(queue);
  world_free(&world);
}

TEST(small_calls_go_on_while_all_threads_but_one_compute) {
  enum { THREADS = 3 };
  world_t world = loaded_world(THREADS, 0);
  wool_queue_t *queue = queue_of(world.runtime, 0);
  for (int i = 0; i < THREADS - 1; i++) submit_to(&world, "test.spin", ints(0, 0, 0), queue);
  while (spinning < THREADS - 1) sched_yield();
  for (int i = 0; i < 20; i++) CHECK(call_add(&world, i, 1) == i + 1);
  stop_spinning = 1;
  CHECK(sum_results(queue, THREADS - 1) == THREADS - 1);
  wool_queue_free(queue);
  world_free(&world);
}

TEST(what_needs_no_routine_thread_goes_on_while_all_of_them_block) {
  enum { THREADS = 2 };
  wool_runtime_t *runtime = loaded_runtime(THREADS);
  wool_queue_t *queue = queue_of(runtime, 0), *tasks = queue_of(runtime, 8);
  serve_by_queue(runtime, "queued.unary", WOOL_ROUTINE_UNARY, tasks, 0);
  world_t world = world_of(runtime, NULL);
  for (int i = 0; i < THREADS; i++) submit_to(&world, "test.block", ints(0, 0, 0), queue);
  wait_blocked(THREADS);
  wool_call_t call = submit(&world, "queued.unary", ints(0, 0, 0), 1);
  wool_event_t task = next_event_of(tasks);
  return_int(task.handle, 5);
  wool_event_t event = next_event(&world);
  CHECK(event.handle == call && event.kind == WOOL_EVENT_RESULT && to_int(event.payload) == 5);
  free_event(&event);
  free_event(&task);
  open_gate();
  CHECK(sum_results(queue, THREADS) == THREADS);
  wool_queue_free(queue);
  wool_queue_free(tasks);
  world_free(&world);
}

TEST(ten_thousand_calls_that_nobody_drains_for_a_while_all_come_back) {
  enum { CALLS = 10000 };
  world_t world = loaded_world(0, 64);
  wool_queue_t *queue = queue_of(world.runtime, CALLS);
  int64_t expected = 0;
  for (int i = 0; i < CALLS; i++) {
    submit_to(&world, "test.add", ints(2, i, 1), queue);
    expected += i + 1;
  }
  /* Each holds its slot until it is drained: there is no room for another. */
  wool_bytes_t arguments = ints(2, 1, 2);
  FAILS(WOOL_ERR_BUSY, "10000 slots",
        wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, queue, 0, NULL, &error));
  wool_bytes_free(&arguments);
  /* Others are not held up. */
  for (int i = 0; i < 100; i++) CHECK(call_add(&world, i, 1) == i + 1);
  CHECK(sum_results(queue, CALLS) == expected);
  wool_event_t event;
  size_t count;
  ANSWERS(WOOL_PENDING, wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  submit_to(&world, "test.add", ints(2, 1, 2), queue);
  CHECK(sum_results(queue, 1) == 3);
  wool_queue_free(queue);
  world_free(&world);
}

/* A sanitizer's allocator keeps what is freed, so that resident memory tells nothing of what is held. */
#if defined(__SANITIZE_ADDRESS__)
#define RESIDENT_TELLS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RESIDENT_TELLS 0
#endif
#endif
#ifndef RESIDENT_TELLS
#define RESIDENT_TELLS 1
#endif

/* The process's resident memory, in MiB. */
static long resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
  fclose(file);
  return pages * 4096 / MIB;
}

static wool_bytes_t large_arguments(size_t length) {
  uint8_t *bytes = calloc(1, length);
  wool_value_builder_t *builder;
  wool_bytes_t arguments;
  wool_slice_t data = {bytes, length};
  OK(wool_value_builder_new(&builder, &error));
  OK(wool_value_builder_arguments(builder, 1, 0, &error));
  OK(wool_value_builder_bytes(builder, data, &error));
  OK(wool_value_builder_finish(builder, &arguments, &error));
  wool_value_builder_free(builder);
  free(bytes);
  return arguments;
}

TEST(small_calls_pass_a_hundred_mebibytes) {
  world_t world = loaded_world(2, 0);
  wool_queue_t *queue = queue_of(world.runtime, 2);
  wool_bytes_t arguments = large_arguments((size_t)100 * MIB);
  int64_t length = (int64_t)arguments.len;
  submit_to(&world, "test.size", arguments, queue);
  int small = 0;
  wool_event_t event;
  size_t count = 0;
  while (wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, 0, &count, NULL) == WOOL_PENDING) {
    CHECK(call_add(&world, small, 1) == small + 1);
    small++;
  }
  CHECK(small >= 10 && count == 1 && event.kind == WOOL_EVENT_RESULT && to_int(event.payload) == length);
  free_event(&event);
  wool_queue_free(queue);
  world_free(&world);
}

TEST(memory_stays_bounded_while_large_items_wait_to_be_taken) {
  enum { STREAMS = 20, ITEM = 4 };
  wool_stream_t streams[STREAMS];
  static uint8_t bytes[ITEM * MIB];
  wool_payload_t item = {{bytes, sizeof bytes}, WOOL_CODEC_RAW};
  wool_runtime_t *runtime = loaded_runtime(0);
  wool_queue_t *tasks = queue_of(runtime, 64);
  serve_by_queue(runtime, "queued.large", WOOL_ROUTINE_STREAM, tasks, 0);
  world_t world = world_of(runtime, NULL);
  long before = resident();
  for (int i = 0; i < STREAMS; i++) {
    streams[i] = open_stream(&world, "queued.large", ints(0, 0, 0), NULL, 0);
    wool_bytes_t taken;
    ANSWERS(WOOL_PENDING, wool_stream_wait(streams[i], 0, &taken, NULL, &error));
  }
  /* Each has been asked for one item: more than that none may give, so no more than that is held anywhere. */
  for (int i = 0; i < STREAMS; i++) {
    wool_event_t step = next_event_of(tasks);
    while (step.kind != WOOL_EVENT_STEP) {
      free_event(&step);
      step = next_event_of(tasks);
    }
    OK(wool_task_yield(step.handle, item, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "no item was asked for", wool_task_yield(step.handle, item, &error));
  }
  CHECK(call_add(&world, 1, 2) == 3);
  CHECK(!RESIDENT_TELLS || resident() - before < 4 * STREAMS * ITEM);
  for (int i = 0; i < STREAMS; i++) {
    wool_bytes_t taken;
    OK(wool_stream_wait(streams[i], -1, &taken, NULL, &error));
    CHECK(taken.len == sizeof bytes);
    wool_bytes_free(&taken);
    CHECK(wool_stream_cancel(streams[i]) == WOOL_OK);
  }
  OK(wool_queue_close(tasks, &error));
  wool_queue_free(tasks);
  world_free(&world);
}

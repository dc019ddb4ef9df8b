#include "world.h"

#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static wool_task_t kept;
static int cancelled, cleaned;

void world_count(int *counter) {
  pthread_mutex_lock(&lock);
  ++*counter;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

int world_count_of(const int *counter) {
  pthread_mutex_lock(&lock);
  int value = *counter;
  pthread_mutex_unlock(&lock);
  return value;
}

void world_wait_count(const int *counter, int count) {
  pthread_mutex_lock(&lock);
  while (*counter < count) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

int world_cancelled(void) { return world_count_of(&cancelled); }
int world_cleaned(void) { return world_count_of(&cleaned); }
void world_wait_cancelled(int count) { world_wait_count(&cancelled, count); }
void world_wait_cleaned(int count) { world_wait_count(&cleaned, count); }

wool_task_t world_kept_task(void) {
  pthread_mutex_lock(&lock);
  while (kept == 0) pthread_cond_wait(&changed, &lock);
  wool_task_t task = kept;
  pthread_mutex_unlock(&lock);
  return task;
}

wool_task_t world_take_kept_task(void) {
  wool_task_t task = world_kept_task();
  pthread_mutex_lock(&lock);
  kept = 0;
  pthread_mutex_unlock(&lock);
  return task;
}

static wool_bytes_t finished(wool_value_builder_t *builder) {
  wool_bytes_t bytes = {0};
  OK(wool_value_builder_finish(builder, &bytes, &error));
  wool_value_builder_free(builder);
  return bytes;
}

wool_bytes_t ints(int count, int64_t a, int64_t b) {
  int64_t numbers[] = {a, b};
  wool_value_builder_t *builder = NULL;
  OK(wool_value_builder_new(&builder, &error));
  OK(wool_value_builder_arguments(builder, (size_t)count, 0, &error));
  for (int i = 0; i < count; i++) OK(wool_value_builder_int(builder, numbers[i], &error));
  return finished(builder);
}

wool_bytes_t one_int(int64_t number) {
  wool_value_builder_t *builder = NULL;
  OK(wool_value_builder_new(&builder, &error));
  OK(wool_value_builder_int(builder, number, &error));
  return finished(builder);
}

wool_payload_t payload(wool_bytes_t bytes) {
  wool_payload_t payload = {{bytes.ptr, bytes.len}, WOOL_CODEC_MSGPACK};
  return payload;
}

int64_t to_int(wool_bytes_t bytes) {
  int64_t number = 0;
  wool_value_reader_t *reader = NULL;
  OK(wool_value_reader_new(payload(bytes).data, &reader, &error));
  OK(wool_value_reader_int(reader, &number, &error));
  wool_value_reader_free(reader);
  return number;
}

void read_ints(wool_payload_t arguments, size_t count, int64_t *numbers) {
  wool_value_reader_t *reader = NULL;
  size_t positional = 0, named = 0;
  OK(wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, &error));
  CHECK(positional == count && named == 0);
  for (size_t i = 0; i < count; i++) OK(wool_value_reader_int(reader, &numbers[i], &error));
  wool_value_reader_free(reader);
}

static void run_add(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  CHECK(info->struct_size == sizeof *info && info->remaining_ms >= -1);
  int64_t numbers[2];
  read_ints(arguments, 2, numbers);
  wool_bytes_t sum = one_int(numbers[0] + numbers[1]);
  OK(wool_task_return(task, payload(sum), &error));
  wool_bytes_free(&sum);
}

static void run_echo(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)info;
  /* [[x]] -> x: the arguments without their two heads of one byte each. */
  CHECK(arguments.data.len > 2);
  wool_payload_t value = {{arguments.data.ptr + 2, arguments.data.len - 2}, arguments.codec};
  OK(wool_task_return(task, value, &error));
}

static void run_fail(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)info;
  (void)arguments;
  wool_fault_t inner = WOOL_FAULT_INIT;
  inner.type = text("Fox");
  inner.message = text("came at night");
  wool_error_t *cause = NULL;
  OK(wool_error_new(&inner, &cause, &error));

  wool_bytes_t seven = one_int(7);
  wool_payload_t value = payload(seven);
  wool_slice_t lines[] = {text("field.c:1"), text("fence.c:22")};
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.type = text("ShearingError");
  fault.message = text("the sheep ran away");
  fault.traceback = lines;
  fault.traceback_len = 2;
  fault.value = &value;
  fault.cause = cause;
  OK(wool_task_fail(task, &fault, &error));
  wool_error_free(cause);
  wool_bytes_free(&seven);
}

static void run_wait(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)info;
  (void)arguments;
  pthread_mutex_lock(&lock);
  kept = task;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

static void cancel_wait(void *data, wool_task_t task, void *state) {
  (void)data;
  (void)state;
  CHECK(wool_task_is_cancelled(task));
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = WOOL_ERR_CANCELLED;
  OK(wool_task_fail(task, &fault, &error));
  world_count(&cancelled);
}

struct counting {
  int64_t next, end;
};

/* A cancel may have answered first; then the state is freed at once. */
static void keep_state(wool_task_t task, struct counting *counting) {
  int32_t answered = wool_task_set_state(task, counting, free, NULL);
  CHECK(answered == WOOL_OK || wool_task_is_cancelled(task));
}

static void run_count(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)info;
  struct counting *counting = calloc(1, sizeof *counting);
  read_ints(arguments, 1, &counting->end);
  keep_state(task, counting);
}

static void run_endless(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)info;
  (void)arguments;
  struct counting *counting = calloc(1, sizeof *counting);
  counting->end = INT64_MAX;
  keep_state(task, counting);
}

static void step_count(void *data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                       const wool_error_t *thrown) {
  (void)data;
  CHECK((step == WOOL_STEP_SEND) == (sent.data.len > 0) && (step == WOOL_STEP_THROW) == (thrown != NULL));
  struct counting *counting = state;
  int32_t answered;
  if (step == WOOL_STEP_NEXT && counting->next < counting->end) {
    wool_bytes_t item = one_int(counting->next++);
    answered = wool_task_yield(task, payload(item), NULL);
    wool_bytes_free(&item);
  } else {
    answered = wool_task_end(task, NULL);
    if (answered == WOOL_OK) world_count(&cleaned);
  }
  /* A cancel may have answered first. */
  CHECK(answered == WOOL_OK || wool_task_is_cancelled(task));
}

static void cancel_count(void *data, wool_task_t task, void *state) {
  (void)data;
  (void)state;
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = WOOL_ERR_CANCELLED;
  /* The step under way may have ended it. */
  if (wool_task_fail(task, &fault, NULL) == WOOL_OK) world_count(&cleaned);
}

static void run_pid(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)info;
  (void)arguments;
  wool_bytes_t pid = one_int(getpid());
  OK(wool_task_return(task, payload(pid), &error));
  wool_bytes_free(&pid);
}

static void run_exit(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)task;
  (void)info;
  int64_t status;
  read_ints(arguments, 1, &status);
  _exit((int)status);
}

void serve(wool_runtime_t *runtime, const char *name, wool_run_fn run, wool_step_fn step, wool_cancel_fn cancel) {
  serve_with(runtime, name, (wool_routine_options_t){.run = run, .step = step, .cancel = cancel});
}

void serve_with(wool_runtime_t *runtime, const char *name, wool_routine_options_t options) {
  options.struct_size = sizeof options;
  options.name = text(name);
  if (options.kind == 0) options.kind = options.step == NULL ? WOOL_ROUTINE_UNARY : WOOL_ROUTINE_STREAM;
  OK(wool_routine_register(runtime, &options, &error));
}

void serve_by_queue(wool_runtime_t *runtime, const char *name, int32_t kind, wool_queue_t *queue, uint64_t tag) {
  serve_with(runtime, name, (wool_routine_options_t){.kind = kind, .queue = queue, .tag = tag});
}

wool_queue_t *queue_of(wool_runtime_t *runtime, uint32_t capacity) {
  wool_queue_options_t options = WOOL_QUEUE_OPTIONS_INIT;
  wool_queue_t *queue = NULL;
  options.capacity = capacity;
  OK(wool_queue_new(runtime, &options, &queue, &error));
  return queue;
}

wool_runtime_t *world_runtime(void) { return world_runtime_with(NULL); }

wool_runtime_t *world_runtime_with(const wool_runtime_options_t *options) {
  wool_runtime_t *runtime = NULL;
  OK(wool_runtime_new(options, &runtime, &error));
  serve(runtime, "test.add", run_add, NULL, NULL);
  serve(runtime, "test.echo", run_echo, NULL, NULL);
  serve(runtime, "test.fail", run_fail, NULL, NULL);
  serve(runtime, "test.wait", run_wait, NULL, cancel_wait);
  serve(runtime, "test.keep", run_wait, NULL, NULL);
  serve(runtime, "test.count", run_count, step_count, cancel_count);
  serve(runtime, "test.endless", run_endless, step_count, cancel_count);
  serve(runtime, "test.pid", run_pid, NULL, NULL);
  serve(runtime, "test.exit", run_exit, NULL, NULL);
  return runtime;
}

world_t world_new(void) { return world_of(world_runtime(), NULL); }

world_t world_of(wool_runtime_t *runtime, const wool_worker_options_t *options) {
  world_t world = {0};
  world.runtime = runtime;
  OK(wool_worker_new(world.runtime, options, &world.worker, &error));
  wool_slice_t address = wool_worker_address(world.worker);
  wool_pool_options_t pool = WOOL_POOL_OPTIONS_INIT;
  pool.addresses = &address;
  pool.address_count = 1;
  OK(wool_pool_new(world.runtime, &pool, &world.pool, &error));
  world.queue = queue_of(world.runtime, 64);
  return world;
}

void world_free(world_t *world) {
  OK(wool_runtime_close(world->runtime, -1, &error));
  wool_queue_free(world->queue);
  wool_pool_free(world->pool);
  wool_worker_free(world->worker);
  wool_runtime_free(world->runtime);
}

wool_call_t submit(world_t *world, const char *routine, wool_bytes_t arguments, uint64_t tag) {
  wool_call_t call = 0;
  OK(wool_call_submit(world->pool, text(routine), payload(arguments), NULL, world->queue, tag, &call, &error));
  wool_bytes_free(&arguments);
  CHECK(call != 0);
  return call;
}

wool_stream_t open_stream(world_t *world, const char *routine, wool_bytes_t arguments, wool_queue_t *queue,
                          uint64_t tag) {
  wool_stream_t stream = 0;
  OK(wool_stream_open(world->pool, text(routine), payload(arguments), NULL, queue, tag, &stream, &error));
  wool_bytes_free(&arguments);
  CHECK(stream != 0);
  return stream;
}

int64_t call_add(world_t *world, int64_t a, int64_t b) {
  wool_bytes_t arguments = ints(2, a, b), result = {0};
  int32_t codec = 0;
  OK(wool_call(world->pool, text("test.add"), payload(arguments), NULL, -1, &result, &codec, &error));
  CHECK(codec == WOOL_CODEC_MSGPACK);
  int64_t sum = to_int(result);
  wool_bytes_free(&arguments);
  wool_bytes_free(&result);
  return sum;
}

int64_t call_int(wool_pool_t *pool, const char *routine) {
  wool_bytes_t arguments = ints(0, 0, 0), result = {0};
  OK(wool_call(pool, text(routine), payload(arguments), NULL, -1, &result, NULL, &error));
  int64_t number = to_int(result);
  wool_bytes_free(&arguments);
  wool_bytes_free(&result);
  return number;
}

wool_event_t next_event_of(wool_queue_t *queue) {
  wool_event_t event;
  size_t count = 0;
  OK(wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  CHECK(count == 1);
  return event;
}

wool_event_t next_event(world_t *world) { return next_event_of(world->queue); }

void free_event(wool_event_t *event) {
  wool_bytes_free(&event->payload);
  wool_error_free(event->error);
  event->error = NULL;
}

/* What happens to a call and to a stream, as their caller and their worker tell of it. */
#include <pthread.h>

#include "../common.h"

enum { MOST = 32, LINE = 64 };

/* What was told of a task, by its caller and by its worker. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  char lines[2][MOST][LINE];
  int count[2];
  int scheduled, completed;
} story_t;

/* On a thread of its own. */
static void hear(void *user_data, const wool_task_event_t *event) {
  static const char *const kinds[] = {"created",   "scheduled",           "started",           "stopped",
                                      "completed", "iteration-initiated", "iteration-started", "iteration-completed"};
  static const char *const steps[] = {"", " next", " send", " throw"};
  story_t *story = user_data;
  int side = event->side == WOOL_SIDE_WORKER;
  int is_ok = event->kind == WOOL_TASK_COMPLETED && event->status == WOOL_OK;
  pthread_mutex_lock(&story->lock);
  if (story->count[side] < MOST) {
    snprintf(story->lines[side][story->count[side]++], LINE, "%s task-%s%s%s", side ? "worker" : "caller",
             kinds[event->kind - 1], steps[event->step], is_ok ? " OK" : "");
  }
  story->scheduled += event->kind == WOOL_TASK_SCHEDULED;
  story->completed += event->kind == WOOL_TASK_COMPLETED;
  pthread_cond_signal(&story->changed);
  pthread_mutex_unlock(&story->lock);
}

static void wait_for(story_t *story, const int *counter, int count) {
  pthread_mutex_lock(&story->lock);
  while (*counter < count) pthread_cond_wait(&story->changed, &story->lock);
  pthread_mutex_unlock(&story->lock);
}

/* When both sides have told the end; and forgets it. */
static void print(story_t *story) {
  wait_for(story, &story->completed, 2);
  for (int side = 0; side < 2; side++) {
    for (int i = 0; i < story->count[side]; i++) puts(story->lines[side][i]);
    story->count[side] = 0;
  }
  story->scheduled = story->completed = 0;
}

static void card(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  return_int(task, int_argument(arguments));
}

static void spin_begin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  int64_t *left = calloc(1, sizeof *left);
  if (left == NULL) exit(1);
  *left = int_argument(arguments);
  wool_task_set_state(task, left, free, NULL);
}

static void spin(void *user_data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                 const wool_error_t *thrown) {
  (void)user_data, (void)sent, (void)thrown;
  int64_t *left = state;
  if (step == WOOL_STEP_CLOSE || *left == 0) {
    wool_task_end(task, NULL);
    return;
  }
  wool_bytes_t item = encode_int((*left)--);
  wool_task_yield(task, encoded(&item), NULL);
  wool_bytes_free(&item);
}

static void call_card(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  wool_bytes_t one = encode_arguments(NULL, (int64_t[]){1}, 1), answer = {0};
  check(wool_call(pool, text("wool.card"), encoded(&one), NULL, -1, &answer, NULL, &error), error);
  wool_bytes_free(&answer);
  wool_bytes_free(&one);
}

static void take_all(wool_pool_t *pool, story_t *story) {
  wool_error_t *error = NULL;
  wool_bytes_t two = encode_arguments(NULL, (int64_t[]){2}, 1), item = {0};
  wool_stream_t items;
  wool_status_t status;
  check(wool_stream_open(pool, text("wool.spin"), encoded(&two), NULL, NULL, 0, &items, &error), error);
  /* One who asks at once may ask before a worker has it. */
  wait_for(story, &story->scheduled, 1);
  while ((status = wool_stream_wait(items, -1, &item, NULL, &error)) == WOOL_OK) wool_bytes_free(&item);
  check(status, error);
  wool_bytes_free(&two);
}

int main(void) {
  static story_t story = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  const char *const n[] = {"n", NULL};
  wool_runtime_t *runtime;
  wool_worker_t *worker;
  wool_pool_t *pool;
  wool_task_events_t *events;
  wool_error_t *error = NULL;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  add_routine(runtime, "wool.card", n, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = card});
  add_routine(runtime, "wool.spin", n,
              (wool_routine_options_t){.kind = WOOL_ROUTINE_STREAM, .run = spin_begin, .step = spin});
  check(wool_worker_new(runtime, NULL, &worker, &error), error);
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  check(wool_pool_new(runtime, &options, &pool, &error), error);

  wool_task_events_options_t listening = WOOL_TASK_EVENTS_OPTIONS_INIT;
  listening.handler = hear;
  listening.user_data = &story;
  check(wool_task_events_new(runtime, &listening, &events, &error), error);
  call_card(pool);
  print(&story);
  take_all(pool, &story);
  print(&story);

  wool_task_events_free(events);
  check(wool_worker_stop(worker, 0, -1, &error), error);
  leave(runtime, pool);
  wool_worker_free(worker);
  return 0;
}

/* Which worker gets a call: balancers of the program's own, by a callback and through a queue. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "status.h"
#include "world.h"

/* Two workers, and a pool with a balancer. */
typedef struct {
  wool_runtime_t *runtime;
  wool_worker_t *workers[2];
  wool_pool_t *pool;
  wool_queue_t *queue; /* of the calls */
} pair_t;

/* What the balancer of the tests saw, and what it does. */
struct judge {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  wool_choice_t kept;
  int asked;
  atomic_int destroyed;
};

static void judge_init(struct judge *judge) {
  memset(judge, 0, sizeof *judge);
  pthread_mutex_init(&judge->lock, NULL);
  pthread_cond_init(&judge->changed, NULL);
}

static int64_t index_of(const wool_choice_info_t *info, wool_slice_t uid) {
  for (size_t i = 0; i < info->worker_count; i++) {
    wool_slice_t found = info->workers[i].uid;
    if (found.len == uid.len && memcmp(found.ptr, uid.ptr, uid.len) == 0) return (int64_t)i;
  }
  return -1;
}

/* Decides by the tag: "keep", "none", "wrong", or the uid of a worker. */
static void balance(void *data, wool_choice_t choice, const wool_choice_info_t *info) {
  struct judge *judge = data;
  CHECK(info->struct_size == sizeof *info && info->worker_size == sizeof(wool_choice_worker_t));
  CHECK(info->worker_count > 0 && info->routine.len > 0);
  for (size_t i = 0; i < info->worker_count; i++) {
    const wool_choice_worker_t *worker = &info->workers[i];
    CHECK(worker->uid.len == 36 && worker->address.len > 0 && worker->capacity > worker->in_flight);
    /* Labels are in records, and these workers are known by their addresses. */
    CHECK(worker->tag_count == 0 && worker->tags == NULL);
  }
  wool_choice_info_t again = WOOL_CHOICE_INFO_INIT;
  OK(wool_choice_info(choice, &again, &error));
  CHECK(again.workers == info->workers && again.worker_count == info->worker_count);
  pthread_mutex_lock(&judge->lock);
  judge->asked++;
  int keeps = same(info->tag, "keep");
  if (keeps) judge->kept = choice;
  pthread_cond_broadcast(&judge->changed);
  pthread_mutex_unlock(&judge->lock);
  if (keeps) return;
  if (same(info->tag, "none")) {
    OK(wool_choice_answer(choice, -1, &error));
  } else if (same(info->tag, "wrong")) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "was chosen of", wool_choice_answer(choice, (int64_t)info->worker_count, &error));
  } else {
    OK(wool_choice_answer(choice, index_of(info, info->tag), &error));
  }
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_choice_answer(choice, 0, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_choice_info(choice, &again, &error));
}

static void destroy(void *data) { ((struct judge *)data)->destroyed++; }

static wool_choice_t kept_choice(struct judge *judge) {
  pthread_mutex_lock(&judge->lock);
  while (judge->kept == 0) pthread_cond_wait(&judge->changed, &judge->lock);
  wool_choice_t choice = judge->kept;
  pthread_mutex_unlock(&judge->lock);
  return choice;
}

static int asked(struct judge *judge) {
  pthread_mutex_lock(&judge->lock);
  int asked = judge->asked;
  pthread_mutex_unlock(&judge->lock);
  return asked;
}

static void run_where(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data;
  (void)arguments;
  wool_payload_t raw = {{info->worker_uid, 16}, WOOL_CODEC_RAW};
  OK(wool_task_return(task, raw, &error));
}

static pair_t pair_of(wool_pool_options_t options) {
  pair_t pair = {world_runtime(), {NULL}, NULL, NULL};
  wool_slice_t addresses[2];
  serve(pair.runtime, "test.where", run_where, NULL, NULL);
  for (int i = 0; i < 2; i++) {
    OK(wool_worker_new(pair.runtime, NULL, &pair.workers[i], &error));
    addresses[i] = wool_worker_address(pair.workers[i]);
  }
  options.addresses = addresses;
  options.address_count = 2;
  options.quorum = 2;
  OK(wool_pool_new(pair.runtime, &options, &pair.pool, &error));
  OK(wool_queue_new(pair.runtime, NULL, &pair.queue, &error));
  return pair;
}

static void pair_free(pair_t *pair) {
  OK(wool_runtime_close(pair->runtime, -1, &error));
  wool_queue_free(pair->queue);
  wool_pool_free(pair->pool);
  for (int i = 0; i < 2; i++) wool_worker_free(pair->workers[i]);
  wool_runtime_free(pair->runtime);
}

static wool_pool_options_t by_callback(struct judge *judge) {
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.balancer = WOOL_BALANCER_CUSTOM;
  options.balance = balance;
  options.balance_user_data = judge;
  options.balance_destroy = destroy;
  return options;
}

static wool_call_t submit_tagged(pair_t *pair, const char *routine, wool_slice_t label, uint64_t dispatch) {
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_bytes_t arguments = ints(0, 0, 0);
  wool_call_t call = 0;
  options.tag = label;
  options.dispatch_timeout_ms = dispatch;
  OK(wool_call_submit(pair->pool, text(routine), payload(arguments), &options, pair->queue, 1, &call, &error));
  wool_bytes_free(&arguments);
  return call;
}

/* The call's result is the uid of this worker; of any for NULL. */
static void ran_on(pair_t *pair, wool_call_t call, const wool_worker_t *worker) {
  wool_event_t event = next_event_of(pair->queue);
  CHECK(event.kind == WOOL_EVENT_RESULT && event.handle == call && event.payload.len == 16);
  char dashed[40], *out = dashed;
  for (int i = 0; i < 16; i++) {
    out += sprintf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", event.payload.ptr[i]);
  }
  CHECK(worker == NULL || same(wool_worker_uid(worker), dashed));
  free_event(&event);
}

TEST(a_callback_chooses) {
  struct judge judge;
  judge_init(&judge);
  pair_t pair = pair_of(by_callback(&judge));
  for (int i = 0; i < 10; i++) {
    const wool_worker_t *worker = pair.workers[i % 2];
    ran_on(&pair, submit_tagged(&pair, "test.where", wool_worker_uid(worker), 0), worker);
  }
  CHECK(asked(&judge) >= 10);
  /* One that fails loses no call. */
  ran_on(&pair, submit_tagged(&pair, "test.where", text("wrong"), 0), NULL);
  submit_tagged(&pair, "test.where", text("none"), 1);
  wool_event_t event = next_event_of(pair.queue);
  CHECK(event.status == WOOL_ERR_NO_WORKERS_AVAILABLE);
  free_event(&event);
  OK(wool_pool_close(pair.pool, -1, &error));
  CHECK(judge.destroyed == 1);
  pair_free(&pair);
  CHECK(judge.destroyed == 1);
}

static void *answer_kept(void *data) {
  struct judge *judge = data;
  OK(wool_choice_answer(kept_choice(judge), 0, &error));
  return NULL;
}

TEST(an_answer_may_come_later_or_too_late) {
  struct judge judge;
  judge_init(&judge);
  pair_t pair = pair_of(by_callback(&judge));
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, answer_kept, &judge) == 0);
  ran_on(&pair, submit_tagged(&pair, "test.where", text("keep"), 0), NULL);
  pthread_join(thread, NULL);
  judge.kept = 0;
  wool_call_t call = submit_tagged(&pair, "test.where", text("keep"), 0);
  wool_choice_t choice = kept_choice(&judge);
  OK(wool_call_cancel(call));
  wool_event_t event = next_event_of(pair.queue);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CANCELLED);
  free_event(&event);
  /* Nobody waits for it any more. */
  wool_choice_info_t info = WOOL_CHOICE_INFO_INIT;
  OK(wool_choice_info(choice, &info, &error));
  CHECK(info.worker_count == 2 && same(info.tag, "keep") && same(info.routine, "test.where"));
  OK(wool_choice_answer(choice, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_choice_answer(choice, 1, &error));
  pair_free(&pair);
  CHECK(judge.destroyed == 1);
}

static wool_event_t choice_of(wool_queue_t *queue) {
  wool_event_t event = next_event_of(queue);
  CHECK(event.kind == WOOL_EVENT_CHOICE && event.tag == 9 && event.handle != 0 && event.payload.len == 0);
  return event;
}

TEST(a_queue_chooses) {
  struct judge judge;
  judge_init(&judge);
  wool_runtime_t *other = world_runtime();
  wool_queue_t *queue = NULL;
  wool_queue_options_t few = WOOL_QUEUE_OPTIONS_INIT;
  few.capacity = 1;
  OK(wool_queue_new(other, &few, &queue, &error));
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.balancer = WOOL_BALANCER_CUSTOM;
  options.balance_queue = queue;
  options.balance_tag = 9;
  options.balance_user_data = &judge;
  options.balance_destroy = destroy;
  pair_t pair = pair_of(options);
  for (int i = 0; i < 4; i++) {
    wool_call_t call = submit_tagged(&pair, "test.where", text("mine"), 0);
    wool_event_t event = choice_of(queue);
    wool_choice_info_t info = WOOL_CHOICE_INFO_INIT;
    OK(wool_choice_info(event.handle, &info, &error));
    CHECK(info.worker_count == 2 && same(info.tag, "mine"));
    OK(wool_choice_answer(event.handle, index_of(&info, wool_worker_uid(pair.workers[i % 2])), &error));
    ran_on(&pair, call, pair.workers[i % 2]);
  }
  /* While there is no room, the next in turn gets the call. */
  wool_call_t waits = submit_tagged(&pair, "test.where", text("waits"), 0);
  ran_on(&pair, submit_tagged(&pair, "test.where", text("in turn"), 0), NULL);
  wool_event_t event = choice_of(queue);
  /* And once it is closed, also who waits. */
  OK(wool_queue_close(queue, &error));
  ran_on(&pair, waits, NULL);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_choice_answer(event.handle, 0, &error));
  ran_on(&pair, submit_tagged(&pair, "test.where", text("in turn"), 0), NULL);
  pair_free(&pair);
  CHECK(judge.destroyed == 1);
  wool_queue_free(queue);
  OK(wool_runtime_close(other, -1, &error));
  wool_runtime_free(other);
}

TEST(what_comes_built_in_needs_nothing) {
  for (int32_t balancer = WOOL_BALANCER_ROUND_ROBIN; balancer <= WOOL_BALANCER_LEAST_LOADED; balancer++) {
    wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
    options.balancer = balancer;
    pair_t pair = pair_of(options);
    for (int i = 0; i < 10; i++) ran_on(&pair, submit_tagged(&pair, "test.where", text(""), 0), NULL);
    pair_free(&pair);
  }
}

TEST(what_is_no_balancer_is_refused) {
  struct judge judge;
  judge_init(&judge);
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *queue = NULL;
  wool_pool_t *pool = NULL;
  wool_slice_t address = text("127.0.0.1:1");
  OK(wool_queue_new(runtime, NULL, &queue, &error));
  wool_pool_options_t options = by_callback(&judge);
  options.addresses = &address;
  options.address_count = 1;
  options.balance_queue = queue;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "needs one of", wool_pool_new(runtime, &options, &pool, &error));
  options.balance = NULL;
  options.balance_queue = NULL;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "needs one of", wool_pool_new(runtime, &options, &pool, &error));
  options.balance = balance;
  options.balancer = WOOL_BALANCER_ROUND_ROBIN;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "WOOL_BALANCER_CUSTOM", wool_pool_new(runtime, &options, &pool, &error));
  options.balance = NULL;
  options.balancer = 3;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "options.balancer is 3", wool_pool_new(runtime, &options, &pool, &error));
  options.balancer = -1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "options.balancer is -1", wool_pool_new(runtime, &options, &pool, &error));
  CHECK(judge.destroyed == 5 && pool == NULL);
  options = by_callback(&judge);
  options.address_count = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "options.addresses is NULL", wool_pool_new(runtime, &options, &pool, &error));
  CHECK(judge.destroyed == 6);
  wool_choice_info_t info = {0};
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_choice_info(1, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_choice_info(1, &info, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_choice_answer(0, 0, &error));
  wool_queue_free(queue);
  OK(wool_runtime_close(runtime, -1, &error));
  wool_runtime_free(runtime);
}

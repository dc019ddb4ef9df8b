/* Who is let in to a worker: admission hooks by a callback and by a queue. */
#include "world.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

/* What a hook of the tests knows; it decides by the tag of the call. */
struct hook {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  wool_admission_t kept[64]; /* of calls with the tag "keep", which the test answers */
  int kept_count;
  uint64_t in_flight; /* as the last question had it */
  flag_t *held, *release;
  atomic_int asked, destroyed;
};

static struct hook *hook_new(void) {
  struct hook *hook = calloc(1, sizeof *hook);
  pthread_mutex_init(&hook->lock, NULL);
  pthread_cond_init(&hook->changed, NULL);
  hook->held = flag_new();
  hook->release = flag_new();
  return hook;
}

static void hook_free(struct hook *hook) {
  CHECK(hook->destroyed == 1);
  flag_free(hook->held);
  flag_free(hook->release);
  free(hook);
}

static void destroy_hook(void *data) { ((struct hook *)data)->destroyed++; }

static void keep(struct hook *hook, wool_admission_t admission) {
  pthread_mutex_lock(&hook->lock);
  hook->kept[hook->kept_count++] = admission;
  pthread_cond_broadcast(&hook->changed);
  pthread_mutex_unlock(&hook->lock);
}

/* The question that was kept as the `index`-th; waits for it. */
static wool_admission_t kept_question(struct hook *hook, int index) {
  pthread_mutex_lock(&hook->lock);
  while (hook->kept_count <= index) pthread_cond_wait(&hook->changed, &hook->lock);
  wool_admission_t admission = hook->kept[index];
  pthread_mutex_unlock(&hook->lock);
  return admission;
}

static void admit(void *data, wool_admission_t admission, const wool_admission_info_t *info) {
  struct hook *hook = data;
  hook->asked++;
  CHECK(info->struct_size == sizeof *info && info->routine.len > 0);
  hook->in_flight = info->in_flight;
  if (same(info->tag, "busy")) {
    OK(wool_admission_busy(admission, text("it rains"), &error));
  } else if (same(info->tag, "refuse")) {
    OK(wool_admission_refuse(admission, info->routine, &error));
  } else if (same(info->tag, "fail")) {
    OK(wool_admission_fail(admission, text("the dog sleeps"), &error));
  } else if (same(info->tag, "keep")) {
    keep(hook, admission);
  } else {
    if (same(info->tag, "hold")) {
      flag_raise(hook->held);
      flag_wait(hook->release);
    }
    OK(wool_admission_accept(admission, &error));
  }
}

static world_t hooked_world(struct hook *hook, uint32_t concurrency) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.concurrency = concurrency;
  options.admit = admit;
  options.admit_user_data = hook;
  options.admit_destroy = destroy_hook;
  return world_of(world_runtime(), &options);
}

static wool_call_t submit_tagged(world_t *world, const char *routine, wool_bytes_t arguments, const char *label,
                                 uint64_t timeout_ms, uint64_t tag) {
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_call_t call;
  options.tag = text(label);
  options.timeout_ms = timeout_ms;
  OK(wool_call_submit(world->pool, text(routine), payload(arguments), &options, world->queue, tag, &call, &error));
  wool_bytes_free(&arguments);
  return call;
}

/* The next event is this call's error; its message has these words. */
static void fails_with(world_t *world, wool_call_t call, int32_t status, const char *words) {
  wool_event_t event = next_event(world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.handle == call);
  if (event.status != status || !holds(wool_error_message(event.error), words)) {
    wool_slice_t message = wool_error_message(event.error);
    fprintf(stderr, "%s: %.*s\n", wool_status_name(event.status), (int)message.len, (const char *)message.ptr);
    CHECK(event.status == status && holds(wool_error_message(event.error), words));
  }
  free_event(&event);
}

static void succeeds_with(world_t *world, wool_call_t call, int64_t number) {
  wool_event_t event = next_event(world);
  CHECK(event.kind == WOOL_EVENT_RESULT && event.handle == call && to_int(event.payload) == number);
  free_event(&event);
}

TEST(the_hook_decides) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 0);
  CHECK(call_add(&world, 1, 2) == 3);
  wool_call_t call = submit_tagged(&world, "test.add", ints(2, 1, 2), "refuse", 0, 1);
  wool_event_t event = next_event(&world);
  CHECK(event.handle == call && event.status == WOOL_ERR_PERMISSION_DENIED && wool_error_retryable(event.error));
  CHECK(same(wool_error_message(event.error), "test.add") && wool_error_type(event.error).len == 0);
  free_event(&event);
  call = submit_tagged(&world, "test.add", ints(2, 1, 2), "fail", 0, 1);
  event = next_event(&world);
  CHECK(event.handle == call && event.status == WOOL_ERR_REJECTED && wool_error_retryable(event.error));
  CHECK(same(wool_error_message(event.error), "the admission hook failed: the dog sleeps"));
  free_event(&event);

  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_bytes_t arguments = ints(2, 1, 2), result;
  options.tag = text("busy");
  options.dispatch_timeout_ms = 300;
  wool_error_t *failure = NULL;
  CHECK(wool_call(world.pool, text("test.add"), payload(arguments), &options, -1, &result, NULL, &failure) ==
        WOOL_ERR_BUSY);
  CHECK(holds(wool_error_message(failure), "it rains") && wool_error_retryable(failure));
  wool_error_free(failure);
  wool_bytes_free(&arguments);
  CHECK(hook->asked >= 4);
  world_free(&world);
  hook_free(hook);
}

TEST(streams_ask_to_be_let_in_too) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 0);
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_bytes_t arguments = ints(1, 3, 0), item;
  wool_stream_t stream;
  options.tag = text("refuse");
  OK(wool_stream_open(world.pool, text("test.count"), payload(arguments), &options, NULL, 0, &stream, &error));
  FAILS(WOOL_ERR_PERMISSION_DENIED, "test.count", wool_stream_wait(stream, -1, &item, NULL, &error));
  options.tag = text("");
  OK(wool_stream_open(world.pool, text("test.count"), payload(arguments), &options, NULL, 0, &stream, &error));
  OK(wool_stream_wait(stream, -1, &item, NULL, &error));
  wool_bytes_free(&item);
  CHECK(wool_stream_cancel(stream) == WOOL_OK && hook->asked == 2);
  wool_bytes_free(&arguments);
  world_free(&world);
  hook_free(hook);
}

TEST(an_answer_may_come_later_from_another_thread_and_only_once) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 0);
  wool_call_t call = submit_tagged(&world, "test.add", ints(2, 1, 2), "keep", 0, 1);
  wool_admission_t question = kept_question(hook, 0);
  wool_admission_info_t info = WOOL_ADMISSION_INFO_INIT;
  OK(wool_admission_info(question, &info, &error));
  CHECK(same(info.routine, "test.add") && same(info.tag, "keep") && info.in_flight == 0);
  OK(wool_admission_accept(question, &error));
  succeeds_with(&world, call, 3);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_accept(question, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_busy(question, text("x"), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_refuse(question, text("x"), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_fail(question, text("x"), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_info(question, &info, &error));
  world_free(&world);
  hook_free(hook);
}

TEST(misuse_of_an_admission_is_a_typed_error_and_the_question_stays) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 0);
  wool_call_t call = submit_tagged(&world, "test.add", ints(2, 1, 2), "keep", 0, 1);
  wool_admission_t question = kept_question(hook, 0);
  wool_admission_info_t info = WOOL_ADMISSION_INFO_INIT;
  const uint64_t none[] = {0, 1, call, UINT64_MAX};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_admission_accept(none[i], &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_admission_info(none[i], &info, &error));
  }
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "NULL", wool_admission_info(question, NULL, &error));
  info.struct_size = 2;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "struct_size", wool_admission_info(question, &info, &error));
  const wool_slice_t wrong[] = {text("\xff"), {NULL, 3}};
  for (size_t i = 0; i < 2; i++) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "message", wool_admission_busy(question, wrong[i], &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "message", wool_admission_refuse(question, wrong[i], &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "message", wool_admission_fail(question, wrong[i], &error));
  }
  /* A question is no task. */
  wool_payload_t raw = {text("x"), WOOL_CODEC_RAW};
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_task_return(question, raw, &error));
  wool_slice_t empty = {NULL, 0};
  OK(wool_admission_refuse(question, empty, &error));
  fails_with(&world, call, WOOL_ERR_PERMISSION_DENIED, "");
  world_free(&world);
  hook_free(hook);
}

TEST(a_hook_that_blocks_holds_up_only_its_own_call) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 0);
  wool_call_t held = submit_tagged(&world, "test.add", ints(2, 20, 22), "hold", 0, 1);
  flag_wait(hook->held);
  for (int i = 0; i < 100; i++) CHECK(call_add(&world, i, 1) == i + 1);
  flag_raise(hook->release);
  succeeds_with(&world, held, 42);
  world_free(&world);
  hook_free(hook);
}

TEST(the_hook_hears_how_many_others_are_in_flight) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 0);
  CHECK(call_add(&world, 1, 2) == 3 && hook->in_flight == 0);
  submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_task_t first = world_take_kept_task();
  CHECK(hook->in_flight == 0);
  submit(&world, "test.keep", ints(0, 0, 0), 2);
  wool_task_t second = world_take_kept_task();
  CHECK(hook->in_flight == 1);
  CHECK(call_add(&world, 1, 2) == 3 && hook->in_flight == 2);
  wool_payload_t raw = {text("x"), WOOL_CODEC_RAW};
  OK(wool_task_return(first, raw, &error));
  OK(wool_task_return(second, raw, &error));
  world_free(&world);
  hook_free(hook);
}

TEST(a_question_holds_a_place_until_its_caller_leaves) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 1);
  wool_call_t left = submit_tagged(&world, "test.pid", ints(0, 0, 0), "keep", 0, 1);
  wool_admission_t question = kept_question(hook, 0);
  wool_call_t waits = submit_tagged(&world, "test.add", ints(2, 1, 2), "", 0, 2);
  CHECK(wool_call_cancel(left) == WOOL_OK);
  fails_with(&world, left, WOOL_ERR_CANCELLED, "");
  succeeds_with(&world, waits, 3);
  /* Too late, and harmless. */
  OK(wool_admission_accept(question, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_accept(question, &error));
  CHECK(call_add(&world, 1, 2) == 3);
  world_free(&world);
  hook_free(hook);
}

TEST(a_question_holds_a_place_until_the_time_of_its_call_is_up) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 1);
  CHECK(call_add(&world, 1, 2) == 3);
  wool_call_t late = submit_tagged(&world, "test.pid", ints(0, 0, 0), "keep", 1000, 1);
  wool_admission_t question = kept_question(hook, 0);
  fails_with(&world, late, WOOL_ERR_DEADLINE_EXCEEDED, "");
  CHECK(call_add(&world, 1, 2) == 3);
  OK(wool_admission_refuse(question, text("too late"), &error));
  CHECK(call_add(&world, 1, 2) == 3);
  world_free(&world);
  hook_free(hook);
}

TEST(what_is_never_answered_ends_with_the_worker) {
  struct hook *hook = hook_new();
  world_t world = hooked_world(hook, 0);
  wool_call_t call = submit_tagged(&world, "test.add", ints(2, 1, 2), "keep", 0, 1);
  wool_admission_t question = kept_question(hook, 0);
  OK(wool_worker_stop(world.worker, 0, -1, &error));
  OK(wool_pool_close(world.pool, -1, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.handle == call && event.kind == WOOL_EVENT_ERROR);
  free_event(&event);
  OK(wool_admission_accept(question, &error));
  world_free(&world);
  hook_free(hook);
}

TEST(the_hook_is_destroyed_once_also_when_there_is_no_worker) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *queue;
  OK(wool_queue_new(runtime, NULL, &queue, &error));
  for (int i = 0; i < 2; i++) {
    struct hook *hook = hook_new();
    wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
    wool_worker_t *worker;
    options.admit = admit;
    options.admit_user_data = hook;
    options.admit_destroy = destroy_hook;
    if (i == 0) {
      options.bind = text("no address");
    } else {
      options.admit_queue = queue;
    }
    wool_error_t *failure = NULL;
    CHECK((int32_t)wool_worker_new(runtime, &options, &worker, &failure) < 0 && failure != NULL);
    CHECK(i == 0 || holds(wool_error_message(failure), "admit_queue"));
    wool_error_free(failure);
    hook_free(hook);
  }
  OK(wool_runtime_close(runtime, -1, &error));
  wool_queue_free(queue);
  wool_runtime_free(runtime);
}

static wool_queue_t *small_queue(wool_runtime_t *runtime, uint32_t capacity) {
  wool_queue_options_t options = WOOL_QUEUE_OPTIONS_INIT;
  wool_queue_t *queue;
  options.capacity = capacity;
  OK(wool_queue_new(runtime, &options, &queue, &error));
  return queue;
}

static world_t queued_world(wool_queue_t **questions, uint32_t capacity, struct hook *hook) {
  wool_runtime_t *runtime = world_runtime();
  *questions = small_queue(runtime, capacity);
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.admit_queue = *questions;
  options.admit_tag = 11;
  options.admit_user_data = hook;
  options.admit_destroy = destroy_hook;
  return world_of(runtime, &options);
}

static wool_admission_t next_question(wool_queue_t *questions) {
  wool_event_t event = next_event_of(questions);
  CHECK(event.kind == WOOL_EVENT_ADMISSION && event.tag == 11 && event.status == WOOL_OK);
  CHECK(event.payload.len == 0 && event.error == NULL && event.codec == 0 && event.step == 0);
  return event.handle;
}

TEST(a_queue_asks_who_is_let_in) {
  struct hook *hook = hook_new();
  wool_queue_t *questions;
  world_t world = queued_world(&questions, 8, hook);
  wool_call_t call = submit_tagged(&world, "test.add", ints(2, 1, 2), "spring", 0, 1);
  wool_admission_t question = next_question(questions);
  wool_admission_info_t info = WOOL_ADMISSION_INFO_INIT;
  OK(wool_admission_info(question, &info, &error));
  CHECK(same(info.routine, "test.add") && same(info.tag, "spring") && info.in_flight == 0);
  OK(wool_admission_accept(question, &error));
  succeeds_with(&world, call, 3);
  call = submit_tagged(&world, "test.add", ints(2, 1, 2), "", 0, 1);
  OK(wool_admission_refuse(next_question(questions), text("not today"), &error));
  fails_with(&world, call, WOOL_ERR_PERMISSION_DENIED, "not today");
  call = submit_tagged(&world, "test.add", ints(2, 1, 2), "", 0, 1);
  OK(wool_admission_fail(next_question(questions), text("no idea"), &error));
  fails_with(&world, call, WOOL_ERR_REJECTED, "the admission hook failed: no idea");
  /* Busy is asked again. */
  call = submit_tagged(&world, "test.add", ints(2, 1, 2), "", 0, 1);
  OK(wool_admission_busy(next_question(questions), text("later"), &error));
  OK(wool_admission_accept(next_question(questions), &error));
  succeeds_with(&world, call, 3);
  world_free(&world);
  wool_queue_free(questions);
  hook_free(hook);
}

TEST(a_queue_without_room_is_a_busy_worker) {
  struct hook *hook = hook_new();
  wool_queue_t *questions;
  world_t world = queued_world(&questions, 1, hook);
  wool_call_t first = submit_tagged(&world, "test.add", ints(2, 1, 2), "", 0, 1);
  struct pollfd asked = {wool_queue_fd(questions), POLLIN, 0};
  CHECK(poll(&asked, 1, -1) == 1);
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.dispatch_timeout_ms = 300;
  wool_bytes_t arguments = ints(2, 3, 4), result;
  FAILS(WOOL_ERR_BUSY, "", wool_call(world.pool, text("test.add"), payload(arguments), &options, -1, &result, NULL, &error));
  wool_bytes_free(&arguments);
  OK(wool_admission_accept(next_question(questions), &error));
  succeeds_with(&world, first, 3);
  world_free(&world);
  wool_queue_free(questions);
  hook_free(hook);
}

TEST(closing_the_queue_fails_what_it_asks) {
  struct hook *hook = hook_new();
  wool_queue_t *questions;
  world_t world = queued_world(&questions, 8, hook);
  wool_call_t call = submit_tagged(&world, "test.add", ints(2, 1, 2), "", 0, 1);
  wool_admission_t question = next_question(questions);
  OK(wool_queue_close(questions, &error));
  fails_with(&world, call, WOOL_ERR_REJECTED, "the queue that it was asked through is closed");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_accept(question, &error));
  call = submit_tagged(&world, "test.add", ints(2, 1, 2), "", 0, 1);
  fails_with(&world, call, WOOL_ERR_REJECTED, "the queue that it was asked through is closed");
  world_free(&world);
  wool_queue_free(questions);
  hook_free(hook);
}

enum { CALLS = 400 };

struct race {
  wool_call_t calls[CALLS];
  wool_queue_t *questions;
};

static void *answer_all(void *data) {
  struct race *race = data;
  wool_event_t event;
  size_t count;
  for (int i = 0; wool_queue_drain(race->questions, &event, sizeof event, 1, NULL, 0, -1, &count, NULL) == WOOL_OK; i++) {
    switch (i % 4) {
      case 0: OK(wool_admission_refuse(event.handle, text("no"), &error)); break;
      case 1: OK(wool_admission_fail(event.handle, text("no"), &error)); break;
      default: OK(wool_admission_accept(event.handle, &error)); break;
    }
  }
  return NULL;
}

static void *cancel_all(void *data) {
  struct race *race = data;
  for (int i = 0; i < CALLS; i++) CHECK(wool_call_cancel(race->calls[i]) == WOOL_OK);
  return NULL;
}

TEST(answers_may_race_with_callers_who_leave) {
  struct hook *hook = hook_new();
  struct race race;
  world_t world = queued_world(&race.questions, 0, hook);
  wool_queue_t *outcomes = small_queue(world.runtime, 0);
  wool_bytes_t arguments = ints(2, 1, 2);
  pthread_t answering, cancelling;
  CHECK(pthread_create(&answering, NULL, answer_all, &race) == 0);
  for (int i = 0; i < CALLS; i++) {
    OK(wool_call_submit(world.pool, text("test.add"), payload(arguments), NULL, outcomes, 0, &race.calls[i], &error));
  }
  CHECK(pthread_create(&cancelling, NULL, cancel_all, &race) == 0);
  for (int i = 0; i < CALLS; i++) {
    wool_event_t event = next_event_of(outcomes);
    CHECK(event.kind == WOOL_EVENT_RESULT || event.status == WOOL_ERR_CANCELLED || event.status == WOOL_ERR_REJECTED ||
          event.status == WOOL_ERR_PERMISSION_DENIED);
    free_event(&event);
  }
  pthread_join(cancelling, NULL);
  wool_bytes_free(&arguments);
  world_free(&world);
  pthread_join(answering, NULL);
  wool_queue_free(outcomes);
  wool_queue_free(race.questions);
  hook_free(hook);
}

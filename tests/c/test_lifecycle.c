/* Closing and freeing, in every order and from every side. */
#include "world.h"

#include <pthread.h>

TEST(closing_a_pool_ends_what_is_pending_as_closed) {
  world_t world = world_new();
  submit(&world, "test.wait", ints(0, 0, 0), 1);
  world_kept_task();
  OK(wool_pool_close(world.pool, -1, &error));
  OK(wool_pool_close(world.pool, -1, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CLOSED);
  free_event(&event);
  wool_bytes_t arguments = ints(2, 1, 2), result;
  FAILS(WOOL_ERR_CLOSED, "closed",
        wool_call(world.pool, text("test.add"), payload(arguments), NULL, -1, &result, NULL, &error));
  wool_bytes_free(&arguments);
  world_wait_cancelled(1);
  world_free(&world);
}

TEST(closes_are_told_by_events) {
  world_t world = world_new();
  submit(&world, "test.wait", ints(0, 0, 0), 1);
  world_kept_task();
  OK(wool_worker_stopped_submit(world.worker, world.queue, 4, &error));
  OK(wool_pool_close_submit(world.pool, world.queue, 2, &error));
  OK(wool_worker_stop_submit(world.worker, 0, world.queue, 3, &error));
  int seen = 0;
  while (seen != 15) {
    wool_event_t event = next_event(&world);
    CHECK(event.kind == (event.tag == 1 ? WOOL_EVENT_ERROR : WOOL_EVENT_CLOSED));
    CHECK(event.tag != 1 || event.status == WOOL_ERR_CLOSED);
    seen |= 1 << (event.tag - 1);
    free_event(&event);
  }
  world_free(&world);
}

TEST(the_end_of_a_worker_is_told_to_who_does_not_stop_it) {
  world_t world = world_new();
  OK(wool_worker_stopped_submit(world.worker, world.queue, 2, &error));
  CHECK(call_add(&world, 1, 2) == 3);
  OK(wool_worker_stop(world.worker, 0, -1, &error));
  for (uint64_t tag = 2; tag <= 3; tag++) {
    wool_event_t event = next_event(&world);
    CHECK(event.kind == WOOL_EVENT_CLOSED && event.tag == tag);
    free_event(&event);
    /* Also of one that has stopped already. */
    if (tag == 2) OK(wool_worker_stopped_submit(world.worker, world.queue, 3, &error));
  }
  world_free(&world);
}

TEST(a_worker_stops_when_its_last_task_is_answered) {
  world_t world = world_new();
  submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_task_t task = world_kept_task();
  FAILS(WOOL_ERR_TIMEOUT, "1 tasks still run", wool_worker_stop(world.worker, -1, 0, &error));
  CHECK(!wool_task_is_cancelled(task));
  wool_payload_t raw = {text("done"), WOOL_CODEC_RAW};
  OK(wool_task_return(task, raw, &error));
  OK(wool_worker_stop(world.worker, -1, -1, &error));
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_RESULT);
  free_event(&event);
  world_free(&world);
}

TEST(closing_a_runtime_closes_all_of_it) {
  world_t world = world_new();
  submit(&world, "test.wait", ints(0, 0, 0), 1);
  world_kept_task();
  OK(wool_runtime_close(world.runtime, -1, &error));
  OK(wool_runtime_close(world.runtime, -1, &error));
  CHECK(world_cancelled() == 1);
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CLOSED);
  free_event(&event);
  size_t count;
  FAILS(WOOL_ERR_CLOSED, "closed", wool_queue_drain(world.queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));

  wool_bytes_t arguments = ints(2, 1, 2), result;
  wool_worker_t *worker;
  wool_queue_t *queue;
  FAILS(WOOL_ERR_CLOSED, "closed", wool_worker_new(world.runtime, NULL, &worker, &error));
  FAILS(WOOL_ERR_CLOSED, "closed", wool_queue_new(world.runtime, NULL, &queue, &error));
  FAILS(WOOL_ERR_CLOSED, "closed",
        wool_call(world.pool, text("test.add"), payload(arguments), NULL, -1, &result, NULL, &error));
  wool_bytes_free(&arguments);
  OK(wool_worker_stop(world.worker, 0, -1, &error));
  OK(wool_pool_close(world.pool, -1, &error));
  world_free(&world);
}

TEST(a_close_whose_time_is_up_goes_on_and_can_be_waited_for) {
  world_t world = world_new();
  submit(&world, "test.keep", ints(0, 0, 0), 1);
  wool_task_t task = world_kept_task();
  FAILS(WOOL_ERR_TIMEOUT, "1 tasks still run", wool_runtime_close(world.runtime, 50, &error));
  while (!wool_task_is_cancelled(task)) {
    FAILS(WOOL_ERR_TIMEOUT, "1 tasks still run", wool_runtime_close(world.runtime, 1, &error));
  }
  wool_payload_t raw = {text("done"), WOOL_CODEC_RAW};
  OK(wool_task_return(task, raw, &error));
  OK(wool_runtime_close(world.runtime, -1, &error));
  world_free(&world);
}

static void *close_runtime(void *data) {
  OK(wool_runtime_close(data, -1, &error));
  return NULL;
}

TEST(closes_may_race) {
  world_t world = world_new();
  pthread_t threads[3];
  for (int i = 0; i < 8; i++) submit(&world, "test.wait", ints(0, 0, 0), 1);
  for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, close_runtime, world.runtime) == 0);
  OK(wool_queue_close(world.queue, &error));
  OK(wool_pool_close(world.pool, -1, &error));
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  /* Every call has ended, and exactly once. */
  int ended = 0;
  wool_event_t event;
  size_t count;
  while (wool_queue_drain(world.queue, &event, sizeof event, 1, NULL, 0, -1, &count, NULL) == WOOL_OK) {
    CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CLOSED);
    free_event(&event);
    ended++;
  }
  CHECK(ended == 8);
  world_free(&world);
}

TEST(freeing_without_closing_does_not_wait) {
  world_t world = world_new();
  submit(&world, "test.keep", ints(0, 0, 0), 1);
  /* Not answered: whoever waited for it would wait for ever. */
  world_kept_task();
  wool_queue_free(world.queue);
  wool_pool_free(world.pool);
  wool_worker_free(world.worker);
  wool_runtime_free(world.runtime);
}

TEST(freeing_in_another_order_is_fine) {
  world_t world = world_new();
  submit(&world, "test.wait", ints(0, 0, 0), 1);
  world_kept_task();
  wool_runtime_free(world.runtime);
  wool_worker_free(world.worker);
  wool_event_t event = next_event(&world);
  CHECK(event.kind == WOOL_EVENT_ERROR);
  free_event(&event);
  wool_queue_free(world.queue);
  wool_pool_free(world.pool);
}

TEST(the_default_runtime_is_one_and_is_never_freed) {
  wool_runtime_t *runtime = NULL, *again = NULL;
  OK(wool_runtime_default(&runtime, &error));
  wool_runtime_free(runtime);
  OK(wool_runtime_default(&again, &error));
  CHECK(runtime == again);
  wool_queue_t *queue = NULL;
  OK(wool_queue_new(runtime, NULL, &queue, &error));
  wool_queue_free(queue);
}

struct log {
  pthread_mutex_t lock;
  int messages, worker_spoke, closed, destroyed;
};

static void take_log(void *data, int32_t level, wool_slice_t target, wool_slice_t message) {
  struct log *log = data;
  pthread_mutex_lock(&log->lock);
  CHECK(!log->closed && level >= 1 && level <= 4 && message.len > 0);
  log->messages++;
  log->worker_spoke |= same(target, "worker");
  pthread_mutex_unlock(&log->lock);
}

static void destroy_log(void *data) { ((struct log *)data)->destroyed++; }

TEST(the_log_is_told_and_is_silent_after_the_close) {
  struct log log = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0};
  wool_runtime_options_t options = WOOL_RUNTIME_OPTIONS_INIT;
  wool_runtime_t *runtime = NULL;
  wool_worker_t *worker = NULL;
  options.log = take_log;
  options.log_level = 4;
  options.log_user_data = &log;
  options.log_destroy = destroy_log;
  OK(wool_runtime_new(&options, &runtime, &error));
  OK(wool_worker_new(runtime, NULL, &worker, &error));
  OK(wool_runtime_close(runtime, -1, &error));
  CHECK(log.worker_spoke && log.destroyed == 1);
  log.closed = 1;
  wool_worker_free(worker);
  wool_runtime_free(runtime);
  CHECK(log.destroyed == 1);
}

TEST(a_worker_beyond_loopback_has_to_be_asked_for) {
  wool_runtime_t *runtime = NULL;
  wool_worker_t *worker = NULL;
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  OK(wool_runtime_default(&runtime, &error));
  options.bind = text("0.0.0.0:0");
  FAILS(WOOL_ERR_PERMISSION_DENIED, "allow_plaintext", wool_worker_new(runtime, &options, &worker, &error));
  options.bind = text("nonsense");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "nonsense", wool_worker_new(runtime, &options, &worker, &error));
}

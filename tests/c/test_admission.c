/* Admission hooks: by a callback, and by a queue. */
#include "world.h"

#include <stdatomic.h>

/* What the callback is given. `held` is raised when it has a question that it keeps, or holds until `go`. */
typedef struct {
  atomic_int asked, destroyed;
  flag_t *held, *go;
  wool_admission_t kept;
} hook_t;

static void decide(void *data, wool_admission_t admission, const wool_admission_info_t *info) {
  hook_t *hook = data;
  hook->asked++;
  CHECK(info->struct_size == sizeof *info && same(info->routine, "test.add"));
  wool_admission_info_t again = WOOL_ADMISSION_INFO_INIT;
  OK(wool_admission_info(admission, &again, &error));
  CHECK(again.in_flight == info->in_flight && again.tag.ptr == info->tag.ptr);
  if (same(info->tag, "refuse")) {
    OK(wool_admission_refuse(admission, text("not today"), &error));
  } else if (same(info->tag, "busy")) {
    OK(wool_admission_busy(admission, text("at lunch"), &error));
  } else if (same(info->tag, "fail")) {
    OK(wool_admission_fail(admission, text("the list is lost"), &error));
  } else if (same(info->tag, "keep")) {
    hook->kept = admission;
    flag_raise(hook->held);
    return;
  } else {
    if (same(info->tag, "hold")) {
      flag_raise(hook->held);
      flag_wait(hook->go);
    }
    OK(wool_admission_accept(admission, &error));
  }
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_accept(admission, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_info(admission, &again, &error));
}

static void destroy(void *data) { ((hook_t *)data)->destroyed++; }

/* Gives the world another worker, which has a hook, and another pool, which has that worker. */
static void give_hook(world_t *world, const wool_worker_options_t *options) {
  wool_worker_free(world->worker);
  wool_pool_free(world->pool);
  OK(wool_worker_new(world->runtime, options, &world->worker, &error));
  wool_slice_t address = wool_worker_address(world->worker);
  wool_pool_options_t pool = WOOL_POOL_OPTIONS_INIT;
  pool.addresses = &address;
  pool.address_count = 1;
  OK(wool_pool_new(world->runtime, &pool, &world->pool, &error));
}

static world_t hooked(const wool_worker_options_t *options) {
  world_t world = world_new();
  give_hook(&world, options);
  return world;
}

static hook_t hook_new(void) {
  hook_t hook = {.held = flag_new(), .go = flag_new()};
  return hook;
}

static void hook_free(hook_t *hook) {
  flag_free(hook->held);
  flag_free(hook->go);
}

static wool_worker_options_t by_callback(hook_t *hook) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.admit = decide;
  options.admit_user_data = hook;
  options.admit_destroy = destroy;
  return options;
}

static wool_call_t add(world_t *world, const char *tag, uint64_t dispatch_timeout_ms) {
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.tag = text(tag);
  options.dispatch_timeout_ms = dispatch_timeout_ms;
  wool_bytes_t arguments = ints(2, 1, 2);
  wool_call_t call = 0;
  OK(wool_call_submit(world->pool, text("test.add"), payload(arguments), &options, world->queue, 0, &call, &error));
  wool_bytes_free(&arguments);
  return call;
}

/* The outcome is this error. */
static void fails(world_t *world, wool_status_t status, const char *message) {
  wool_event_t event = next_event(world);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == (int32_t)status);
  CHECK(same(wool_error_message(event.error), message));
  CHECK(wool_error_retryable(event.error) == 1);
  free_event(&event);
}

static void succeeds(world_t *world) {
  wool_event_t event = next_event(world);
  CHECK(event.kind == WOOL_EVENT_RESULT && to_int(event.payload) == 3);
  free_event(&event);
}

TEST(a_callback_decides) {
  hook_t hook = hook_new();
  wool_worker_options_t options = by_callback(&hook);
  world_t world = hooked(&options);
  add(&world, "", 0);
  succeeds(&world);
  add(&world, "refuse", 0);
  fails(&world, WOOL_ERR_PERMISSION_DENIED, "not today");
  add(&world, "fail", 0);
  fails(&world, WOOL_ERR_REJECTED, "the admission hook failed: the list is lost");
  CHECK(hook.asked == 3);
  add(&world, "busy", 30);
  fails(&world, WOOL_ERR_BUSY, "at lunch");
  CHECK(hook.asked > 4);
  CHECK(hook.destroyed == 0);
  OK(wool_worker_stop(world.worker, 0, -1, &error));
  CHECK(hook.destroyed == 1);
  world_free(&world);
  CHECK(hook.destroyed == 1);
  hook_free(&hook);
}

TEST(a_callback_that_blocks_holds_up_its_call_only) {
  hook_t hook = hook_new();
  wool_worker_options_t options = by_callback(&hook);
  world_t world = hooked(&options);
  add(&world, "hold", 0);
  flag_wait(hook.held);
  for (int i = 0; i < 10; i++) add(&world, "", 0);
  for (int i = 0; i < 10; i++) succeeds(&world);
  flag_raise(hook.go);
  succeeds(&world);
  world_free(&world);
  hook_free(&hook);
}

TEST(the_last_callback_frees_what_it_uses) {
  hook_t hook = hook_new();
  wool_worker_options_t options = by_callback(&hook);
  world_t world = hooked(&options);
  add(&world, "hold", 0);
  flag_wait(hook.held);
  /* Nothing was let in: the stop waits for no answer. */
  OK(wool_worker_stop(world.worker, -1, -1, &error));
  CHECK(hook.destroyed == 0);
  flag_raise(hook.go);
  world_free(&world);
  CHECK(hook.destroyed == 1);
  hook_free(&hook);
}

TEST(an_answer_may_come_later_and_too_late) {
  hook_t hook = hook_new();
  wool_worker_options_t options = by_callback(&hook);
  world_t world = hooked(&options);
  wool_call_t call = add(&world, "keep", 0);
  flag_wait(hook.held);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "an admission's", wool_task_end(hook.kept, &error));
  CHECK(wool_call_cancel(call) == WOOL_OK);
  wool_event_t event = next_event(&world);
  CHECK(event.status == WOOL_ERR_CANCELLED);
  free_event(&event);
  add(&world, "", 0);
  succeeds(&world);
  OK(wool_admission_accept(hook.kept, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_accept(hook.kept, &error));
  world_free(&world);
  hook_free(&hook);
}

TEST(what_the_options_gave_is_freed_when_they_are_refused) {
  hook_t hook = hook_new();
  world_t world = world_new();
  wool_worker_t *worker = NULL;
  wool_worker_options_t options = by_callback(&hook);
  options.admit_queue = world.queue;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "both", wool_worker_new(world.runtime, &options, &worker, &error));
  CHECK(hook.destroyed == 1);
  options = by_callback(&hook);
  options.bind = text("nonsense");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "nonsense", wool_worker_new(world.runtime, &options, &worker, &error));
  CHECK(hook.destroyed == 2 && hook.asked == 0);
  world_free(&world);
  hook_free(&hook);
}

/* A world whose worker asks through a queue of one slot. */
static world_t asking(hook_t *hook, wool_queue_t **queue) {
  world_t world = world_new();
  wool_queue_options_t slots = WOOL_QUEUE_OPTIONS_INIT;
  slots.capacity = 1;
  OK(wool_queue_new(world.runtime, &slots, queue, &error));
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.admit_user_data = hook;
  options.admit_destroy = destroy;
  options.admit_queue = *queue;
  options.admit_tag = 77;
  give_hook(&world, &options);
  return world;
}

TEST(a_queue_decides) {
  hook_t hook = hook_new();
  wool_queue_t *queue;
  world_t world = asking(&hook, &queue);
  add(&world, "gate", 0);
  wool_event_t event = next_event_of(queue);
  CHECK(event.kind == WOOL_EVENT_ADMISSION && event.tag == 77 && event.status == WOOL_OK);
  wool_admission_info_t info = WOOL_ADMISSION_INFO_INIT;
  OK(wool_admission_info(event.handle, &info, &error));
  CHECK(same(info.routine, "test.add") && same(info.tag, "gate") && info.in_flight == 0);
  OK(wool_admission_accept(event.handle, &error));
  succeeds(&world);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_refuse(event.handle, text("no"), &error));
  world_free(&world);
  wool_queue_free(queue);
  CHECK(hook.destroyed == 1 && hook.asked == 0);
  hook_free(&hook);
}

TEST(a_queue_without_room_is_a_busy_worker) {
  hook_t hook = hook_new();
  wool_queue_t *queue;
  world_t world = asking(&hook, &queue);
  wool_call_t waiting = add(&world, "", 0);
  add(&world, "", 50);
  fails(&world, WOOL_ERR_BUSY, "the queue has 1 slots, of which 1 are taken: drain it, or give it more capacity");
  wool_event_t event = next_event_of(queue);
  OK(wool_admission_accept(event.handle, &error));
  succeeds(&world);
  CHECK(wool_call_cancel(waiting) == WOOL_OK);
  world_free(&world);
  wool_queue_free(queue);
  hook_free(&hook);
}

TEST(a_queue_that_is_closed_fails_what_it_was_asked) {
  hook_t hook = hook_new();
  wool_queue_t *queue;
  world_t world = asking(&hook, &queue);
  const char *closed = "the admission hook failed: the queue that it was asked through is closed";
  add(&world, "", 0);
  wool_event_t event = next_event_of(queue);
  OK(wool_queue_close(queue, &error));
  fails(&world, WOOL_ERR_REJECTED, closed);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_admission_accept(event.handle, &error));
  add(&world, "", 0);
  fails(&world, WOOL_ERR_REJECTED, closed);
  world_free(&world);
  wool_queue_free(queue);
  hook_free(&hook);
}

/* Pools that start their workers: this program again, or another one. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "status.h"
#include "world.h"

static wool_runtime_t *runtime;

static void end_runtime(void) {
  OK(wool_runtime_close(runtime, -1, &error));
  wool_runtime_free(runtime);
}

/* A worker's main that does not block: it answers the tasks of test.queued until the worker has ended. */
static void serve_by_events(void) {
  wool_queue_t *queue = queue_of(runtime, 0);
  serve_by_queue(runtime, "test.queued", WOOL_ROUTINE_UNARY, queue, 0);
  int32_t spawned = -1;
  OK(wool_serve_if_spawned_submit(runtime, queue, 7, &spawned, &error));
  for (int ended = !spawned; !ended;) {
    wool_event_t event = next_event_of(queue);
    ended = event.kind == WOOL_EVENT_CLOSED;
    CHECK(ended ? event.tag == 7 && event.status == WOOL_OK : event.kind == WOOL_EVENT_TASK);
    wool_payload_t no = {{(const uint8_t *)"\x07", 1}, WOOL_CODEC_MSGPACK};
    if (!ended) OK(wool_task_return(event.handle, no, &error));
    free_event(&event);
  }
  wool_queue_free(queue);
  if (!spawned) return;
  end_runtime();
  exit(0);
}

BEFORE(test) {
  runtime = world_runtime();
  if (strcmp(test, "a_worker_may_be_served_without_waiting") == 0) {
    serve_by_events();
  } else if (wool_serve_if_spawned(runtime)) {
    end_runtime();
    exit(0);
  }
}

static wool_pool_t *new_pool(const wool_pool_options_t *options) {
  wool_pool_t *pool = NULL;
  OK(wool_pool_new(runtime, options, &pool, &error));
  return pool;
}

/* A pool of so many processes, all of which the first call waits for. */
static wool_pool_t *pool_of(int count) {
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = count;
  options.quorum = (uint32_t)count;
  return new_pool(&options);
}

static void end(wool_pool_t *pool) {
  OK(wool_pool_close(pool, -1, &error));
  wool_pool_free(pool);
  end_runtime();
}

/* What a call without a result that is looked at answers. */
static wool_status_t try_call(wool_pool_t *pool, const char *routine, wool_bytes_t arguments, wool_error_t **error) {
  wool_bytes_t result = {0};
  wool_status_t status = wool_call(pool, text(routine), payload(arguments), NULL, -1, &result, NULL, error);
  wool_bytes_free(&arguments);
  wool_bytes_free(&result);
  return status;
}

/* A descriptor that is readable once the process has ended. */
static int watch(pid_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  CHECK(fd >= 0);
  return fd;
}

static void wait_for_end(int fd) {
  struct pollfd ended = {.fd = fd, .events = POLLIN};
  CHECK(poll(&ended, 1, -1) == 1);
  close(fd);
}

/* This process has no child, not even one that nobody has waited for. */
static int has_no_child(void) { return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD; }

static pid_t pid_of(wool_pool_t *pool) { return (pid_t)call_int(pool, "test.pid"); }

TEST(the_default_pool_is_this_program_again) {
  wool_pool_t *pool = new_pool(NULL);
  CHECK(pid_of(pool) != getpid());
  CHECK(status_of(pool)->processes >= 1);
  end(pool);
  CHECK(has_no_child());
}

/* So many processes serve, and no call is under way any more: a result comes before its call is off the books. */
static int all_serve(wool_pool_t *pool, int count) {
  const pool_status_t *status = status_of(pool);
  int serving = 0;
  int64_t calls = 0;
  for (int i = 0; i < status->processes; i++) serving += strcmp(status->process[i].state, "serving") == 0;
  for (int i = 0; i < status->workers; i++) calls += status->worker[i].in_flight;
  return status->processes == count && serving == count && status->workers == count && calls == 0;
}

TEST(the_status_tells_of_workers_and_processes) {
  wool_slice_t tags[] = {text("fast")};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = 2;
  options.quorum = 2;
  options.concurrency = 3;
  options.tags = tags;
  options.tag_count = 1;
  wool_pool_t *pool = new_pool(&options);
  pid_t pid = pid_of(pool);
  UNTIL(all_serve(pool, 2));
  const pool_status_t *status = status_of(pool);
  CHECK(status->quorum_reached && status->waiting == 0 && status->turned_away == 0 && status->counted == 0);
  CHECK(status->problems == 0 && status->process[0].pid != status->process[1].pid);
  for (int i = 0; i < 2; i++) {
    const worker_status_t *worker = &status->worker[i];
    const process_status_t *process = &status->process[i];
    CHECK(process->slot == i && process->restarts == 0 && process->pid > 1);
    CHECK(strcmp(worker->state, "up") == 0 && strcmp(worker->origin, "spawned") == 0);
    CHECK(strcmp(worker->language, "c") == 0 && strcmp(worker->tag, "fast") == 0 && worker->capacity == 3);
    CHECK(worker->address[0] != '\0' && worker->in_flight == 0);
    CHECK(worker->has_add && worker->has_count && worker->routines == 9);
    int same = strcmp(worker->uid, status->process[0].uid) == 0 ? 0 : 1;
    CHECK(strcmp(worker->uid, status->process[same].uid) == 0 && worker->pid == status->process[same].pid);
  }
  CHECK(pid == status->process[0].pid || pid == status->process[1].pid);
  end(pool);
}

/* The path of this program. */
static const char *own_path(void) {
  static char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  CHECK(length > 0);
  path[length] = '\0';
  return path;
}

static int was_started_with(pid_t pid, const char *argument) {
  char path[64], line[8192];
  snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  size_t length = fread(line, 1, sizeof line, file);
  fclose(file);
  return memmem(line, length, argument, strlen(argument) + 1) != NULL;
}

TEST(another_program_is_started_by_its_command) {
  wool_slice_t command[] = {text(own_path()), text("another program")};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = 1;
  options.command = command;
  options.command_count = 2;
  wool_pool_t *pool = new_pool(&options);
  CHECK(was_started_with(pid_of(pool), "another program"));
  wool_pool_t *own = pool;
  options.command_is_own = 1;
  pool = new_pool(&options);
  CHECK(was_started_with(pid_of(pool), "another program"));
  OK(wool_pool_close(own, -1, &error));
  wool_pool_free(own);
  end(pool);
}

TEST(a_worker_may_be_served_without_waiting) {
  wool_pool_t *pool = pool_of(1);
  CHECK(call_int(pool, "test.queued") == 7);
  CHECK(pid_of(pool) != getpid());
  end(pool);
  CHECK(has_no_child());
}

TEST(a_program_that_was_not_spawned_gets_its_slot_back) {
  wool_queue_options_t one = WOOL_QUEUE_OPTIONS_INIT;
  one.capacity = 1;
  wool_queue_t *queue = NULL;
  wool_event_t event;
  size_t count;
  OK(wool_queue_new(runtime, &one, &queue, &error));
  for (int i = 0; i < 2; i++) {
    int32_t spawned = -1;
    OK(wool_serve_if_spawned_submit(runtime, queue, 1, &spawned, &error));
    CHECK(spawned == 0);
    ANSWERS(WOOL_PENDING, wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  }
  wool_queue_free(queue);
  end_runtime();
}

TEST(processes_that_die_before_they_serve_tell_why) {
  wool_slice_t command[] = {text("/bin/sh"), text("-c"), text("echo the barn is locked >&2; exit 7")};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = 1;
  options.command = command;
  options.command_count = 3;
  wool_pool_t *pool = new_pool(&options);
  FAILS(WOOL_ERR_SPAWN_FAILED, "the barn is locked", try_call(pool, "test.pid", ints(0, 0, 0), &error));
  FAILS(WOOL_ERR_SPAWN_FAILED, "exit status 7", try_call(pool, "test.pid", ints(0, 0, 0), &error));
  const pool_status_t *status = status_of(pool);
  CHECK(status->problems == 1 && strcmp(status->problem_kind, "SPAWN_FAILED") == 0);
  CHECK(strstr(status->problem, "the barn is locked") != NULL && strstr(status->problem, "exit status 7") != NULL);
  end(pool);
  CHECK(has_no_child());
}

TEST(a_program_that_is_not_there_is_named) {
  wool_slice_t command[] = {text("/nowhere/shears")};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.command = command;
  options.command_count = 1;
  wool_pool_t *pool = new_pool(&options);
  FAILS(WOOL_ERR_SPAWN_FAILED, "/nowhere/shears", try_call(pool, "test.pid", ints(0, 0, 0), &error));
  end(pool);
}

/* Calls go on as soon as the pool has noticed. */
static pid_t pid_after(wool_pool_t *pool, pid_t dead) {
  for (;;) {
    wool_bytes_t arguments = ints(0, 0, 0), result = {0};
    wool_status_t status = wool_call(pool, text("test.pid"), payload(arguments), NULL, -1, &result, NULL, NULL);
    wool_bytes_free(&arguments);
    if (status != WOOL_OK) {
      CHECK(status == WOOL_ERR_WORKER_LOST);
      continue;
    }
    pid_t pid = (pid_t)to_int(result);
    wool_bytes_free(&result);
    CHECK(pid != dead);
    return pid;
  }
}

TEST(a_killed_worker_is_replaced) {
  wool_pool_t *pool = pool_of(1);
  pid_t first = pid_of(pool);
  int fd = watch(first);
  CHECK(kill(first, SIGKILL) == 0);
  wait_for_end(fd);
  pid_t second = pid_after(pool, first);
  UNTIL(all_serve(pool, 1));
  const pool_status_t *status = status_of(pool);
  CHECK(status->process[0].pid == second && status->process[0].restarts == 1 && status->problems == 0);
  end(pool);
}

TEST(a_worker_that_ends_in_a_task_is_lost_and_replaced) {
  wool_pool_t *pool = pool_of(1);
  pid_t first = pid_of(pool);
  FAILS(WOOL_ERR_WORKER_LOST, "", try_call(pool, "test.exit", ints(1, 3, 0), &error));
  CHECK(pid_after(pool, first) != getpid());
  end(pool);
}

TEST(closing_leaves_no_process) {
  wool_pool_t *pool = pool_of(2);
  wool_queue_t *queue = NULL;
  wool_call_t call = 0;
  OK(wool_queue_new(runtime, NULL, &queue, &error));
  CHECK(pid_of(pool) != getpid());
  wool_bytes_t arguments = ints(0, 0, 0);
  OK(wool_call_submit(pool, text("test.wait"), payload(arguments), NULL, queue, 1, &call, &error));
  wool_bytes_free(&arguments);
  OK(wool_pool_close(pool, -1, &error));
  CHECK(has_no_child());
  CHECK(status_of(pool)->processes == 0);
  wool_event_t event = next_event_of(queue);
  CHECK(event.kind == WOOL_EVENT_ERROR && event.status == WOOL_ERR_CLOSED);
  free_event(&event);
  wool_queue_free(queue);
  end(pool);
}

TEST(closing_before_they_serve_leaves_no_process) {
  wool_slice_t command[] = {text("sleep"), text("1000")};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = 2;
  options.command = command;
  options.command_count = 2;
  wool_pool_t *pool = new_pool(&options);
  OK(wool_pool_close(pool, -1, &error));
  CHECK(has_no_child());
  end(pool);
}

TEST(freeing_without_closing_leaves_no_process) {
  wool_pool_t *pool = pool_of(2);
  CHECK(pid_of(pool) != getpid());
  UNTIL(all_serve(pool, 2));
  int fds[2];
  for (int i = 0; i < 2; i++) fds[i] = watch((pid_t)status_of(pool)->process[i].pid);
  wool_pool_free(pool);
  for (int i = 0; i < 2; i++) wait_for_end(fds[i]);
  end_runtime();
  CHECK(has_no_child());
}

TEST(closing_the_runtime_leaves_no_process) {
  wool_pool_t *pool = pool_of(2);
  CHECK(pid_of(pool) != getpid());
  OK(wool_runtime_close(runtime, -1, &error));
  CHECK(has_no_child());
  end(pool);
}

struct closing {
  wool_pool_t *pool;
  wool_queue_t *queue;
  flag_t *closed;
};

static void close_in_a_callback(void *data, wool_event_t *event) {
  struct closing *closing = data;
  if (event->kind == WOOL_EVENT_CLOSED) {
    flag_raise(closing->closed);
    return;
  }
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "in a callback", wool_pool_close(closing->pool, -1, &error));
  OK(wool_pool_close_submit(closing->pool, closing->queue, 2, &error));
}

TEST(a_callback_submits_the_close_and_does_not_wait_for_it) {
  struct closing closing = {pool_of(1), NULL, flag_new()};
  wool_queue_options_t handled = WOOL_QUEUE_OPTIONS_INIT;
  handled.handler = close_in_a_callback;
  handled.handler_user_data = &closing;
  OK(wool_queue_new(runtime, &handled, &closing.queue, &error));
  wool_bytes_t arguments = ints(0, 0, 0);
  OK(wool_call_submit(closing.pool, text("test.pid"), payload(arguments), NULL, closing.queue, 1, NULL, &error));
  wool_bytes_free(&arguments);
  flag_wait(closing.closed);
  CHECK(has_no_child());
  wool_queue_free(closing.queue);
  end(closing.pool);
  flag_free(closing.closed);
}

static void become_refused(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)data, (void)info, (void)arguments;
  wool_payload_t became = {{(const uint8_t *)(wool_serve_if_spawned(runtime) ? "\x01" : "\x00"), 1},
                           WOOL_CODEC_MSGPACK};
  OK(wool_task_return(task, became, &error));
}

TEST(a_routine_does_not_become_a_worker) {
  wool_routine_options_t options = WOOL_ROUTINE_OPTIONS_INIT;
  options.name = text("test.become");
  options.kind = WOOL_ROUTINE_UNARY;
  options.run = become_refused;
  OK(wool_routine_register(runtime, &options, &error));
  wool_worker_t *worker = NULL;
  OK(wool_worker_new(runtime, NULL, &worker, &error));
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t joins = WOOL_POOL_OPTIONS_INIT;
  joins.addresses = &address;
  joins.address_count = 1;
  wool_pool_t *pool = new_pool(&joins);
  CHECK(call_int(pool, "test.become") == 0);
  wool_worker_free(worker);
  end(pool);
}

TEST(started_workers_are_published_and_end_with_their_pool) {
  wool_discovery_t *discovery = NULL;
  char name[32];
  snprintf(name, sizeof name, "test-c-%d", (int)getpid());
  OK(wool_discovery_new_local(text(name), text(""), &discovery, &error));
  wool_pool_options_t hybrid = WOOL_POOL_OPTIONS_INIT, durable = WOOL_POOL_OPTIONS_INIT;
  hybrid.spawn = 1;
  hybrid.discovery = discovery;
  durable.discovery = discovery;
  wool_pool_t *starts = new_pool(&hybrid), *joins = new_pool(&durable);
  wool_discovery_free(discovery);
  pid_t pid = pid_of(joins);
  CHECK(pid == pid_of(starts) && pid != getpid());
  const pool_status_t *status = status_of(joins);
  CHECK(status->processes == 0 && status->workers == 1 && strcmp(status->worker[0].origin, "found") == 0);
  CHECK(status->worker[0].pid == pid);
  OK(wool_pool_close(starts, -1, &error));
  UNTIL(status_of(joins)->workers == 0);
  wool_pool_free(starts);
  end(joins);
  CHECK(has_no_child());
}

static void in_the_child(wool_pool_t *pool) {
  wool_pool_t *another = NULL;
  wool_queue_t *queue = NULL;
  wool_bytes_t bytes;
  int32_t spawned = -1;
  FAILS(WOOL_ERR_FORKED, "exec", wool_pool_status(pool, &bytes, &error));
  FAILS(WOOL_ERR_FORKED, "exec", wool_pool_new(runtime, NULL, &another, &error));
  FAILS(WOOL_ERR_FORKED, "exec", wool_serve_if_spawned_submit(runtime, queue, 1, &spawned, &error));
  CHECK(spawned == -1 && wool_serve_if_spawned(runtime) == 0);
  wool_pool_free(pool);
  wool_runtime_free(runtime);
  _exit(0);
}

TEST(a_forked_child_leaves_the_processes_alone) {
  wool_pool_t *pool = pool_of(1);
  pid_t worker = pid_of(pool);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) in_the_child(pool);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(pid_of(pool) == worker);
  end(pool);
  CHECK(has_no_child());
}

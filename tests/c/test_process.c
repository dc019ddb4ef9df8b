/* The library as a guest in a process: forks, dlopen, exits. */
#include "world.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exits with 0 if the child's calls are refused, and quickly: a forked child has none of the library's threads. */
static void in_the_child(world_t *world) {
  wool_runtime_t *runtime = NULL;
  wool_event_t event;
  size_t count;
  wool_bytes_t arguments = ints(2, 1, 2), result;
  FAILS(WOOL_ERR_FORKED, "exec", wool_runtime_new(NULL, &runtime, &error));
  FAILS(WOOL_ERR_FORKED, "exec", wool_runtime_default(&runtime, &error));
  FAILS(WOOL_ERR_FORKED, "exec", wool_queue_drain(world->queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  FAILS(WOOL_ERR_FORKED, "exec",
        wool_call(world->pool, text("test.add"), payload(arguments), NULL, -1, &result, NULL, &error));
  FAILS(WOOL_ERR_FORKED, "exec", wool_pool_close(world->pool, -1, &error));
  FAILS(WOOL_ERR_FORKED, "exec", wool_runtime_close(world->runtime, -1, &error));
  CHECK(wool_queue_fd(world->queue) == WOOL_ERR_FORKED);
  CHECK(wool_call_cancel(1) == WOOL_ERR_FORKED);
  wool_bytes_free(&arguments);
  wool_queue_free(world->queue);
  wool_pool_free(world->pool);
  wool_worker_free(world->worker);
  wool_runtime_free(world->runtime);
  exit(0);
}

TEST(a_forked_child_is_told_so) {
  world_t world = world_new();
  CHECK(call_add(&world, 1, 2) == 3);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) in_the_child(&world);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(call_add(&world, 3, 4) == 7);
  world_free(&world);
}

TEST(a_fork_before_the_library_worked_does_no_harm) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    world_t world = world_new();
    CHECK(call_add(&world, 1, 2) == 3);
    world_free(&world);
    exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(leaving_main_without_closing_is_fine) {
  world_t world = world_new();
  submit(&world, "test.wait", ints(0, 0, 0), 1);
  world_kept_task();
  submit(&world, "test.add", ints(2, 1, 2), 2);
  exit(0);
}

TEST(the_library_can_be_opened_and_closed_at_run_time) {
  const char *path = getenv("LIBWOOL");
  CHECK(path != NULL);
  for (int i = 0; i < 2; i++) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) check_fail(__FILE__, __LINE__, dlerror());
    wool_status_t (*make)(wool_runtime_t **, wool_error_t **);
    *(void **)&make = dlsym(library, "wool_runtime_default");
    CHECK(make != NULL);
    wool_runtime_t *runtime = NULL;
    OK(make(&runtime, &error));
    /* Its threads go on: it stays loaded. */
    CHECK(dlclose(library) == 0);
  }
}

/* Options of pools and discoveries that cannot be, and a program that has not come to the point where it becomes a
 * worker: refused, with words that say what to do. */
#include "world.h"

static wool_runtime_t *runtime_of_this_process(void) {
  wool_runtime_t *runtime = NULL;
  OK(wool_runtime_default(&runtime, &error));
  return runtime;
}

/* The pool of these options is refused. */
#define REFUSED(status, words, options)                                                          \
  do {                                                                                           \
    wool_pool_t *none = NULL;                                                                    \
    FAILS((status), (words), wool_pool_new(runtime_of_this_process(), (options), &none, &error)); \
    CHECK(none == NULL);                                                                         \
  } while (0)

TEST(discoveries_of_bad_names) {
  static const char *const names[] = {"", ".hidden", "a/b", "a b", "schäfchen", "..", "a\nb",
                                      "123456789012345678901234567890123"};
  wool_slice_t nothing = {NULL, 0}, broken = {NULL, 1}, garbled = {(const uint8_t *)"\xff", 1};
  wool_discovery_t *discovery = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "name for a namespace",
          wool_discovery_new_local(text(names[i]), nothing, &discovery, &error));
  }
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_discovery_new_local(text("farm"), nothing, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "name_space is NULL",
        wool_discovery_new_local(broken, nothing, &discovery, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "directory is NULL",
        wool_discovery_new_local(text("farm"), broken, &discovery, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "UTF-8", wool_discovery_new_local(garbled, nothing, &discovery, &error));
  CHECK(discovery == NULL);
  wool_discovery_free(NULL);
  OK(wool_discovery_new_local(text("Az09._-"), nothing, &discovery, &error));
  wool_discovery_free(discovery);
}

TEST(pools_that_have_no_workers) {
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = -1;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "discovery or addresses", &options);
  options.spawn = INT32_MIN;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "discovery or addresses", &options);
}

TEST(pools_of_too_many_processes) {
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = INT32_MAX;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "4096", &options);
  options.spawn = 4097;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "4097", &options);
}

TEST(quorums_that_cannot_be_reached) {
  wool_slice_t address = text("127.0.0.1:1");
  wool_discovery_t *discovery = NULL;
  OK(wool_discovery_new_local(text("farm"), text(""), &discovery, &error));
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = 1;
  options.quorum = 2;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "quorum of 2", &options);
  options.spawn = 0;
  options.addresses = &address;
  options.address_count = 1;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "quorum of 2", &options);
  options.address_count = 0;
  options.discovery = discovery;
  options.lease = 1;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "lease of 1", &options);
  wool_discovery_free(discovery);
}

TEST(commands_that_start_nothing) {
  wool_slice_t empty[] = {text(""), text("x")}, split[] = {text("true"), {(const uint8_t *)"a\0b", 3}};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.command_count = 1;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "options.command is NULL", &options);
  options.command = empty;
  options.command_count = 2;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "command", &options);
  options.command = split;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "zero byte", &options);
}

TEST(lists_that_are_missing) {
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.tag_count = 1;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "options.tags is NULL", &options);
  options.tag_count = 0;
  options.address_count = 1;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "options.addresses is NULL", &options);
}

TEST(addresses_that_are_none) {
  wool_slice_t nonsense = text("nonsense"), far = text("192.0.2.1:80");
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &nonsense;
  options.address_count = 1;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "nonsense", &options);
  options.addresses = &far;
  REFUSED(WOOL_ERR_PERMISSION_DENIED, "allow_plaintext", &options);
}

TEST(pool_options_of_other_versions) {
  struct {
    wool_pool_options_t known;
    uint64_t added;
  } newer = {WOOL_POOL_OPTIONS_INIT, 1};
  newer.known.spawn = -1;
  newer.known.struct_size = sizeof newer;
  REFUSED(WOOL_ERR_UNSUPPORTED, "does not know", &newer.known);
  newer.added = 0;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "discovery or addresses", &newer.known);
  newer.known.struct_size = 0;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "struct_size is 0", &newer.known);
  /* Of a version whose options ended with `spawn`. */
  newer.known.struct_size = offsetof(wool_pool_options_t, command_is_own);
  newer.known.quorum = 7;
  REFUSED(WOOL_ERR_INVALID_ARGUMENT, "discovery or addresses", &newer.known);
}

TEST(worker_options_of_other_versions) {
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  wool_worker_t *worker = NULL;
  options.publish = (const wool_discovery_t *)&options;
  /* Of a version that published nothing: what lies there is not looked at. */
  options.struct_size = offsetof(wool_worker_options_t, publish);
  OK(wool_worker_new(runtime_of_this_process(), &options, &worker, &error));
  wool_worker_free(worker);
}

/* Starting this program again would run its main, and so this test, once more. */
TEST(a_program_that_has_not_come_to_the_point_is_not_started) {
  REFUSED(WOOL_ERR_SPAWN_FAILED, "if (wool_serve_if_spawned(runtime)) return 0;", NULL);
  wool_slice_t command[] = {text("/proc/self/exe")};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.spawn = 1;
  REFUSED(WOOL_ERR_SPAWN_FAILED, "wool_serve_if_spawned", &options);
  options.command = command;
  options.command_count = 1;
  options.command_is_own = 1;
  REFUSED(WOOL_ERR_SPAWN_FAILED, "wool_serve_if_spawned", &options);
}

TEST(the_point_is_not_passed_by_a_call_that_fails) {
  world_t world = world_new();
  wool_queue_options_t one = WOOL_QUEUE_OPTIONS_INIT;
  one.capacity = 1;
  wool_queue_t *queue = NULL;
  int32_t spawned = 7;
  CHECK(wool_serve_if_spawned(NULL) == 0);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL",
        wool_serve_if_spawned_submit(NULL, world.queue, 1, &spawned, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "queue is NULL",
        wool_serve_if_spawned_submit(world.runtime, NULL, 1, &spawned, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "spawned is NULL",
        wool_serve_if_spawned_submit(world.runtime, world.queue, 1, NULL, &error));
  OK(wool_queue_new(world.runtime, &one, &queue, &error));
  wool_bytes_t none = ints(0, 0, 0);
  OK(wool_call_submit(world.pool, text("test.wait"), payload(none), NULL, queue, 1, NULL, &error));
  wool_bytes_free(&none);
  FAILS(WOOL_ERR_BUSY, "", wool_serve_if_spawned_submit(world.runtime, queue, 1, &spawned, &error));
  OK(wool_queue_close(queue, &error));
  FAILS(WOOL_ERR_CLOSED, "", wool_serve_if_spawned_submit(world.runtime, queue, 1, &spawned, &error));
  CHECK(spawned == 7);
  REFUSED(WOOL_ERR_SPAWN_FAILED, "wool_serve_if_spawned", NULL);
  wool_queue_free(queue);
  world_free(&world);
}

TEST(a_closed_runtime_makes_no_pool) {
  wool_runtime_t *runtime = NULL;
  wool_pool_t *pool = NULL;
  OK(wool_runtime_new(NULL, &runtime, &error));
  OK(wool_runtime_close(runtime, -1, &error));
  FAILS(WOOL_ERR_CLOSED, "closed", wool_pool_new(runtime, NULL, &pool, &error));
  wool_runtime_free(runtime);
}

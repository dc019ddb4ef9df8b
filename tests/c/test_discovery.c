/* Local discovery: workers that are published, and pools that find them. */
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include "status.h"
#include "world.h"

/* A place for records of its own, and who uses it: a runtime that serves, another that calls. */
typedef struct {
  char directory[64];
  wool_discovery_t *discovery;
  wool_runtime_t *serves, *calls;
} farm_t;

static farm_t farm_new(void) {
  farm_t farm = {"/tmp/wool-test-c-XXXXXX", NULL, NULL, NULL};
  CHECK(mkdtemp(farm.directory) != NULL);
  OK(wool_discovery_new_local(text("farm"), text(farm.directory), &farm.discovery, &error));
  farm.serves = world_runtime();
  OK(wool_runtime_new(NULL, &farm.calls, &error));
  return farm;
}

/* Removes what is left of a directory: directories only, since every record is withdrawn by whoever published it. */
static void remove_tree(const char *path) {
  DIR *directory = opendir(path);
  CHECK(directory != NULL);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (entry->d_type != DT_DIR) check_fail(__FILE__, __LINE__, entry->d_name);
    char inner[512];
    CHECK(snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner);
    remove_tree(inner);
  }
  closedir(directory);
  CHECK(rmdir(path) == 0);
}

static void farm_free(farm_t *farm) {
  OK(wool_runtime_close(farm->calls, -1, &error));
  OK(wool_runtime_close(farm->serves, -1, &error));
  wool_runtime_free(farm->calls);
  wool_runtime_free(farm->serves);
  wool_discovery_free(farm->discovery);
  remove_tree(farm->directory);
}

static wool_worker_t *publish(farm_t *farm, const char *tag) {
  wool_slice_t tags[] = {text(tag)};
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.publish = farm->discovery;
  options.tags = tags;
  options.tag_count = tag[0] == '\0' ? 0 : 1;
  wool_worker_t *worker = NULL;
  OK(wool_worker_new(farm->serves, &options, &worker, &error));
  return worker;
}

static wool_pool_t *join(farm_t *farm, wool_pool_options_t options) {
  options.discovery = farm->discovery;
  wool_pool_t *pool = NULL;
  OK(wool_pool_new(farm->calls, &options, &pool, &error));
  return pool;
}

static wool_pool_options_t plain(void) {
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  return options;
}

TEST(a_published_worker_is_found) {
  farm_t farm = farm_new();
  wool_worker_t *worker = publish(&farm, "fast");
  wool_pool_t *pool = join(&farm, plain());
  CHECK(call_int(pool, "test.pid") == getpid());
  const pool_status_t *status = status_of(pool);
  CHECK(status->workers == 1 && status->processes == 0 && status->turned_away == 0 && status->problems == 0);
  CHECK(strcmp(status->worker[0].origin, "found") == 0 && strcmp(status->worker[0].state, "up") == 0);
  CHECK(same(wool_worker_uid(worker), status->worker[0].uid) && strcmp(status->worker[0].tag, "fast") == 0);
  CHECK(status->worker[0].pid == getpid());
  wool_worker_free(worker);
  wool_pool_free(pool);
  farm_free(&farm);
}

TEST(the_users_own_place_needs_no_directory) {
  farm_t farm = farm_new();
  char name[32];
  snprintf(name, sizeof name, "test-c-%d", (int)getpid());
  wool_discovery_free(farm.discovery);
  OK(wool_discovery_new_local(text(name), text(""), &farm.discovery, &error));
  wool_worker_t *worker = publish(&farm, "");
  wool_pool_t *pool = join(&farm, plain());
  /* What was made with it goes on. */
  wool_discovery_free(farm.discovery);
  farm.discovery = NULL;
  CHECK(call_int(pool, "test.pid") == getpid());
  wool_worker_free(worker);
  wool_pool_free(pool);
  farm_free(&farm);
}

TEST(another_namespace_is_another_world) {
  farm_t farm = farm_new();
  wool_worker_t *worker = publish(&farm, "");
  wool_discovery_t *other = NULL;
  OK(wool_discovery_new_local(text("stable"), text(farm.directory), &other, &error));
  wool_discovery_free(farm.discovery);
  farm.discovery = other;
  wool_pool_t *pool = join(&farm, plain());
  wool_bytes_t arguments = ints(0, 0, 0), result;
  wool_call_options_t soon = WOOL_CALL_OPTIONS_INIT;
  soon.dispatch_timeout_ms = 1;
  FAILS(WOOL_ERR_NO_WORKERS_AVAILABLE, "",
        wool_call(pool, text("test.pid"), payload(arguments), &soon, -1, &result, NULL, &error));
  wool_bytes_free(&arguments);
  CHECK(status_of(pool)->workers == 0);
  wool_worker_free(worker);
  wool_pool_free(pool);
  farm_free(&farm);
}

TEST(a_call_waits_for_a_worker_that_comes_later) {
  farm_t farm = farm_new();
  wool_pool_t *pool = join(&farm, plain());
  wool_queue_t *queue = NULL;
  OK(wool_queue_new(farm.calls, NULL, &queue, &error));
  wool_bytes_t arguments = ints(0, 0, 0);
  OK(wool_call_submit(pool, text("test.pid"), payload(arguments), NULL, queue, 1, NULL, &error));
  wool_bytes_free(&arguments);
  UNTIL(status_of(pool)->waiting == 1);
  wool_worker_t *worker = publish(&farm, "");
  wool_event_t event = next_event_of(queue);
  CHECK(event.kind == WOOL_EVENT_RESULT && to_int(event.payload) == getpid());
  free_event(&event);
  wool_worker_free(worker);
  wool_queue_free(queue);
  wool_pool_free(pool);
  farm_free(&farm);
}

TEST(a_worker_that_stops_is_forgotten) {
  farm_t farm = farm_new();
  wool_worker_t *first = publish(&farm, "");
  wool_pool_t *pool = join(&farm, plain());
  CHECK(call_int(pool, "test.pid") == getpid());
  OK(wool_worker_stop(first, 0, -1, &error));
  UNTIL(status_of(pool)->workers == 0);
  wool_worker_t *second = publish(&farm, "");
  CHECK(call_int(pool, "test.pid") == getpid());
  CHECK(same(wool_worker_uid(second), status_of(pool)->worker[0].uid));
  wool_worker_free(first);
  wool_worker_free(second);
  wool_pool_free(pool);
  farm_free(&farm);
}

TEST(who_is_turned_away_is_counted_with_the_reason) {
  farm_t farm = farm_new();
  wool_worker_t *slow = publish(&farm, "slow"), *fast = publish(&farm, "fast");
  wool_slice_t tags[] = {text("fast")};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.tags = tags;
  options.tag_count = 1;
  wool_pool_t *pool = join(&farm, options);
  CHECK(call_int(pool, "test.pid") == getpid());
  UNTIL(status_of(pool)->turned_away == 1);
  const pool_status_t *status = status_of(pool);
  CHECK(status->workers == 1 && same(wool_worker_uid(fast), status->worker[0].uid));
  CHECK(strcmp(status->reason, "tags") == 0 && strstr(status->message, "fast") != NULL && status->counted == 1);
  wool_pool_free(pool);

  options = plain();
  options.lease = 1;
  pool = join(&farm, options);
  CHECK(call_int(pool, "test.pid") == getpid());
  UNTIL(status_of(pool)->turned_away == 1);
  CHECK(strcmp(status_of(pool)->reason, "lease") == 0 && status_of(pool)->workers == 1);
  wool_pool_free(pool);
  wool_worker_free(slow);
  wool_worker_free(fast);
  farm_free(&farm);
}

TEST(who_cannot_read_the_record_may_not_call) {
  farm_t farm = farm_new();
  wool_worker_t *worker = publish(&farm, "");
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  wool_pool_t *pool = NULL;
  OK(wool_pool_new(farm.calls, &options, &pool, &error));
  UNTIL(strcmp(status_of(pool)->worker[0].state, "down") == 0);
  wool_pool_free(pool);
  wool_worker_free(worker);
  farm_free(&farm);
}

TEST(a_directory_that_is_not_there_is_told) {
  farm_t farm = farm_new();
  wool_discovery_free(farm.discovery);
  OK(wool_discovery_new_local(text("farm"), text("/nowhere/records"), &farm.discovery, &error));
  wool_worker_options_t publishes = WOOL_WORKER_OPTIONS_INIT;
  publishes.publish = farm.discovery;
  wool_worker_t *worker = NULL;
  FAILS(WOOL_ERR_DISCOVERY, "/nowhere/records", wool_worker_new(farm.serves, &publishes, &worker, &error));
  wool_pool_options_t joins = WOOL_POOL_OPTIONS_INIT;
  joins.discovery = farm.discovery;
  wool_pool_t *pool = NULL;
  FAILS(WOOL_ERR_DISCOVERY, "/nowhere/records", wool_pool_new(farm.calls, &joins, &pool, &error));
  farm_free(&farm);
}

TEST(a_forked_child_withdraws_nothing) {
  farm_t farm = farm_new();
  wool_worker_t *worker = publish(&farm, "");
  wool_pool_t *before = join(&farm, plain());
  CHECK(call_int(before, "test.pid") == getpid());
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    wool_worker_t *another = NULL;
    wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
    options.publish = farm.discovery;
    FAILS(WOOL_ERR_FORKED, "exec", wool_worker_new(farm.serves, &options, &another, &error));
    wool_pool_free(before);
    wool_worker_free(worker);
    wool_discovery_free(farm.discovery);
    wool_runtime_free(farm.serves);
    wool_runtime_free(farm.calls);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  wool_pool_t *after = join(&farm, plain());
  CHECK(call_int(after, "test.pid") == getpid());
  CHECK(status_of(before)->workers == 1);
  wool_pool_free(before);
  wool_pool_free(after);
  wool_worker_free(worker);
  farm_free(&farm);
}

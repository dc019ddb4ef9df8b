/* Every worker is replaced while calls are made, and no call fails. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "../common.h"

static void card(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  return_int(task, int_argument(arguments));
}

static wool_worker_t *start(wool_runtime_t *runtime, const wool_discovery_t *discovery) {
  wool_error_t *error = NULL;
  wool_worker_t *worker;
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.publish = discovery;
  check(wool_worker_new(runtime, &options, &worker, &error), error);
  return worker;
}

static bool is(wool_slice_t a, wool_slice_t b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

/* Looks at a worker of a status; whether it is up and has this uid. */
static bool read_worker(wool_value_reader_t *reader, wool_slice_t uid) {
  size_t parts = 0;
  bool is_it = false, is_up = false;
  wool_slice_t part, value;
  wool_value_reader_map(reader, &parts, NULL);
  while (parts-- > 0 && wool_value_reader_string(reader, &part, NULL) == WOOL_OK) {
    bool is_uid = is(part, text("uid")), is_state = is(part, text("state"));
    if ((is_uid || is_state) && wool_value_reader_string(reader, &value, NULL) == WOOL_OK) {
      if (is_uid) is_it = is(value, uid);
      if (is_state) is_up = is(value, text("up"));
    } else {
      wool_value_reader_skip(reader, NULL);
    }
  }
  return is_it && is_up;
}

/* How many workers the pool has, and whether one of them is up and has this uid. */
static size_t count_workers(const wool_pool_t *pool, wool_slice_t uid, bool *found) {
  wool_error_t *error = NULL;
  wool_bytes_t status;
  wool_value_reader_t *reader;
  wool_slice_t part;
  size_t parts = 0, count = 0;
  *found = false;
  check(wool_pool_status(pool, &status, &error), error);
  check(wool_value_reader_new((wool_slice_t){status.ptr, status.len}, &reader, &error), error);
  wool_value_reader_map(reader, &parts, NULL);
  while (parts-- > 0 && wool_value_reader_string(reader, &part, NULL) == WOOL_OK) {
    if (!is(part, text("workers"))) {
      wool_value_reader_skip(reader, NULL);
      continue;
    }
    wool_value_reader_list(reader, &count, NULL);
    for (size_t i = 0; i < count; i++) *found = read_worker(reader, uid) || *found;
  }
  wool_value_reader_free(reader);
  wool_bytes_free(&status);
  return count;
}

static void pause_a_little(void) { usleep(5000); }

/* Starts a new worker, waits until the pool is connected to it, and drains the old one: that is not found any more, takes no
 * new tasks, and lets those that run end. */
static void replace(wool_runtime_t *runtime, const wool_discovery_t *discovery, wool_pool_t *pool, wool_worker_t **worker) {
  wool_error_t *error = NULL;
  wool_worker_t *new_one = start(runtime, discovery);
  for (bool is_up = false; !is_up; pause_a_little()) count_workers(pool, wool_worker_uid(new_one), &is_up);
  check(wool_worker_stop(*worker, 10000, -1, &error), error);
  wool_worker_free(*worker);
  *worker = new_one;
}

enum { CALLS = 200, UNDER_WAY = 8 };

/* Makes the calls, a few of them under way at any time; returns how many have failed. */
static void *make_calls(void *pool) {
  static size_t failed;
  wool_error_t *error = NULL;
  wool_map_t *map;
  wool_map_item_t item = WOOL_MAP_ITEM_INIT;
  wool_map_options_t options = WOOL_MAP_OPTIONS_INIT;
  wool_map_progress_t progress = WOOL_MAP_PROGRESS_INIT;
  options.in_flight = UNDER_WAY;
  check(wool_map_new(pool, text("wool.card"), &options, &map, &error), error);
  for (int64_t n = 0, taken = 0; taken < CALLS;) {
    wool_bytes_t input = encode_arguments(NULL, &n, 1);
    wool_status_t added = n < CALLS ? wool_map_add(map, encoded(&input), NULL) : WOOL_ERR_BUSY;
    wool_bytes_free(&input);
    if (added == WOOL_OK) {
      n++;
      continue;
    }
    check(wool_map_next(map, -1, &item, &error), error);
    wool_bytes_free(&item.value);
    wool_error_free(item.error);
    taken++;
  }
  check(wool_map_progress(map, &progress, &error), error);
  failed = progress.failed;
  wool_map_free(map);
  return &failed;
}

int main(void) {
  char directory[] = "/tmp/wool-deploying-XXXXXX";
  const char *const n[] = {"n", NULL};
  wool_runtime_t *runtime;
  wool_discovery_t *discovery;
  wool_pool_t *pool;
  wool_error_t *error = NULL;
  if (mkdtemp(directory) == NULL) return 1;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  add_routine(runtime, "wool.card", n, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = card});
  check(wool_discovery_new_local(text("flock"), text(directory), &discovery, &error), error);
  wool_worker_t *workers[] = {start(runtime, discovery), start(runtime, discovery)};
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.discovery = discovery;
  options.quorum = 2;
  check(wool_pool_new(runtime, &options, &pool, &error), error);

  pthread_t load;
  if (pthread_create(&load, NULL, make_calls, pool) != 0) return 1;
  for (int i = 0; i < 2; i++) replace(runtime, discovery, pool, &workers[i]);
  void *failed;
  pthread_join(load, &failed);
  printf("%d calls, %zu failed\n", CALLS, *(size_t *)failed);
  /* The pool hears of the last one's end a little later. */
  bool is_up;
  size_t count;
  while ((count = count_workers(pool, text(""), &is_up)) > 2) pause_a_little();
  printf("%zu workers\n", count);

  for (int i = 0; i < 2; i++) check(wool_worker_stop(workers[i], 0, -1, &error), error);
  leave(runtime, pool);
  for (int i = 0; i < 2; i++) wool_worker_free(workers[i]);
  wool_discovery_free(discovery);
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", directory);
  return system(command) == 0 ? 0 : 1;
}

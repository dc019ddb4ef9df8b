/* Many calls at once: one for each input, one for each worker, and one for a certain worker. */
#include "../common.h"

static void square(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  int64_t n = int_argument(arguments);
  return_int(task, n * n);
}

/* Returns the uid of its worker. */
static void where(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)arguments;
  char uid[37], *at = uid;
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    at += sprintf(at, "%02x", info->worker_uid[i]);
  }
  wool_bytes_t value = encode_text(text(uid));
  wool_task_return(task, encoded(&value), NULL);
  wool_bytes_free(&value);
}

static void serve(wool_runtime_t *runtime) {
  const char *const n[] = {"n", NULL}, *const none[] = {NULL};
  add_routine(runtime, "wool.square", n, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = square});
  add_routine(runtime, "wool.where", none, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = where});
}

/* Takes the next outcome; 0 when there is none. */
static int take(wool_map_t *map, const char *separator) {
  wool_error_t *error = NULL;
  wool_map_item_t item = WOOL_MAP_ITEM_INIT;
  wool_status_t status = wool_map_next(map, -1, &item, &error);
  check(status, error);
  if (status == WOOL_END) return 0;
  check(item.status, item.error);
  printf("%s%" PRId64, separator, decode_int((wool_slice_t){item.value.ptr, item.value.len}));
  wool_bytes_free(&item.value);
  return 1;
}

static void map_squares(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  wool_map_t *map;
  wool_map_options_t options = WOOL_MAP_OPTIONS_INIT;
  options.in_flight = 4;
  options.ordered = 1;
  check(wool_map_new(pool, text("wool.square"), &options, &map, &error), error);
  const char *separator = "";
  for (int64_t n = 1; n <= 10;) {
    wool_bytes_t input = encode_arguments(NULL, &n, 1);
    wool_status_t status = wool_map_add(map, encoded(&input), NULL);
    wool_bytes_free(&input);
    if (status == WOOL_OK) {
      n++;
    } else if (status == WOOL_ERR_BUSY) {
      /* As many as it holds: make room. */
      take(map, separator);
      separator = " ";
    } else {
      check(status, NULL);
    }
  }
  while (take(map, separator)) separator = " ";
  wool_map_progress_t progress = WOOL_MAP_PROGRESS_INIT;
  check(wool_map_progress(map, &progress, &error), error);
  printf("\n%" PRIu64 " of %" PRIu64 " done, %" PRIu64 " failed\n", progress.done, progress.added, progress.failed);
  wool_map_free(map);
}

/* Asks every worker, and leaves the uid of the last one that has answered. */
static void ask_all(wool_pool_t *pool, char *uid, size_t size) {
  wool_error_t *error = NULL;
  wool_bytes_t none = encode_arguments(NULL, NULL, 0);
  wool_broadcast_t *told;
  check(wool_broadcast_new(pool, text("wool.where"), encoded(&none), NULL, &told, &error), error);
  wool_broadcast_item_t item = WOOL_BROADCAST_ITEM_INIT;
  wool_status_t status;
  int count = 0;
  while ((status = wool_broadcast_next(told, -1, &item, &error)) == WOOL_OK) {
    check(item.status, item.error);
    snprintf(uid, size, "%.*s", (int)item.worker_uid.len, (const char *)item.worker_uid.ptr);
    wool_bytes_free(&item.value);
    count++;
  }
  check(status, error);
  printf("%d workers answered\n", count);
  wool_broadcast_free(told);
  wool_bytes_free(&none);
}

static void call(wool_pool_t *pool) {
  char uid[64] = "";
  map_squares(pool);
  ask_all(pool, uid, sizeof uid);

  wool_error_t *error = NULL;
  wool_bytes_t none = encode_arguments(NULL, NULL, 0), answer = {0};
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.worker_uid = text(uid);
  check(wool_call(pool, text("wool.where"), encoded(&none), &options, -1, &answer, NULL, &error), error);
  char found[64];
  decode_text(&answer, found, sizeof found);
  printf("it was that one: %s\n", strcmp(found, uid) == 0 ? "true" : "false");
  wool_bytes_free(&answer);
  wool_bytes_free(&none);
}

int main(void) { return play_on(2, serve, call); }

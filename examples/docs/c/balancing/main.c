/* A balancer of the program's own: calls for one farm go to the same worker as long as it is there. */
#include "../common.h"

/* Must not block; it may also be answered later, from any thread. */
static void by_farm(void *user_data, wool_choice_t choice, const wool_choice_info_t *info) {
  (void)user_data;
  const wool_choice_worker_t *best = NULL;
  size_t chosen = 0;
  uint64_t highest = 0;
  for (size_t i = 0; i < info->worker_count; i++) {
    const wool_choice_worker_t *worker = &info->workers[i];
    /* The highest of a hash of worker and farm: when a worker leaves, only its own calls move. */
    uint64_t hash = 14695981039346656037u;
    for (size_t at = 0; at < worker->uid.len; at++) hash = (hash ^ worker->uid.ptr[at]) * 1099511628211u;
    for (size_t at = 0; at < info->tag.len; at++) hash = (hash ^ info->tag.ptr[at]) * 1099511628211u;
    if (best == NULL || hash > highest) {
      best = worker;
      chosen = i;
      highest = hash;
    }
  }
  wool_choice_answer(choice, (int64_t)chosen, NULL);
}

/* Says which worker it runs on. */
static void where(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)arguments;
  wool_payload_t uid = {{info->worker_uid, sizeof info->worker_uid}, WOOL_CODEC_RAW};
  wool_task_return(task, uid, NULL);
}

/* How many calls for this farm of 20 run on the worker of the first. */
static int together(wool_pool_t *pool, const char *farm) {
  wool_error_t *error = NULL;
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  wool_bytes_t arguments = encode_arguments(NULL, NULL, 0), answer;
  uint8_t first[16];
  int same = 0;
  options.tag = text(farm);
  for (int i = 0; i < 20; i++) {
    check(wool_call(pool, text("wool.where"), encoded(&arguments), &options, -1, &answer, NULL, &error), error);
    if (i == 0) memcpy(first, answer.ptr, sizeof first);
    same += memcmp(first, answer.ptr, sizeof first) == 0;
    wool_bytes_free(&answer);
  }
  wool_bytes_free(&arguments);
  return same;
}

int main(void) {
  enum { WORKERS = 3 };
  wool_runtime_t *runtime;
  wool_worker_t *workers[WORKERS];
  wool_pool_t *pool;
  wool_error_t *error = NULL;
  wool_slice_t addresses[WORKERS];
  check(wool_runtime_new(NULL, &runtime, &error), error);
  add_routine(runtime, "wool.where", (const char *const[]){NULL},
              (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = where});
  for (int i = 0; i < WORKERS; i++) {
    check(wool_worker_new(runtime, NULL, &workers[i], &error), error);
    addresses[i] = wool_worker_address(workers[i]);
  }
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = addresses;
  options.address_count = WORKERS;
  options.quorum = WORKERS;
  options.balancer = WOOL_BALANCER_CUSTOM;
  options.balance = by_farm;
  check(wool_pool_new(runtime, &options, &pool, &error), error);

  printf("%d of 20 calls for the hill run together\n", together(pool, "hill"));
  printf("%d of 20 calls for the valley run together\n", together(pool, "valley"));
  leave(runtime, pool);
  for (int i = 0; i < WORKERS; i++) wool_worker_free(workers[i]);
  return 0;
}

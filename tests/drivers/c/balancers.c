/* The balancers of PROTOCOL.md; the driver's own chooses by the tag of the call. */
#include <string.h>

#include "pools.h"

static int is(wool_slice_t found, const char *wanted, size_t length) {
  return found.len == length && memcmp(found.ptr, wanted, length) == 0;
}

/* -1 when it is not among them. */
static int64_t index_of(const wool_choice_info_t *info, const char *uid, size_t length) {
  for (size_t i = 0; i < info->worker_count; i++) {
    if (is(info->workers[i].uid, uid, length)) return (int64_t)i;
  }
  return -1;
}

static int goes_first(const wool_choice_worker_t *one, const wool_choice_worker_t *other) {
  if (one->in_flight != other->in_flight) return one->in_flight < other->in_flight;
  return memcmp(one->uid.ptr, other->uid.ptr, one->uid.len) < 0;
}

static int64_t least_loaded(const wool_choice_info_t *info) {
  size_t least = 0;
  for (size_t i = 1; i < info->worker_count; i++) {
    if (goes_first(&info->workers[i], &info->workers[least])) least = i;
  }
  return (int64_t)least;
}

static void balance(void *user_data, wool_choice_t choice, const wool_choice_info_t *info) {
  (void)user_data;
  int64_t index;
  if (info->tag.len > 3 && memcmp(info->tag.ptr, "to:", 3) == 0) {
    index = index_of(info, (const char *)info->tag.ptr + 3, info->tag.len - 3);
  } else if (is(info->tag, "none", 4)) {
    index = -1;
  } else if (is(info->tag, "broken", 6)) {
    index = (int64_t)info->worker_count;
  } else {
    index = least_loaded(info);
  }
  wool_choice_answer(choice, index, NULL);
}

void choose_balancer(const options_t *options, wool_pool_options_t *settings) {
  const char *name = option(options, "balancer");
  if (name == NULL || strcmp(name, "round_robin") == 0) return;
  if (strcmp(name, "least_loaded") == 0) {
    settings->balancer = WOOL_BALANCER_LEAST_LOADED;
  } else if (strcmp(name, "custom") == 0) {
    settings->balancer = WOOL_BALANCER_CUSTOM;
    settings->balance = balance;
  } else {
    die("there is no such balancer", NULL);
  }
}

#include "pools.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "routines.h"

/* The most that one list of options holds. */
enum { MOST = 32 };

/* Texts that options borrow while they are read. */
typedef struct {
  char *owned[MOST];
  wool_slice_t slices[MOST];
  size_t count;
} texts_t;

static wool_slice_t add_text(texts_t *texts, char *owned) {
  if (texts->count == MOST) die("an option comes too often", NULL);
  texts->owned[texts->count] = owned;
  return texts->slices[texts->count++] = text(owned);
}

/* All the texts of an option that may come several times. */
static texts_t all_texts(const options_t *options, const char *key) {
  texts_t texts = {{NULL}, {{NULL, 0}}, 0};
  int from = 0;
  for (const char *token; (token = next_option(options, key, &from)) != NULL;) add_text(&texts, plain_text(token));
  return texts;
}

/* What is between the commas of an option. */
static texts_t split_texts(const options_t *options, const char *key) {
  texts_t texts = {{NULL}, {{NULL, 0}}, 0};
  for (const char *one = option(options, key); one != NULL;) {
    size_t length = strcspn(one, ",");
    add_text(&texts, copy_text(one, length));
    one = one[length] == '\0' ? NULL : one + length + 1;
  }
  return texts;
}

static void free_texts(texts_t *texts) {
  for (size_t i = 0; i < texts->count; i++) free(texts->owned[i]);
}

/* The text of an option, or nothing. */
static wool_slice_t add_option(texts_t *texts, const options_t *options, const char *key) {
  const char *token = option(options, key);
  return token == NULL ? text("") : add_text(texts, plain_text(token));
}

static long long number(const options_t *options, const char *key, long long otherwise) {
  const char *digits = option(options, key);
  if (digits == NULL) return otherwise;
  char *end = NULL;
  long long found = strtoll(digits, &end, 10);
  if (*digits == '\0' || *end != '\0') die(key, NULL);
  return found;
}

/* The discovery whose namespace is under this key, if it was given. */
static wool_status_t given_discovery(const options_t *options, const char *key, wool_discovery_t **discovery,
                                     wool_error_t **error) {
  const char *name_space = option(options, key), *directory = option(options, "directory");
  *discovery = NULL;
  if (name_space == NULL) return WOOL_OK;
  return wool_discovery_new_local(text(name_space), text(directory), discovery, error);
}

/* As wool.h has it: 0 decides by itself, negative is none. */
static int32_t spawn(const options_t *options) {
  const char *count = option(options, "spawn");
  if (count == NULL) return 0;
  if (strcmp(count, "none") == 0) return -1;
  long long found = number(options, "spawn", 0);
  if (found <= 0) return -1;
  return found > INT32_MAX ? INT32_MAX : (int32_t)found;
}

wool_status_t open_pool(wool_runtime_t *runtime, const options_t *options, wool_pool_t **pool, wool_error_t **error) {
  wool_discovery_t *discovery;
  wool_status_t status = given_discovery(options, "discovery", &discovery, error);
  if (status != WOOL_OK) return status;
  texts_t addresses = split_texts(options, "address"), command = all_texts(options, "command");
  texts_t tags = all_texts(options, "tag"), others = {{NULL}, {{NULL, 0}}, 0};
  wool_pool_options_t settings = WOOL_POOL_OPTIONS_INIT;
  settings.spawn = spawn(options);
  settings.command = command.slices;
  settings.command_count = command.count;
  settings.concurrency = (uint32_t)number(options, "concurrency", 0);
  settings.lease = (uint32_t)number(options, "lease", 0);
  settings.grace_ms = number(options, "grace", 0);
  settings.discovery = discovery;
  settings.addresses = addresses.slices;
  settings.address_count = addresses.count;
  settings.tags = tags.slices;
  settings.tag_count = tags.count;
  settings.quorum = (uint32_t)number(options, "quorum", 0);
  settings.quorum_timeout_ms = (uint64_t)number(options, "quorum_timeout", 0);
  settings.dispatch_timeout_ms = (uint64_t)number(options, "dispatch_timeout", 0);
  settings.secret = add_option(&others, options, "secret");
  status = wool_pool_new(runtime, &settings, pool, error);
  free_texts(&addresses);
  free_texts(&command);
  free_texts(&tags);
  free_texts(&others);
  wool_discovery_free(discovery);
  return status;
}

wool_status_t start_worker(wool_runtime_t *runtime, const options_t *options, wool_worker_t **worker,
                           wool_error_t **error) {
  const char *twice = option(options, "register");
  if (twice != NULL && strcmp(twice, "dup") == 0) {
    wool_status_t status = register_echo(runtime, error);
    if (status != WOOL_OK) return status;
  }
  wool_discovery_t *publish;
  wool_status_t status = given_discovery(options, "publish", &publish, error);
  if (status != WOOL_OK) return status;
  texts_t tags = all_texts(options, "tag"), others = {{NULL}, {{NULL, 0}}, 0};
  wool_worker_options_t settings = WOOL_WORKER_OPTIONS_INIT;
  settings.socket_path = text(option(options, "socket"));
  settings.secret = add_option(&others, options, "secret");
  settings.concurrency = (uint32_t)number(options, "concurrency", 0);
  settings.tags = tags.slices;
  settings.tag_count = tags.count;
  settings.publish = publish;
  const char *admit = option(options, "admit");
  if (admit != NULL && strcmp(admit, "tags") != 0) die("the only admission hook is by tags", NULL);
  if (admit != NULL) settings.admit = admit_by_tag;
  status = wool_worker_new(runtime, &settings, worker, error);
  free_texts(&tags);
  free_texts(&others);
  wool_discovery_free(publish);
  return status;
}

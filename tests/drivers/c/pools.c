#include "pools.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "routines.h"
#include "texts.h"

static long long number(const options_t *options, const char *key, long long otherwise) {
  const char *digits = option(options, key);
  if (digits == NULL) return otherwise;
  char *end = NULL;
  long long found = strtoll(digits, &end, 10);
  if (*digits == '\0' || *end != '\0') die(key, NULL);
  return found;
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
  const wool_credentials_t *credentials;
  wool_discovery_t *discovery;
  wool_status_t status = given_credentials(options, &credentials, error);
  if (status == WOOL_OK) status = given_discovery(options, "discovery", &discovery, error);
  if (status != WOOL_OK) return status;
  texts_t addresses = split_texts(options, "address"), command = all_texts(options, "command");
  texts_t tags = all_texts(options, "tag"), advertise = all_texts(options, "advertise"), others = no_texts();
  texts_t peers = all_texts(options, "peer");
  wool_pool_options_t settings = WOOL_POOL_OPTIONS_INIT;
  settings.spawn = spawn(options);
  settings.command = command.slices;
  settings.command_count = command.count;
  settings.concurrency = (uint32_t)number(options, "concurrency", 0);
  settings.max_payload = (uint64_t)number(options, "max_payload", 0);
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
  settings.allow_plaintext = (int32_t)number(options, "allow_plaintext", 0);
  settings.bind = add_option(&others, options, "bind");
  settings.advertise = advertise.slices;
  settings.advertise_count = advertise.count;
  settings.credentials = credentials;
  settings.identity = add_option(&others, options, "identity");
  settings.peers = peers.slices;
  settings.peer_count = peers.count;
  choose_balancer(options, &settings);
  choose_peer_check(options, &settings);
  status = wool_pool_new(runtime, &settings, pool, error);
  free_texts(&addresses);
  free_texts(&command);
  free_texts(&tags);
  free_texts(&advertise);
  free_texts(&peers);
  free_texts(&others);
  wool_discovery_free(discovery);
  return status;
}

/* The numbers of `peer_limits=`. */
static void limit_peers(const options_t *options, wool_worker_options_t *settings) {
  const char *limits = option(options, "peer_limits");
  if (limits == NULL) return;
  char *end = NULL;
  unsigned long long numbers[4] = {0};
  for (size_t i = 0; i < 4; i++) {
    numbers[i] = strtoull(limits, &end, 10);
    if (end == limits || *end != (i < 3 ? ':' : '\0')) die("peer_limits", NULL);
    limits = end + 1;
  }
  settings->peer_connections = (uint32_t)numbers[0];
  settings->peer_sessions = (uint32_t)numbers[1];
  settings->peer_calls = (uint32_t)numbers[2];
  settings->peer_bytes = numbers[3];
}

/* Calls `start` with what the options say. */
static wool_status_t with_worker_options(wool_runtime_t *runtime, const options_t *options,
                                         wool_status_t (*start)(wool_runtime_t *, const wool_worker_options_t *, void *,
                                                                wool_error_t **),
                                         void *data, wool_error_t **error) {
  const char *twice = option(options, "register");
  if (twice != NULL && strcmp(twice, "dup") == 0) {
    wool_status_t status = register_echo(runtime, error);
    if (status != WOOL_OK) return status;
  }
  const wool_credentials_t *credentials;
  wool_discovery_t *publish;
  wool_status_t status = given_credentials(options, &credentials, error);
  if (status == WOOL_OK) status = given_discovery(options, "publish", &publish, error);
  if (status != WOOL_OK) return status;
  texts_t tags = all_texts(options, "tag"), advertise = all_texts(options, "advertise");
  texts_t extra = all_pairs(options, "extra"), peers = all_texts(options, "peer"), others = no_texts();
  texts_t callers = all_texts(options, "caller_name"), allowed = all_pairs(options, "allow");
  texts_t stoppers = all_texts(options, "stopper");
  wool_worker_options_t settings = WOOL_WORKER_OPTIONS_INIT;
  settings.bind = add_option(&others, options, "bind");
  settings.socket_path = text(option(options, "socket"));
  settings.secret = add_option(&others, options, "secret");
  settings.allow_plaintext = (int32_t)number(options, "allow_plaintext", 0);
  settings.concurrency = (uint32_t)number(options, "concurrency", 0);
  settings.max_payload = (uint64_t)number(options, "max_payload", 0);
  settings.tags = tags.slices;
  settings.tag_count = tags.count;
  settings.advertise = advertise.slices;
  settings.advertise_count = advertise.count;
  settings.extra = extra.slices;
  settings.extra_count = extra.count;
  settings.publish = publish;
  settings.credentials = credentials;
  settings.identity = add_option(&others, options, "identity");
  settings.callers = callers.slices;
  settings.caller_count = callers.count;
  settings.routine_callers = allowed.slices;
  settings.routine_caller_count = allowed.count;
  settings.peers = peers.slices;
  settings.peer_count = peers.count;
  settings.stoppers = stoppers.slices;
  settings.stopper_count = stoppers.count;
  limit_peers(options, &settings);
  const char *admit = option(options, "admit");
  if (admit != NULL && strcmp(admit, "tags") != 0) die("the only admission hook is by tags", NULL);
  if (admit != NULL) settings.admit = admit_by_tag;
  status = start(runtime, &settings, data, error);
  free_texts(&tags);
  free_texts(&advertise);
  free_texts(&extra);
  free_texts(&peers);
  free_texts(&callers);
  free_texts(&allowed);
  free_texts(&stoppers);
  free_texts(&others);
  wool_discovery_free(publish);
  return status;
}

static wool_status_t start(wool_runtime_t *runtime, const wool_worker_options_t *settings, void *data,
                           wool_error_t **error) {
  return wool_worker_new(runtime, settings, data, error);
}

wool_status_t start_worker(wool_runtime_t *runtime, const options_t *options, wool_worker_t **worker,
                           wool_error_t **error) {
  return with_worker_options(runtime, options, start, worker, error);
}

/* How a worker program runs. */
typedef struct {
  long long grace;
  wool_worker_started_fn started;
  void *user_data;
} program_t;

static wool_status_t run(wool_runtime_t *runtime, const wool_worker_options_t *settings, void *data,
                         wool_error_t **error) {
  const program_t *program = data;
  return wool_worker_run(runtime, settings, program->grace, program->started, program->user_data, error);
}

wool_status_t run_worker_program(wool_runtime_t *runtime, const options_t *options, wool_worker_started_fn started,
                                 void *user_data, wool_error_t **error) {
  program_t program = {number(options, "run", 0), started, user_data};
  return with_worker_options(runtime, options, run, &program, error);
}

/* The standard routines that are about the process which serves them. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "credentials.h"
#include "driver.h"
#include "routines.h"

UNARY(pid) {
  (void)arguments;
  BEGIN_UNARY;
  END_UNARY;
  return_int(task, getpid());
}

static void end_process(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  count_started();
  size_t positional, named;
  int64_t status;
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  if (wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, &error) == WOOL_OK &&
      wool_value_reader_int(reader, &status, &error) == WOOL_OK) {
    _exit((int)status);
  }
  wool_value_reader_free(reader);
  count_finished();
  fail_with(task, error);
}

static void counters(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info, (void)arguments;
  wool_value_builder_t *builder = new_builder();
  build_counters(builder);
  answer(task, builder, wool_task_return);
}

/* conf.relay runs on a thread of its own: in a callback nobody may wait for a pool's close. */
typedef struct {
  wool_runtime_t *runtime;
  wool_task_t task;
  wool_discovery_t *discovery;
  char *routine;
  wool_bytes_t arguments;
} relay_t;

/* Reads the four arguments; NULL or why not. */
static wool_error_t *read_relay(wool_payload_t given, relay_t *relay) {
  size_t positional, named, count = 0;
  wool_slice_t name_space = text(""), directory = text(""), routine = text("");
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  if (wool_value_reader_new_arguments(given.data, &reader, &positional, &named, &error) != WOOL_OK) return error;
  if (wool_value_reader_string(reader, &name_space, &error) == WOOL_OK &&
      wool_value_reader_string(reader, &directory, &error) == WOOL_OK &&
      wool_value_reader_string(reader, &routine, &error) == WOOL_OK) {
    wool_value_reader_list(reader, &count, &error);
  }
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_arguments(builder, count, 0, NULL);
  for (size_t i = 0; error == NULL && i < count; i++) error = copy_value(reader, builder);
  if (error == NULL && wool_value_builder_finish(builder, &relay->arguments, &error) == WOOL_OK) {
    relay->routine = copy_text((const char *)routine.ptr, routine.len);
    wool_discovery_new_local(name_space, directory, &relay->discovery, &error);
  }
  wool_value_builder_free(builder);
  wool_value_reader_free(reader);
  return error;
}

static void free_relay(relay_t *relay) {
  wool_discovery_free(relay->discovery);
  free(relay->routine);
  wool_bytes_free(&relay->arguments);
  free(relay);
}

/* What the relayed call failed with, passed on. */
static void pass_on(wool_task_t task, wool_error_t *error) {
  wool_status_t status = wool_error_status(error);
  wool_slice_t type = wool_error_type(error);
  if (type.len == 0) type = text(wool_status_name((int32_t)status));
  fail(task, WOOL_ERR_TASK_FAILED, type, wool_error_message(error));
  wool_error_free(error);
}

static void *run_relay(void *argument) {
  relay_t *relay = argument;
  wool_pool_t *pool = NULL;
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.discovery = relay->discovery;
  options.credentials = own_credentials();
  wool_bytes_t result = {NULL, 0, NULL};
  int32_t codec = WOOL_CODEC_MSGPACK;
  wool_error_t *error = NULL;
  if (wool_pool_new(relay->runtime, &options, &pool, &error) == WOOL_OK) {
    wool_call(pool, text(relay->routine), msgpack(relay->arguments), NULL, -1, &result, &codec, &error);
    wool_pool_close(pool, -1, NULL);
    wool_pool_free(pool);
  }
  wool_task_t task = relay->task;
  free_relay(relay);
  count_finished();
  /* Last: once it is answered, the runtime may close and the process end. */
  if (error == NULL) {
    wool_payload_t value = {{result.ptr, result.len}, codec};
    wool_task_return(task, value, NULL);
    wool_bytes_free(&result);
  } else {
    pass_on(task, error);
  }
  return NULL;
}

static void relay(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)info;
  count_started();
  relay_t *relay = allocate(sizeof *relay);
  *relay = (relay_t){.runtime = user_data, .task = task};
  wool_error_t *error = read_relay(arguments, relay);
  if (error != NULL) {
    free_relay(relay);
    count_finished();
    fail_with(task, error);
    return;
  }
  pthread_t thread;
  if (pthread_create(&thread, NULL, run_relay, relay) != 0) die("no thread", NULL);
  pthread_detach(thread);
}

wool_status_t register_process_routines(wool_runtime_t *runtime, wool_error_t **error) {
  const served_t routines[] = {
      {"conf.pid", {NULL}, pid, NULL, NULL, NULL},
      {"conf.exit", {NULL}, end_process, NULL, NULL, NULL},
      {"conf.counters", {NULL}, counters, NULL, NULL, NULL},
      {"conf.relay", {NULL}, relay, NULL, NULL, runtime},
  };
  return serve_all(runtime, routines, sizeof routines / sizeof *routines, error);
}

/* A worker and a caller that know each other by their certificates: `make certs` puts some into `certs`.
 *
 *   secure worker 0.0.0.0:7000
 *   secure caller localhost:7000
 *
 * Only errors that can come from outside are checked here; the rest can fail only without memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wool.h"

static wool_slice_t text(const char *string) {
  return (wool_slice_t){(const uint8_t *)string, strlen(string)};
}

static void check(wool_status_t status, wool_error_t *error) {
  if (status >= 0) return;
  wool_slice_t message = wool_error_message(error);
  fprintf(stderr, "%s: %.*s\n", wool_status_name(status), (int)message.len, (const char *)message.ptr);
  exit(1);
}

static wool_payload_t encoded(const wool_bytes_t *bytes) {
  return (wool_payload_t){{bytes->ptr, bytes->len}, WOOL_CODEC_MSGPACK};
}

/* Ints: the arguments of a call, or a single value. */
static wool_bytes_t encode(const int64_t *numbers, size_t count, int are_arguments) {
  wool_value_builder_t *builder;
  wool_bytes_t bytes;
  wool_value_builder_new(&builder, NULL);
  if (are_arguments) wool_value_builder_arguments(builder, count, 0, NULL);
  for (size_t i = 0; i < count; i++) wool_value_builder_int(builder, numbers[i], NULL);
  wool_value_builder_finish(builder, &bytes, NULL);
  wool_value_builder_free(builder);
  return bytes;
}

static wool_credentials_t *credentials(const char *certificate, const char *key) {
  wool_credentials_t *made;
  wool_error_t *error = NULL;
  wool_credentials_options_t options = WOOL_CREDENTIALS_OPTIONS_INIT;
  options.ca_file = text("certs/ca.pem");
  options.certificate_file = text(certificate);
  options.key_file = text(key);
  check(wool_credentials_new(&options, &made, &error), error);
  return made;
}

static void add(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  int64_t a = 0, b = 0;
  size_t positional = 0, named = 0;
  wool_status_t status = wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, &error);
  if (status == WOOL_OK) status = wool_value_reader_int(reader, &a, &error);
  if (status == WOOL_OK) status = wool_value_reader_int(reader, &b, &error);
  wool_bytes_t sum = encode((int64_t[]){a + b}, 1, 0);
  if (status == WOOL_OK) {
    wool_task_return(task, encoded(&sum), NULL);
  } else {
    wool_task_fail_with(task, error, NULL);
  }
  wool_bytes_free(&sum);
  wool_error_free(error);
  wool_value_reader_free(reader);
}

static void started(void *user_data, wool_worker_t *worker) {
  (void)user_data;
  wool_slice_t address = wool_worker_address(worker);
  printf("%.*s\n", (int)address.len, (const char *)address.ptr);
  fflush(stdout);
}

/* Serves until SIGTERM or SIGINT. */
static void work(wool_runtime_t *runtime, const char *bind) {
  enum { GRACE_MS = 30000 };
  wool_error_t *error = NULL;
  wool_routine_options_t adds = WOOL_ROUTINE_OPTIONS_INIT;
  adds.name = text("calc.add");
  adds.kind = WOOL_ROUTINE_UNARY;
  adds.run = add;
  check(wool_routine_register(runtime, &adds, &error), error);
  wool_credentials_t *own = credentials("certs/worker.pem", "certs/worker.key");
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.bind = text(bind);
  options.credentials = own;
  check(wool_worker_run(runtime, &options, GRACE_MS, started, NULL, &error), error);
  wool_credentials_free(own);
}

static void call(wool_runtime_t *runtime, const char *address) {
  wool_pool_t *pool;
  wool_error_t *error = NULL;
  wool_slice_t addresses[] = {text(address)};
  wool_credentials_t *own = credentials("certs/caller.pem", "certs/caller.key");
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = addresses;
  options.address_count = 1;
  options.credentials = own;
  check(wool_pool_new(runtime, &options, &pool, &error), error);

  wool_bytes_t arguments = encode((int64_t[]){1, 2}, 2, 1), result;
  check(wool_call(pool, text("calc.add"), encoded(&arguments), NULL, -1, &result, NULL, &error), error);
  wool_value_reader_t *reader;
  int64_t sum;
  check(wool_value_reader_new((wool_slice_t){result.ptr, result.len}, &reader, &error), error);
  check(wool_value_reader_int(reader, &sum, &error), error);
  printf("1 + 2 = %" PRId64 "\n", sum);
  wool_value_reader_free(reader);
  wool_bytes_free(&result);
  wool_bytes_free(&arguments);
  wool_pool_free(pool);
  wool_credentials_free(own);
}

int main(int count, char **words) {
  if (count != 3) {
    fprintf(stderr, "worker BIND, or caller ADDRESS\n");
    return 2;
  }
  wool_runtime_t *runtime;
  wool_error_t *error = NULL;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  if (strcmp(words[1], "worker") == 0) {
    work(runtime, words[2]);
  } else {
    call(runtime, words[2]);
  }
  check(wool_runtime_close(runtime, -1, &error), error);
  wool_runtime_free(runtime);
  return 0;
}

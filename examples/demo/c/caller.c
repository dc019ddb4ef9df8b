/* The C caller: calls a worker over and over, one call after the other, and prints how long that takes. */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "demo.h"

enum {
  /* Items of each stream. */
  ITEMS = 5,
  /* A call that takes longer will not come back; milliseconds. */
  TIMEOUT = 10000,
};

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_size(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

/* The arguments of a call that takes one int. */
static wool_status_t encode_argument(int64_t number, wool_bytes_t *out, wool_error_t **error) {
  wool_value_builder_t *builder = NULL;
  wool_status_t status = wool_value_builder_new(&builder, error);
  if (status != WOOL_OK) return status;
  wool_value_builder_arguments(builder, 1, 0, NULL);
  wool_value_builder_int(builder, number, NULL);
  status = wool_value_builder_finish(builder, out, error);
  wool_value_builder_free(builder);
  return status;
}

/* Whether the bytes are that int. Says so if not, and frees them. */
static int is_int(wool_bytes_t *bytes, int64_t expected) {
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  int64_t number = 0;
  wool_status_t status = wool_value_reader_new((wool_slice_t){bytes->ptr, bytes->len}, &reader, &error);
  if (status == WOOL_OK) status = wool_value_reader_int(reader, &number, &error);
  wool_value_reader_free(reader);
  wool_bytes_free(bytes);
  if (!ok(status, "answer", error)) return 0;
  if (number != expected) fprintf(stderr, "answered %" PRId64 " instead of %" PRId64 "\n", number, expected);
  return number == expected;
}

static int call_once(wool_pool_t *pool, int64_t number) {
  wool_error_t *error = NULL;
  wool_bytes_t arguments = {0}, result = {0};
  wool_status_t status = encode_argument(number, &arguments, &error);
  if (status == WOOL_OK) {
    status = wool_call(pool, text("demo.ping"), payload(&arguments), NULL, TIMEOUT, &result, NULL, &error);
  }
  wool_bytes_free(&arguments);
  return ok(status, "demo.ping", error) && is_int(&result, number);
}

static int stream_once(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  wool_bytes_t arguments = {0}, item = {0};
  wool_stream_t stream = 0;
  wool_status_t status = encode_argument(ITEMS, &arguments, &error);
  if (status == WOOL_OK) {
    status = wool_stream_open(pool, text("demo.few"), payload(&arguments), NULL, NULL, 0, &stream, &error);
  }
  wool_bytes_free(&arguments);
  if (!ok(status, "demo.few", error)) return 0;
  int64_t items = 0;
  while ((status = wool_stream_wait(stream, TIMEOUT, &item, NULL, &error)) == WOOL_OK) {
    if (is_int(&item, items++)) continue;
    wool_stream_cancel(stream);
    return 0;
  }
  if (status == WOOL_PENDING) wool_stream_cancel(stream);
  if (status == WOOL_END && items == ITEMS) return 1;
  if (ok(status, "demo.few", error)) fprintf(stderr, "demo.few gave %" PRId64 " items, then status %d\n", items, status);
  return 0;
}

/* Fills `times`. Whether all calls, or streams, were answered rightly. */
static int measure_calls(wool_pool_t *pool, double *times, long count) {
  for (long i = 0; i < count; i++) {
    double began = microseconds();
    if (!call_once(pool, i)) return 0;
    times[i] = microseconds() - began;
  }
  return 1;
}

static int measure_streams(wool_pool_t *pool, double *times, long count) {
  for (long i = 0; i < count; i++) {
    double began = microseconds();
    if (!stream_once(pool)) return 0;
    times[i] = microseconds() - began;
  }
  return 1;
}

static double median(double *times, long count) {
  qsort(times, (size_t)count, sizeof *times, by_size);
  return times[count / 2];
}

/* Prints the medians of a call and of a stream from its opening to its end, in microseconds. There are a fifth as many
 * streams as calls. */
static int measure_pool(wool_pool_t *pool, long calls) {
  long streams = calls / 5 > 0 ? calls / 5 : 1;
  double *times = calloc((size_t)calls, sizeof *times);
  int measured = 0;
  /* The first calls connect and warm up. */
  if (times != NULL && measure_calls(pool, times, streams) && measure_calls(pool, times, calls)) {
    double call = median(times, calls);
    measured = measure_streams(pool, times, streams);
    if (measured) printf("%.1f %.1f\n", call, median(times, streams));
  }
  free(times);
  return measured;
}

int measure(const char *name_space, long calls) {
  wool_runtime_t *runtime = NULL;
  wool_discovery_t *discovery = NULL;
  wool_pool_t *pool = NULL;
  wool_error_t *error = NULL;
  if (!ok(wool_runtime_new(NULL, &runtime, &error), "runtime", error)) return 1;
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  int measured = ok(wool_discovery_new_local(text(name_space), text(""), &discovery, &error), "discovery", error);
  options.discovery = discovery;
  measured = measured && ok(wool_pool_new(runtime, &options, &pool, &error), "pool", error) && measure_pool(pool, calls);
  error = NULL;
  int closed = ok(wool_runtime_close(runtime, -1, &error), "close", error);
  wool_pool_free(pool);
  wool_discovery_free(discovery);
  wool_runtime_free(runtime);
  return measured && closed ? 0 : 1;
}

/* A fuzz target for clang: values and arguments that C reads from any bytes, and builds again. */
#include <stdlib.h>
#include <string.h>

#include "wool.h"

static void fail_unless(int fine) {
  if (!fine) abort();
}

/* Adds one value, or a container's head; how many values follow it. */
static size_t build(wool_value_builder_t *to, const wool_value_t *value) {
  switch (value->kind) {
    case WOOL_VALUE_NULL: wool_value_builder_null(to, NULL); return 0;
    case WOOL_VALUE_BOOL: wool_value_builder_bool(to, value->boolean, NULL); return 0;
    case WOOL_VALUE_INT: wool_value_builder_int(to, value->integer, NULL); return 0;
    case WOOL_VALUE_UINT: wool_value_builder_uint(to, value->unsigned_integer, NULL); return 0;
    case WOOL_VALUE_FLOAT: wool_value_builder_float(to, value->number, NULL); return 0;
    case WOOL_VALUE_STRING: wool_value_builder_string(to, value->bytes, NULL); return 0;
    case WOOL_VALUE_BYTES: wool_value_builder_bytes(to, value->bytes, NULL); return 0;
    case WOOL_VALUE_LIST: wool_value_builder_list(to, value->count, NULL); return value->count;
    case WOOL_VALUE_MAP: wool_value_builder_map(to, value->count, NULL); return value->count * 2;
    case WOOL_VALUE_TUPLE: wool_value_builder_tuple(to, value->count, NULL); return value->count;
    case WOOL_VALUE_SET: wool_value_builder_set(to, value->count, NULL); return value->count;
    case WOOL_VALUE_TIMESTAMP: wool_value_builder_timestamp(to, value->integer, value->nanos, NULL); return 0;
    case WOOL_VALUE_DATE: wool_value_builder_date(to, (int32_t)value->integer, NULL); return 0;
    case WOOL_VALUE_TIME: wool_value_builder_time(to, (uint64_t)value->integer, NULL); return 0;
    case WOOL_VALUE_DURATION: wool_value_builder_duration(to, value->integer, value->nanos, NULL); return 0;
    case WOOL_VALUE_DECIMAL: wool_value_builder_decimal(to, value->bytes, NULL); return 0;
    case WOOL_VALUE_UUID: wool_value_builder_uuid(to, value->bytes, NULL); return 0;
    case WOOL_VALUE_BIGINT: wool_value_builder_bigint(to, (int32_t)value->integer, value->bytes, NULL); return 0;
    case WOOL_VALUE_NAMED: wool_value_builder_named(to, value->bytes, NULL); return 1;
    default: abort();
  }
}

/* Copies so many values; every typed read on the way answers or says why not. */
static void copy(wool_value_reader_t *reader, wool_value_builder_t *builder, size_t left) {
  for (; left > 0; left--) {
    int64_t integer;
    wool_value_t value;
    wool_error_t *error = NULL;
    if (left % 7 == 3) {
      wool_slice_t text;
      wool_status_t status = wool_value_reader_string(reader, &text, &error);
      fail_unless((status == WOOL_OK) == (error == NULL));
      wool_error_free(error);
      if (status == WOOL_OK) {
        wool_value_builder_string(builder, text, NULL);
        continue;
      }
    } else if (left % 5 == 2 && wool_value_reader_int(reader, &integer, NULL) == WOOL_OK) {
      wool_value_builder_int(builder, integer, NULL);
      continue;
    }
    fail_unless(wool_value_reader_next(reader, &value, NULL) == WOOL_OK);
    left += build(builder, &value);
  }
}

static wool_bytes_t again(wool_value_reader_t *reader, size_t positional, size_t named, int is_value) {
  wool_value_builder_t *builder = NULL;
  wool_bytes_t bytes = {0};
  fail_unless(wool_value_builder_new(&builder, NULL) == WOOL_OK);
  if (!is_value) wool_value_builder_arguments(builder, positional, named, NULL);
  copy(reader, builder, positional + 2 * named);
  fail_unless(wool_value_builder_finish(builder, &bytes, NULL) == WOOL_OK);
  wool_value_builder_free(builder);
  wool_value_reader_free(reader);
  return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  wool_slice_t input = {data, size};
  wool_value_reader_t *reader = NULL;
  size_t positional, named;
  if (wool_value_reader_new(input, &reader, NULL) == WOOL_OK) {
    wool_bytes_t first = again(reader, 1, 0, 1);
    wool_slice_t canonical = {first.ptr, first.len};
    fail_unless(wool_value_reader_new(canonical, &reader, NULL) == WOOL_OK);
    wool_bytes_t second = again(reader, 1, 0, 1);
    fail_unless(first.len == second.len && memcmp(first.ptr, second.ptr, first.len) == 0);
    wool_bytes_free(&first);
    wool_bytes_free(&second);
  }
  if (wool_value_reader_new_arguments(input, &reader, &positional, &named, NULL) == WOOL_OK) {
    wool_bytes_t bytes = again(reader, positional, named, 0);
    wool_bytes_free(&bytes);
  }
  return 0;
}

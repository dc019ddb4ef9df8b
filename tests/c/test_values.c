/* Values, built and read. */
#include "check.h"

static wool_value_builder_t *builder_new(void) {
  wool_value_builder_t *builder = NULL;
  OK(wool_value_builder_new(&builder, &error));
  return builder;
}

static wool_bytes_t finish(wool_value_builder_t *builder) {
  wool_bytes_t bytes = {0};
  OK(wool_value_builder_finish(builder, &bytes, &error));
  wool_value_builder_free(builder);
  return bytes;
}

static wool_value_reader_t *read(wool_bytes_t bytes) {
  wool_slice_t data = {bytes.ptr, bytes.len};
  wool_value_reader_t *reader = NULL;
  OK(wool_value_reader_new(data, &reader, &error));
  return reader;
}

static wool_value_t next(wool_value_reader_t *reader, int32_t kind) {
  wool_value_t value;
  OK(wool_value_reader_next(reader, &value, &error));
  CHECK(value.kind == kind);
  return value;
}

TEST(every_kind_comes_back) {
  static const uint8_t bytes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
  wool_slice_t sixteen = {bytes, 16}, thirteen = {bytes + 3, 13};
  wool_value_builder_t *builder = builder_new();
  OK(wool_value_builder_list(builder, 17, &error));
  OK(wool_value_builder_null(builder, &error));
  OK(wool_value_builder_bool(builder, 7, &error));
  OK(wool_value_builder_int(builder, INT64_MIN, &error));
  OK(wool_value_builder_uint(builder, UINT64_MAX, &error));
  OK(wool_value_builder_float(builder, -0.5, &error));
  OK(wool_value_builder_string(builder, text("Schäfchen"), &error));
  OK(wool_value_builder_bytes(builder, sixteen, &error));
  OK(wool_value_builder_tuple(builder, 0, &error));
  OK(wool_value_builder_set(builder, 1, &error));
  OK(wool_value_builder_uint(builder, 5, &error));
  OK(wool_value_builder_timestamp(builder, -1, 999999999, &error));
  OK(wool_value_builder_date(builder, -719162, &error));
  OK(wool_value_builder_time(builder, 86399999999999, &error));
  OK(wool_value_builder_duration(builder, -1, 500000000, &error));
  OK(wool_value_builder_decimal(builder, text("12.50"), &error));
  OK(wool_value_builder_uuid(builder, sixteen, &error));
  OK(wool_value_builder_bigint(builder, -1, thirteen, &error));
  OK(wool_value_builder_named(builder, text("geometry.Point"), &error));
  OK(wool_value_builder_map(builder, 1, &error));
  OK(wool_value_builder_string(builder, text("x"), &error));
  OK(wool_value_builder_bool(builder, 0, &error));

  wool_bytes_t encoded = finish(builder);
  wool_value_reader_t *reader = read(encoded);
  CHECK(next(reader, WOOL_VALUE_LIST).count == 17);
  next(reader, WOOL_VALUE_NULL);
  CHECK(next(reader, WOOL_VALUE_BOOL).boolean == 1);
  CHECK(next(reader, WOOL_VALUE_INT).integer == INT64_MIN);
  CHECK(next(reader, WOOL_VALUE_UINT).unsigned_integer == UINT64_MAX);
  double number = next(reader, WOOL_VALUE_FLOAT).number;
  CHECK(number < -0.4 && number > -0.6);
  CHECK(same(next(reader, WOOL_VALUE_STRING).bytes, "Schäfchen"));
  wool_value_t value = next(reader, WOOL_VALUE_BYTES);
  CHECK(value.bytes.len == 16 && memcmp(value.bytes.ptr, bytes, 16) == 0);
  CHECK(next(reader, WOOL_VALUE_TUPLE).count == 0);
  CHECK(next(reader, WOOL_VALUE_SET).count == 1);
  CHECK(next(reader, WOOL_VALUE_INT).integer == 5);
  value = next(reader, WOOL_VALUE_TIMESTAMP);
  CHECK(value.integer == -1 && value.nanos == 999999999);
  CHECK(next(reader, WOOL_VALUE_DATE).integer == -719162);
  CHECK(next(reader, WOOL_VALUE_TIME).integer == 86399999999999);
  value = next(reader, WOOL_VALUE_DURATION);
  CHECK(value.integer == -1 && value.nanos == 500000000);
  CHECK(same(next(reader, WOOL_VALUE_DECIMAL).bytes, "12.50"));
  value = next(reader, WOOL_VALUE_UUID);
  CHECK(value.bytes.len == 16 && memcmp(value.bytes.ptr, bytes, 16) == 0);
  value = next(reader, WOOL_VALUE_BIGINT);
  CHECK(value.integer == -1 && value.bytes.len == 13 && memcmp(value.bytes.ptr, bytes + 3, 13) == 0);
  CHECK(same(next(reader, WOOL_VALUE_NAMED).bytes, "geometry.Point"));
  CHECK(next(reader, WOOL_VALUE_MAP).count == 1);
  CHECK(same(next(reader, WOOL_VALUE_STRING).bytes, "x"));
  CHECK(next(reader, WOOL_VALUE_BOOL).boolean == 0);
  ANSWERS(WOOL_END, wool_value_reader_next(reader, &value, &error));
  wool_value_reader_free(reader);
  wool_bytes_free(&encoded);
}

TEST(typed_reads_say_what_they_wanted_and_found) {
  wool_value_builder_t *builder = builder_new();
  OK(wool_value_builder_list(builder, 2, &error));
  OK(wool_value_builder_string(builder, text("seven"), &error));
  OK(wool_value_builder_bool(builder, 1, &error));
  wool_bytes_t encoded = finish(builder);
  wool_value_reader_t *reader = read(encoded);
  int64_t integer;
  int32_t boolean;
  double number;
  size_t count;
  wool_slice_t slice;
  FAILS(WOOL_ERR_CODEC, "expected map, found list", wool_value_reader_map(reader, &count, &error));
  OK(wool_value_reader_list(reader, &count, &error));
  CHECK(count == 2);
  FAILS(WOOL_ERR_CODEC, "expected int of 64 bits, found string", wool_value_reader_int(reader, &integer, &error));
  FAILS(WOOL_ERR_CODEC, "expected bytes, found string", wool_value_reader_bytes(reader, &slice, &error));
  OK(wool_value_reader_string(reader, &slice, &error));
  CHECK(same(slice, "seven"));
  FAILS(WOOL_ERR_CODEC, "expected float, found bool", wool_value_reader_float(reader, &number, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_value_reader_bool(reader, NULL, &error));
  OK(wool_value_reader_bool(reader, &boolean, &error));
  FAILS(WOOL_ERR_CODEC, "found the end", wool_value_reader_bool(reader, &boolean, &error));
  FAILS(WOOL_ERR_CODEC, "no value left", wool_value_reader_skip(reader, &error));
  wool_value_reader_free(reader);
  wool_bytes_free(&encoded);
}

TEST(typed_reads_say_where) {
  wool_value_builder_t *builder = builder_new();
  OK(wool_value_builder_map(builder, 1, &error));
  OK(wool_value_builder_string(builder, text("items"), &error));
  OK(wool_value_builder_list(builder, 2, &error));
  OK(wool_value_builder_null(builder, &error));
  OK(wool_value_builder_int(builder, 1, &error));
  wool_bytes_t encoded = finish(builder);
  wool_value_reader_t *reader = read(encoded);
  size_t count;
  int32_t null = 7;
  wool_slice_t slice;
  OK(wool_value_reader_map(reader, &count, &error));
  OK(wool_value_reader_string(reader, &slice, &error));
  OK(wool_value_reader_list(reader, &count, &error));
  FAILS(WOOL_ERR_CODEC, "$.items[0]: expected string, found null", wool_value_reader_string(reader, &slice, &error));
  OK(wool_value_reader_null(reader, &null, &error));
  CHECK(null == 1);
  FAILS(WOOL_ERR_CODEC, "$.items[1]: expected string, found int", wool_value_reader_string(reader, &slice, &error));
  OK(wool_value_reader_null(reader, &null, &error));
  CHECK(null == 0 && next(reader, WOOL_VALUE_INT).integer == 1);
  wool_value_reader_free(reader);
  wool_bytes_free(&encoded);
}

TEST(arguments_have_positions_and_names) {
  wool_value_builder_t *builder = builder_new();
  OK(wool_value_builder_arguments(builder, 2, 1, &error));
  OK(wool_value_builder_list(builder, 1, &error));
  OK(wool_value_builder_int(builder, 1, &error));
  OK(wool_value_builder_int(builder, 2, &error));
  OK(wool_value_builder_string(builder, text("scale"), &error));
  OK(wool_value_builder_float(builder, 2.0, &error));
  wool_bytes_t encoded = finish(builder);
  wool_slice_t data = {encoded.ptr, encoded.len};
  wool_value_reader_t *reader = NULL;
  size_t positional = 0, named = 0;
  OK(wool_value_reader_new_arguments(data, &reader, &positional, &named, &error));
  CHECK(positional == 2 && named == 1);
  OK(wool_value_reader_skip(reader, &error));
  int64_t integer;
  wool_slice_t name;
  double scale;
  OK(wool_value_reader_int(reader, &integer, &error));
  OK(wool_value_reader_string(reader, &name, &error));
  OK(wool_value_reader_float(reader, &scale, &error));
  CHECK(integer == 2 && same(name, "scale"));
  wool_value_reader_free(reader);
  wool_bytes_free(&encoded);
}

TEST(what_is_no_value_is_refused) {
  wool_value_reader_t *reader = NULL;
  wool_slice_t reserved = {(const uint8_t *)"\xc1", 1}, cut = {(const uint8_t *)"\x92\x01", 2}, none = {NULL, 0};
  size_t positional, named;
  FAILS(WOOL_ERR_CODEC, "reserved", wool_value_reader_new(reserved, &reader, &error));
  FAILS(WOOL_ERR_CODEC, "not enough bytes", wool_value_reader_new(cut, &reader, &error));
  FAILS(WOOL_ERR_CODEC, "not enough bytes", wool_value_reader_new(none, &reader, &error));
  FAILS(WOOL_ERR_CODEC, "arguments",
        wool_value_reader_new_arguments(text("\x01"), &reader, &positional, &named, &error));
  CHECK(reader == NULL);
}

TEST(a_builder_that_is_misused_says_how_and_can_be_used_again) {
  wool_value_builder_t *builder = builder_new();
  wool_bytes_t bytes = {0};
  FAILS(WOOL_ERR_CODEC, "nothing was built", wool_value_builder_finish(builder, &bytes, &error));
  OK(wool_value_builder_list(builder, 2, &error));
  OK(wool_value_builder_int(builder, 1, &error));
  FAILS(WOOL_ERR_CODEC, "wants 2 values and has 1", wool_value_builder_finish(builder, &bytes, &error));
  OK(wool_value_builder_map(builder, 2, &error));
  for (int i = 0; i < 3; i++) OK(wool_value_builder_int(builder, 1, &error));
  FAILS(WOOL_ERR_CODEC, "1", wool_value_builder_int(builder, 1, &error));
  FAILS(WOOL_ERR_CODEC, "1", wool_value_builder_int(builder, 2, &error));
  FAILS(WOOL_ERR_CODEC, "1", wool_value_builder_finish(builder, &bytes, &error));
  FAILS(WOOL_ERR_CODEC, "UTF-8", wool_value_builder_string(builder, text("\xff"), &error));
  FAILS(WOOL_ERR_CODEC, "UTF-8", wool_value_builder_finish(builder, &bytes, &error));
  FAILS(WOOL_ERR_CODEC, "16 bytes, not 3", wool_value_builder_uuid(builder, text("abc"), &error));
  FAILS(WOOL_ERR_CODEC, "16 bytes, not 3", wool_value_builder_finish(builder, &bytes, &error));
  FAILS(WOOL_ERR_CODEC, "memory", wool_value_builder_map(builder, SIZE_MAX, &error));
  FAILS(WOOL_ERR_CODEC, "memory", wool_value_builder_finish(builder, &bytes, &error));
  CHECK(bytes.owner == NULL);
  OK(wool_value_builder_int(builder, 7, &error));
  bytes = finish(builder);
  CHECK(bytes.len == 1 && bytes.ptr[0] == 7);
  wool_bytes_free(&bytes);
}

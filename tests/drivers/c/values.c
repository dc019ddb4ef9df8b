/* Values between tokens, wool's readers and builders, and native C. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* Encodings up to this many bytes are reported whole. */
enum { REPORTED_WHOLE = 4096 };

void fill(uint8_t *bytes, size_t size, uint64_t seed) {
  for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(seed + i * 31 + (i >> 8) * 17);
}

static uint32_t adler32(wool_slice_t bytes) {
  uint32_t a = 1, b = 0;
  for (size_t i = 0; i < bytes.len; i++) {
    a = (a + bytes.ptr[i]) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

/* Adds one value, or a container's head, to a builder. */
static void build(wool_value_builder_t *to, const wool_value_t *value) {
  switch (value->kind) {
    case WOOL_VALUE_NULL: wool_value_builder_null(to, NULL); break;
    case WOOL_VALUE_BOOL: wool_value_builder_bool(to, value->boolean, NULL); break;
    case WOOL_VALUE_INT: wool_value_builder_int(to, value->integer, NULL); break;
    case WOOL_VALUE_UINT: wool_value_builder_uint(to, value->unsigned_integer, NULL); break;
    case WOOL_VALUE_FLOAT: wool_value_builder_float(to, value->number, NULL); break;
    case WOOL_VALUE_STRING: wool_value_builder_string(to, value->bytes, NULL); break;
    case WOOL_VALUE_BYTES: wool_value_builder_bytes(to, value->bytes, NULL); break;
    case WOOL_VALUE_LIST: wool_value_builder_list(to, value->count, NULL); break;
    case WOOL_VALUE_MAP: wool_value_builder_map(to, value->count, NULL); break;
    case WOOL_VALUE_TUPLE: wool_value_builder_tuple(to, value->count, NULL); break;
    case WOOL_VALUE_SET: wool_value_builder_set(to, value->count, NULL); break;
    case WOOL_VALUE_TIMESTAMP: wool_value_builder_timestamp(to, value->integer, value->nanos, NULL); break;
    case WOOL_VALUE_DATE: wool_value_builder_date(to, (int32_t)value->integer, NULL); break;
    case WOOL_VALUE_TIME: wool_value_builder_time(to, (uint64_t)value->integer, NULL); break;
    case WOOL_VALUE_DURATION: wool_value_builder_duration(to, value->integer, value->nanos, NULL); break;
    case WOOL_VALUE_DECIMAL: wool_value_builder_decimal(to, value->bytes, NULL); break;
    case WOOL_VALUE_UUID: wool_value_builder_uuid(to, value->bytes, NULL); break;
    case WOOL_VALUE_BIGINT: wool_value_builder_bigint(to, (int32_t)value->integer, value->bytes, NULL); break;
    case WOOL_VALUE_NAMED: wool_value_builder_named(to, value->bytes, NULL); break;
    default: die("a value of a kind that the header does not list", NULL);
  }
}

/* How many values follow a head. */
static size_t contents(const wool_value_t *value) {
  switch (value->kind) {
    case WOOL_VALUE_LIST:
    case WOOL_VALUE_TUPLE:
    case WOOL_VALUE_SET: return value->count;
    case WOOL_VALUE_MAP: return value->count * 2;
    case WOOL_VALUE_NAMED: return 1;
    default: return 0;
  }
}

wool_error_t *copy_value(wool_value_reader_t *reader, wool_value_builder_t *builder) {
  for (size_t left = 1; left > 0; left--) {
    wool_value_t value;
    wool_error_t *error = NULL;
    wool_status_t status = wool_value_reader_next(reader, &value, &error);
    if ((int32_t)status < 0) return error;
    if (status == WOOL_END) die("a reader ended within a value", NULL);
    build(builder, &value);
    left += contents(&value);
  }
  return NULL;
}

wool_value_builder_t *new_builder(void) {
  wool_value_builder_t *builder = NULL;
  wool_error_t *error = NULL;
  check("a builder", wool_value_builder_new(&builder, &error), error);
  return builder;
}

wool_bytes_t finish(wool_value_builder_t *builder) {
  wool_bytes_t bytes;
  wool_error_t *error = NULL;
  check("a value", wool_value_builder_finish(builder, &bytes, &error), error);
  wool_value_builder_free(builder);
  return bytes;
}

static uint8_t digit(char character) {
  if (character >= '0' && character <= '9') return (uint8_t)(character - '0');
  if (character >= 'a' && character <= 'f') return (uint8_t)(character - 'a' + 10);
  die("a value has a digit that is none", NULL);
}

/* Adds the value of a token. NULL, or why wool refuses its bytes. */
static wool_error_t *read_value(char *token, wool_value_builder_t *builder) {
  uint64_t seed;
  size_t size;
  if (sscanf(token, "fill:%zu:%" SCNu64, &size, &seed) == 2) {
    uint8_t *bytes = allocate(size);
    fill(bytes, size, seed);
    wool_value_builder_bytes(builder, (wool_slice_t){bytes, size}, NULL);
    free(bytes);
    return NULL;
  }
  if (strncmp(token, "hex:", 4) != 0) die("a token is no value", NULL);
  size_t length = strlen(token + 4) / 2;
  uint8_t *bytes = allocate(length);
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(digit(token[4 + 2 * i]) << 4 | digit(token[5 + 2 * i]));
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  if (wool_value_reader_new((wool_slice_t){bytes, length}, &reader, &error) == WOOL_OK) {
    error = copy_value(reader, builder);
  }
  wool_value_reader_free(reader);
  free(bytes);
  return error;
}

/* Adds the name and the value of a token `named=NAME:VALUE`. Names in scenarios need no escapes. */
static wool_error_t *read_named(char *token, wool_value_builder_t *builder) {
  char *name = token + strlen("named="), *colon = strchr(name, ':');
  if (colon == NULL) die("named= wants a name and a value", NULL);
  wool_value_builder_string(builder, (wool_slice_t){(const uint8_t *)name, (size_t)(colon - name)}, NULL);
  return read_value(colon + 1, builder);
}

/* How many of the tokens give an argument by name. */
static size_t count_named(const char *tokens) {
  size_t count = 0;
  while (tokens != NULL && (tokens = strstr(tokens, " named=")) != NULL) {
    count++;
    tokens++;
  }
  return count;
}

wool_error_t *read_arguments(char **rest, wool_bytes_t *arguments) {
  size_t named = count_named(*rest);
  long long count = need_number(rest, "the number of values");
  wool_value_builder_t *builder = new_builder();
  wool_error_t *error = NULL;
  wool_value_builder_arguments(builder, (size_t)count, named, NULL);
  for (long long i = 0; error == NULL && i < count; i++) error = read_value(need_token(rest, "a value"), builder);
  for (size_t i = 0; error == NULL && i < named; i++) {
    char *token = need_token(rest, "an argument by name");
    if (strncmp(token, "named=", 6) != 0) die("named arguments come right after the others", NULL);
    error = read_named(token, builder);
  }
  if (error == NULL) {
    *arguments = finish(builder);
  } else {
    wool_value_builder_free(builder);
  }
  return error;
}

wool_error_t *read_one_value(char *token, wool_bytes_t *value) {
  wool_value_builder_t *builder = new_builder();
  wool_error_t *error = read_value(token, builder);
  if (error == NULL) {
    *value = finish(builder);
  } else {
    wool_value_builder_free(builder);
  }
  return error;
}

wool_bytes_t read_first_value(char *rest) {
  wool_value_builder_t *builder = new_builder();
  if (need_number(&rest, "the number of values") > 0) {
    wool_error_t *error = read_value(need_token(&rest, "a value"), builder);
    if (error != NULL) die("a value", error);
  } else {
    wool_value_builder_null(builder, NULL);
  }
  return finish(builder);
}

/* A value through its native form and back. NULL, or why its bytes are none. */
static wool_error_t *reencode(wool_slice_t encoded, wool_bytes_t *bytes) {
  wool_value_reader_t *reader;
  wool_error_t *error = NULL;
  if (wool_value_reader_new(encoded, &reader, &error) != WOOL_OK) return error;
  wool_value_builder_t *builder = new_builder();
  error = copy_value(reader, builder);
  if (error != NULL) die("a result", error);
  wool_value_reader_free(reader);
  *bytes = finish(builder);
  return NULL;
}

/* The bytes of an encoded value that is bytes; 0 when it is something else. */
static int is_bytes(wool_bytes_t encoded, size_t *length, uint32_t *checksum) {
  wool_value_reader_t *reader;
  wool_error_t *error = NULL;
  wool_value_t value;
  check("a result", wool_value_reader_new((wool_slice_t){encoded.ptr, encoded.len}, &reader, &error), error);
  check("a result", wool_value_reader_next(reader, &value, &error), error);
  int found = value.kind == WOOL_VALUE_BYTES;
  if (found) {
    *length = value.bytes.len;
    *checksum = adler32(value.bytes);
  }
  wool_value_reader_free(reader);
  return found;
}

wool_error_t *report_value(wool_slice_t encoded, char **token) {
  wool_bytes_t bytes;
  wool_error_t *error = reencode(encoded, &bytes);
  if (error != NULL) return error;
  size_t length;
  uint32_t checksum;
  if (bytes.len > REPORTED_WHOLE && is_bytes(bytes, &length, &checksum)) {
    *token = allocate(64);
    snprintf(*token, 64, "sum:%zu:%08" PRIx32, length, checksum);
  } else {
    *token = allocate(bytes.len * 2 + 5);
    char *out = *token + sprintf(*token, "hex:");
    for (size_t i = 0; i < bytes.len; i++) out += sprintf(out, "%02x", bytes.ptr[i]);
  }
  wool_bytes_free(&bytes);
  return NULL;
}

char *value_token(wool_slice_t encoded) {
  char *token = NULL;
  wool_error_t *error = report_value(encoded, &token);
  if (error != NULL) die("a value", error);
  return token;
}

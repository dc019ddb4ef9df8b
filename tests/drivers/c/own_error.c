#include "own_error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char own_type[] = "conf.OutOfStock";

static wool_bytes_t encode_data(wool_slice_t item, int64_t left) {
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_map(builder, 2, NULL);
  wool_value_builder_string(builder, text("item"), NULL);
  wool_value_builder_string(builder, item, NULL);
  wool_value_builder_string(builder, text("left"), NULL);
  wool_value_builder_int(builder, left, NULL);
  return finish(builder);
}

own_error_t new_own_error(wool_slice_t item, int64_t left) {
  own_error_t own = {.fault = WOOL_FAULT_INIT, .data = encode_data(item, left), .value = allocate(sizeof *own.value)};
  *own.value = msgpack(own.data);
  size_t size = item.len + 32;
  own.message = allocate(size);
  snprintf(own.message, size, "%.*s: %" PRId64 " left", (int)item.len, (const char *)item.ptr, left);
  own.fault.type = text(own_type);
  own.fault.message = text(own.message);
  own.fault.value = own.value;
  return own;
}

void free_own_error(own_error_t *own) {
  free(own->message);
  free(own->value);
  wool_bytes_free(&own->data);
}

/* Reads the data, its keys in any order; 0 when it is not that of the error. */
static int read_data(wool_slice_t data, wool_value_reader_t **reader, wool_slice_t *item, int64_t *left) {
  size_t pairs = 0;
  int found = 0;
  if (wool_value_reader_new(data, reader, NULL) != WOOL_OK) return 0;
  if (wool_value_reader_map(*reader, &pairs, NULL) != WOOL_OK) return 0;
  for (size_t i = 0; i < pairs; i++) {
    wool_slice_t key;
    if (wool_value_reader_string(*reader, &key, NULL) != WOOL_OK) return 0;
    if (key.len == 4 && memcmp(key.ptr, "item", 4) == 0) {
      if (wool_value_reader_string(*reader, item, NULL) != WOOL_OK) return 0;
      found |= 1;
    } else if (key.len == 4 && memcmp(key.ptr, "left", 4) == 0) {
      if (wool_value_reader_int(*reader, left, NULL) != WOOL_OK) return 0;
      found |= 2;
    } else if (wool_value_reader_skip(*reader, NULL) != WOOL_OK) {
      return 0;
    }
  }
  return found == 3;
}

char *own_token(const wool_error_t *error) {
  wool_slice_t type = wool_error_type(error), item;
  wool_payload_t value;
  wool_value_reader_t *reader = NULL;
  int64_t left;
  char *token = NULL;
  if (type.len == sizeof own_type - 1 && memcmp(type.ptr, own_type, type.len) == 0 &&
      wool_error_value(error, &value) == WOOL_OK && read_data(value.data, &reader, &item, &left)) {
    wool_bytes_t data = encode_data(item, left);
    token = value_token((wool_slice_t){data.ptr, data.len});
    wool_bytes_free(&data);
  }
  wool_value_reader_free(reader);
  return token == NULL ? copy_text("-", 1) : token;
}

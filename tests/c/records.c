#include "records.h"

static void add_texts(wool_value_builder_t *builder, const char *key, const char *only) {
  OK(wool_value_builder_string(builder, text(key), &error));
  OK(wool_value_builder_list(builder, 1, &error));
  OK(wool_value_builder_string(builder, text(only), &error));
}

wool_bytes_t record_of(const char *address, const char *uid) {
  wool_value_builder_t *builder = NULL;
  wool_bytes_t bytes;
  OK(wool_value_builder_new(&builder, &error));
  OK(wool_value_builder_map(builder, (address != NULL) + (uid != NULL), &error));
  if (address != NULL) add_texts(builder, "addresses", address);
  if (uid != NULL) {
    OK(wool_value_builder_string(builder, text("uid"), &error));
    OK(wool_value_builder_string(builder, text(uid), &error));
  }
  OK(wool_value_builder_finish(builder, &bytes, &error));
  wool_value_builder_free(builder);
  return bytes;
}

static void read_text(wool_value_reader_t *reader, char *out, size_t size) {
  wool_slice_t found;
  OK(wool_value_reader_string(reader, &found, &error));
  CHECK(found.len < size);
  if (found.len > 0) memcpy(out, found.ptr, found.len);
  out[found.len] = '\0';
}

/* The first of a list; the count. */
static int read_first(wool_value_reader_t *reader, char *out, size_t size) {
  size_t count = 0;
  OK(wool_value_reader_list(reader, &count, &error));
  for (size_t i = 0; i < count; i++) {
    if (i == 0) {
      read_text(reader, out, size);
    } else {
      OK(wool_value_reader_skip(reader, &error));
    }
  }
  return (int)count;
}

record_t read_record(wool_slice_t bytes) {
  record_t record = {0};
  wool_value_reader_t *reader = NULL;
  size_t pairs = 0, extras = 0;
  OK(wool_value_reader_new(bytes, &reader, &error));
  OK(wool_value_reader_map(reader, &pairs, &error));
  for (size_t i = 0; i < pairs; i++) {
    char key[32];
    read_text(reader, key, sizeof key);
    if (strcmp(key, "uid") == 0) {
      read_text(reader, record.uid, sizeof record.uid);
    } else if (strcmp(key, "language") == 0) {
      read_text(reader, record.language, sizeof record.language);
    } else if (strcmp(key, "addresses") == 0) {
      record.addresses = read_first(reader, record.address, sizeof record.address);
    } else if (strcmp(key, "tags") == 0) {
      record.tags = read_first(reader, record.tag, sizeof record.tag);
    } else if (strcmp(key, "extra") == 0) {
      OK(wool_value_reader_map(reader, &extras, &error));
      for (size_t extra = 0; extra < extras; extra++) {
        read_text(reader, record.extra_name, sizeof record.extra_name);
        read_text(reader, record.extra, sizeof record.extra);
      }
      record.extras = (int)extras;
    } else {
      OK(wool_value_reader_skip(reader, &error));
    }
  }
  wool_value_reader_free(reader);
  return record;
}

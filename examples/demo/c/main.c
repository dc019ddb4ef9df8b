/* The demo in C, over wool.h alone: a worker that tokenises, and a caller that measures. */
#include "demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 4 && strcmp(argv[1], "call") == 0) {
    char *end;
    long calls = strtol(argv[3], &end, 10);
    if (*end == '\0' && calls > 0) return measure(argv[2], calls);
  }
  fprintf(stderr, "usage: %s serve | call NAMESPACE CALLS\n", argv[0]);
  return 2;
}

wool_slice_t text(const char *string) { return (wool_slice_t){(const uint8_t *)string, strlen(string)}; }

wool_payload_t payload(const wool_bytes_t *bytes) {
  return (wool_payload_t){{bytes->ptr, bytes->len}, WOOL_CODEC_MSGPACK};
}

int ok(wool_status_t status, const char *what, wool_error_t *error) {
  if (status >= 0) return 1;
  wool_slice_t message = wool_error_message(error);
  fprintf(stderr, "%s: %s: %.*s\n", what, wool_status_name(status), (int)message.len, (const char *)message.ptr);
  wool_error_free(error);
  return 0;
}

wool_status_t read_int_argument(wool_payload_t arguments, int64_t *number, wool_error_t **error) {
  wool_value_reader_t *reader = NULL;
  size_t positional, named;
  wool_status_t status = wool_value_reader_new_arguments(arguments.data, &reader, &positional, &named, error);
  if (status == WOOL_OK) status = wool_value_reader_int(reader, number, error);
  wool_value_reader_free(reader);
  return status;
}

wool_status_t encode_int(int64_t number, wool_bytes_t *out, wool_error_t **error) {
  wool_value_builder_t *builder = NULL;
  wool_status_t status = wool_value_builder_new(&builder, error);
  if (status != WOOL_OK) return status;
  /* Errors stick to a builder: what finish answers is the answer of all of it. */
  wool_value_builder_int(builder, number, NULL);
  status = wool_value_builder_finish(builder, out, error);
  wool_value_builder_free(builder);
  return status;
}

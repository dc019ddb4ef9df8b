/* Lines, tokens and text between the runner and this driver. */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "own_error.h"

const char *next_option(const options_t *options, const char *key, int *from) {
  size_t length = strlen(key);
  while (*from < options->count) {
    const char *word = options->words[(*from)++];
    if (strncmp(word, key, length) == 0 && word[length] == '=') return word + length + 1;
  }
  return NULL;
}

const char *option(const options_t *options, const char *key) {
  int from = 0;
  return next_option(options, key, &from);
}

options_t read_options(char *rest) {
  options_t options = {0, allocate(sizeof *options.words)};
  for (char *word; (word = next_token(&rest)) != NULL;) {
    char **more = realloc(options.words, ((size_t)options.count + 1) * sizeof *more);
    if (more == NULL) die("out of memory", NULL);
    options.words = more;
    options.words[options.count++] = word;
  }
  return options;
}

void free_options(options_t *options) { free(options->words); }

void die(const char *what, const wool_error_t *error) {
  wool_slice_t message = {NULL, 0};
  if (error != NULL) message = wool_error_message(error);
  fprintf(stderr, "%s: %s %.*s\n", what, wool_status_name((int32_t)wool_error_status(error)), (int)message.len,
          message.len == 0 ? "" : (const char *)message.ptr);
  exit(1);
}

void check(const char *what, wool_status_t status, const wool_error_t *error) {
  if ((int32_t)status < 0) die(what, error);
}

wool_slice_t text(const char *string) {
  wool_slice_t slice = {(const uint8_t *)string, string == NULL ? 0 : strlen(string)};
  return slice;
}

wool_payload_t msgpack(wool_bytes_t bytes) {
  wool_payload_t payload = {{bytes.ptr, bytes.len}, WOOL_CODEC_MSGPACK};
  return payload;
}

void *allocate(size_t size) {
  void *memory = malloc(size == 0 ? 1 : size);
  if (memory == NULL) die("out of memory", NULL);
  return memory;
}

char *copy_text(const char *string, size_t length) {
  char *copy = allocate(length + 1);
  if (length > 0) memcpy(copy, string, length);
  copy[length] = '\0';
  return copy;
}

int read_command(char **line, size_t *size) {
  ssize_t length = getline(line, size, stdin);
  if (length <= 0) return 0;
  if ((*line)[length - 1] == '\n') (*line)[length - 1] = '\0';
  return strcmp(*line, "exit") != 0;
}

char *next_token(char **rest) {
  char *token = *rest;
  if (token == NULL || *token == '\0') return NULL;
  char *space = strchr(token, ' ');
  if (space != NULL) *space = '\0';
  *rest = space == NULL ? NULL : space + 1;
  return token;
}

char *need_token(char **rest, const char *what) {
  char *token = next_token(rest);
  if (token == NULL) die("a command ends too early", NULL);
  if (*token == '\0') die(what, NULL);
  return token;
}

long long need_number(char **rest, const char *what) {
  char *end = NULL;
  long long number = strtoll(need_token(rest, what), &end, 10);
  if (*end != '\0') die(what, NULL);
  return number;
}

void say(const char *format, ...) {
  static pthread_mutex_t one_line_at_a_time = PTHREAD_MUTEX_INITIALIZER;
  va_list arguments;
  va_start(arguments, format);
  pthread_mutex_lock(&one_line_at_a_time);
  vprintf(format, arguments);
  putchar('\n');
  fflush(stdout);
  pthread_mutex_unlock(&one_line_at_a_time);
  va_end(arguments);
}

char *text_token(wool_slice_t text) {
  if (text.len == 0) return copy_text("-", 1);
  if (text.len == 1 && text.ptr[0] == '-') return copy_text("%2D", 3);
  char *token = allocate(text.len * 3 + 1);
  char *out = token;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = text.ptr[i];
    int plain = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
                (byte != 0 && strchr("-._~", byte) != NULL);
    out += plain ? sprintf(out, "%c", byte) : sprintf(out, "%%%02X", byte);
  }
  return token;
}

static int hex_digit(char character) {
  const char *digits = "0123456789ABCDEF0123456789abcdef", *found = character == '\0' ? NULL : strchr(digits, character);
  return found == NULL ? -1 : (int)(found - digits) % 16;
}

char *plain_text(const char *token) {
  if (strcmp(token, "-") == 0) return copy_text("", 0);
  char *text = copy_text(token, strlen(token)), *out = text;
  for (const char *in = token; *in != '\0'; out++) {
    if (*in != '%') {
      *out = *in++;
      continue;
    }
    int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);
    if (low < 0) die("a text ends within an escape", NULL);
    *out = (char)(high << 4 | low);
    in += 3;
  }
  *out = '\0';
  return text;
}

void say_not_ready(wool_error_t *error) {
  char *message = text_token(wool_error_message(error));
  say("error %s %s", wool_status_name((int32_t)wool_error_status(error)), message);
  free(message);
  wool_error_free(error);
}

static size_t count_causes(const wool_error_t *error) {
  size_t count = 0;
  while ((error = wool_error_cause(error)) != NULL) count++;
  return count;
}

void say_error(const char *id, wool_error_t *error) {
  char *type = text_token(wool_error_type(error));
  char *message = text_token(wool_error_message(error));
  char *language = text_token(wool_error_language(error));
  char *own = own_token(error);
  say("error %s %s %s %s %zu %s %zu %s %d", id, wool_status_name((int32_t)wool_error_status(error)), type, message,
      wool_error_traceback_len(error), language, count_causes(error), own,
      (int)wool_error_retryable(error));
  free(type);
  free(message);
  free(language);
  free(own);
  wool_error_free(error);
}

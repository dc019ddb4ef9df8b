/* The frame of the C tests: a program of named tests, each run in a process of its own by run.sh. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wool.h"

/* Defines a test. It passes by returning. */
#define TEST(name)                                                          \
  static void name(void);                                                   \
  __attribute__((constructor)) static void register_##name(void) {          \
    check_register(#name, name);                                            \
  }                                                                         \
  static void name(void)

/* Defines what runs before every test of this program, also in the processes that a test starts: the function gets the
 * name of the test. */
#define BEFORE(test)                                                        \
  static void before(const char *test);                                     \
  __attribute__((constructor)) static void register_before(void) {          \
    check_before(before);                                                   \
  }                                                                         \
  static void before(const char *test)

/* Ends the test, unless the condition holds. */
#define CHECK(condition)                                                    \
  do {                                                                      \
    if (!(condition)) check_fail(__FILE__, __LINE__, "not so: " #condition); \
  } while (0)

/* The expression answers WOOL_OK; it takes `&error`. */
#define OK(call) ANSWERS(WOOL_OK, call)

/* The expression answers this status, which is no error; it takes `&error`. */
#define ANSWERS(status, call)                                               \
  do {                                                                      \
    wool_error_t *error = NULL;                                             \
    int32_t answer = (int32_t)(call);                                       \
    check_answer(__FILE__, __LINE__, #call, (status), answer, error);       \
  } while (0)

/* The expression fails with this status, and an error that has it and a message with these words; it takes `&error`. */
#define FAILS(status, words, call)                                          \
  do {                                                                      \
    wool_error_t *error = NULL;                                             \
    int32_t answer = (int32_t)(call);                                       \
    check_failure(__FILE__, __LINE__, #call, (status), (words), answer, error); \
  } while (0)

void check_register(const char *name, void (*test)(void));
void check_before(void (*before)(const char *test));
__attribute__((noreturn)) void check_fail(const char *file, int line, const char *what);
void check_answer(const char *file, int line, const char *call, int32_t expected, int32_t found, wool_error_t *error);
void check_failure(const char *file, int line, const char *call, int32_t expected, const char *words, int32_t found,
                   wool_error_t *error);

/* Something one thread tells another, once. */
typedef struct flag flag_t;
flag_t *flag_new(void);
void flag_raise(flag_t *flag);
/* Waits; the watchdog ends a test that waits for ever. */
void flag_wait(flag_t *flag);
int flag_is_up(flag_t *flag);
void flag_free(flag_t *flag);

/* Text as the ABI takes it. */
static inline wool_slice_t text(const char *string) {
  wool_slice_t slice = {(const uint8_t *)string, strlen(string)};
  return slice;
}

static inline int same(wool_slice_t slice, const char *string) {
  return slice.len == strlen(string) && memcmp(slice.ptr, string, slice.len) == 0;
}

static inline int holds(wool_slice_t slice, const char *words) {
  return words[0] == '\0' || (slice.len > 0 && memmem(slice.ptr, slice.len, words, strlen(words)) != NULL);
}

#endif

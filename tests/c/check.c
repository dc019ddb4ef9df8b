#include "check.h"

#include <pthread.h>
#include <unistd.h>

enum { MOST_TESTS = 64, WATCHDOG_SECONDS = 120 };

static struct {
  const char *name;
  void (*test)(void);
} tests[MOST_TESTS];
static int test_count;
static void (*run_before)(const char *test);

void check_register(const char *name, void (*test)(void)) {
  if (test_count == MOST_TESTS) abort();
  tests[test_count].name = name;
  tests[test_count++].test = test;
}

void check_before(void (*before)(const char *test)) { run_before = before; }

void check_fail(const char *file, int line, const char *what) {
  fprintf(stderr, "%s:%d: %s\n", file, line, what);
  _exit(1);
}

static void tell(const wool_error_t *error) {
  wool_slice_t message = wool_error_message(error);
  fprintf(stderr, "  %s: %.*s\n", wool_status_name(wool_error_status(error)), (int)message.len,
          (const char *)message.ptr);
}

void check_answer(const char *file, int line, const char *call, int32_t expected, int32_t found, wool_error_t *error) {
  if (found == expected && error == NULL) return;
  fprintf(stderr, "%s answered %s, expected %s\n", call, wool_status_name(found), wool_status_name(expected));
  if (error != NULL) tell(error);
  check_fail(file, line, "wrong answer");
}

void check_failure(const char *file, int line, const char *call, int32_t expected, const char *words, int32_t found,
                   wool_error_t *error) {
  if (found == expected && error != NULL && (int32_t)wool_error_status(error) == expected &&
      holds(wool_error_message(error), words)) {
    wool_error_free(error);
    return;
  }
  fprintf(stderr, "%s answered %s, expected %s: %s\n", call, wool_status_name(found), wool_status_name(expected),
          words);
  if (error != NULL) tell(error);
  check_fail(file, line, "wrong failure");
}

struct flag {
  pthread_mutex_t lock;
  pthread_cond_t raised;
  int up;
};

flag_t *flag_new(void) {
  flag_t *flag = calloc(1, sizeof *flag);
  pthread_mutex_init(&flag->lock, NULL);
  pthread_cond_init(&flag->raised, NULL);
  return flag;
}

void flag_raise(flag_t *flag) {
  pthread_mutex_lock(&flag->lock);
  flag->up = 1;
  pthread_cond_broadcast(&flag->raised);
  pthread_mutex_unlock(&flag->lock);
}

void flag_wait(flag_t *flag) {
  pthread_mutex_lock(&flag->lock);
  while (!flag->up) pthread_cond_wait(&flag->raised, &flag->lock);
  pthread_mutex_unlock(&flag->lock);
}

int flag_is_up(flag_t *flag) {
  pthread_mutex_lock(&flag->lock);
  int up = flag->up;
  pthread_mutex_unlock(&flag->lock);
  return up;
}

void flag_free(flag_t *flag) {
  pthread_cond_destroy(&flag->raised);
  pthread_mutex_destroy(&flag->lock);
  free(flag);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (int i = 0; i < test_count; i++) puts(tests[i].name);
    return 0;
  }
  alarm(WATCHDOG_SECONDS);
  if (argc == 2 && run_before != NULL) run_before(argv[1]);
  for (int i = 0; i < test_count; i++) {
    if (argc == 2 && strcmp(argv[1], tests[i].name) == 0) {
      tests[i].test();
      return 0;
    }
  }
  fprintf(stderr, "usage: %s --list | TEST\n", argv[0]);
  return 2;
}

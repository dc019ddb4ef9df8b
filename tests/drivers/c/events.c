/* What the runtime tells of its tasks, kept for the runner. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static struct {
  pthread_mutex_t lock;
  wool_task_events_t *listening; /* NULL = nobody asked for it */
  char *tokens;                  /* each behind a space */
  size_t length, count;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void write_uuid(char *out, const uint8_t *id) {
  static const uint8_t nobody[16];
  if (memcmp(id, nobody, sizeof nobody) == 0) {
    strcpy(out, "-");
    return;
  }
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    out += sprintf(out, "%02x", id[i]);
  }
}

static void on_task_event(void *user_data, const wool_task_event_t *event) {
  (void)user_data;
  static const char *const kinds[] = {"task-created",
                                      "task-scheduled",
                                      "task-started",
                                      "task-stopped",
                                      "task-completed",
                                      "task-iteration-initiated",
                                      "task-iteration-started",
                                      "task-iteration-completed"};
  static const char *const steps[] = {"-", "next", "send", "throw"};
  char id[40], caller[40], token[512];
  write_uuid(id, event->id);
  write_uuid(caller, event->caller);
  const char *status = "-";
  if (event->kind == WOOL_TASK_COMPLETED) status = event->status == WOOL_OK ? "OK" : wool_status_name(event->status);
  int length = snprintf(token, sizeof token, " %s/%s/%s/%s/%.*s/%s/%s", event->side == WOOL_SIDE_CALLER ? "caller" : "worker",
                        kinds[event->kind - 1], id, caller, (int)event->routine.len, (const char *)event->routine.ptr,
                        steps[event->step], status);
  if (length < 0 || (size_t)length >= sizeof token) die("an event is too long to be told", NULL);
  pthread_mutex_lock(&heard.lock);
  char *more = realloc(heard.tokens, heard.length + (size_t)length + 1);
  if (more == NULL) die("out of memory", NULL);
  heard.tokens = more;
  memcpy(heard.tokens + heard.length, token, (size_t)length + 1);
  heard.length += (size_t)length;
  heard.count++;
  pthread_mutex_unlock(&heard.lock);
}

void listen_to_events(wool_runtime_t *runtime, const options_t *options) {
  const char *capacity = option(options, "events");
  if (capacity == NULL) return;
  wool_task_events_options_t settings = WOOL_TASK_EVENTS_OPTIONS_INIT;
  settings.handler = on_task_event;
  settings.capacity = (uint32_t)strtoul(capacity, NULL, 10);
  wool_error_t *error = NULL;
  check("task events", wool_task_events_new(runtime, &settings, &heard.listening, &error), error);
}

void say_events(const char *head) {
  pthread_mutex_lock(&heard.lock);
  say("%s %llu %zu%s", head, (unsigned long long)wool_task_events_missed(heard.listening), heard.count,
      heard.tokens == NULL ? "" : heard.tokens);
  pthread_mutex_unlock(&heard.lock);
}

void stop_listening(void) { wool_task_events_free(heard.listening); }

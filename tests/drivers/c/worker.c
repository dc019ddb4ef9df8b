/* `driver worker`: serves the standard routines. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credentials.h"
#include "driver.h"
#include "pools.h"
#include "routines.h"

/* The only event that this queue gets: the worker has stopped. */
static void on_stopped(void *user_data, wool_event_t *event) {
  (void)user_data;
  if (event->kind != WOOL_EVENT_CLOSED || event->status != WOOL_OK) die("a stop failed", event->error);
  say("stopped");
}

static void reload(void) {
  int32_t renewed = 0;
  wool_error_t *error = reload_credentials(&renewed);
  if (error == NULL) {
    say("reloaded %d", (int)renewed);
  } else {
    say_not_ready(error);
  }
}

static void tell_problem(void) {
  char *message = NULL;
  wool_error_t *error = problem_of_credentials(&message);
  if (error == NULL) {
    say("problem %s", message);
  } else {
    say_not_ready(error);
  }
  free(message);
}

static void serve(wool_worker_t *worker, wool_queue_t *queue) {
  char *line = NULL;
  size_t size = 0;
  while (read_command(&line, &size)) {
    char *rest = line;
    char *command = need_token(&rest, "a command");
    wool_error_t *error = NULL;
    if (strcmp(command, "count") == 0) {
      say_counters();
    } else if (strcmp(command, "events") == 0) {
      say_events("events");
    } else if (strcmp(command, "reload") == 0) {
      reload();
    } else if (strcmp(command, "problem") == 0) {
      tell_problem();
    } else if (strcmp(command, "stop") == 0) {
      long long grace = need_number(&rest, "a grace");
      check("a stop", wool_worker_stop_submit(worker, grace, queue, 0, &error), error);
    } else {
      die("a worker has no such command", NULL);
    }
  }
  free(line);
}

static void say_ready(wool_worker_t *worker) {
  wool_slice_t address = wool_worker_address(worker), uid = wool_worker_uid(worker);
  say("ready %.*s %.*s", (int)address.len, (const char *)address.ptr, (int)uid.len, (const char *)uid.ptr);
}

/* A worker program whose commands are served on a thread of their own. */
typedef struct {
  wool_runtime_t *runtime;
  atomic_int told_to_exit;
} program_t;

static void *serve_program(void *data) {
  program_t *program = data;
  wool_error_t *error = NULL;
  serve(NULL, NULL);
  program->told_to_exit = 1;
  release_for_good();
  check("the runtime's close", wool_runtime_close(program->runtime, -1, &error), error);
  return NULL;
}

static void on_started(void *user_data, wool_worker_t *worker) {
  pthread_t thread;
  say_ready(worker);
  if (pthread_create(&thread, NULL, serve_program, user_data) != 0) die("no thread", NULL);
  pthread_detach(thread);
}

/* Ends the process, whose other thread may be reading a command yet. */
static void run_program(wool_runtime_t *runtime, const options_t *options) {
  program_t program = {runtime, 0};
  wool_error_t *error = NULL;
  if (run_worker_program(runtime, options, on_started, &program, &error) != WOOL_OK) {
    say_not_ready(error);
  } else {
    if (!program.told_to_exit) say("ran");
    release_for_good();
  }
  error = NULL;
  check("the runtime's close", wool_runtime_close(runtime, -1, &error), error);
  stop_listening();
  _exit(0);
}

int run_worker(const options_t *options) {
  wool_runtime_t *runtime;
  wool_worker_t *worker = NULL;
  wool_queue_t *queue;
  wool_error_t *error = NULL;
  wool_runtime_options_t settings = WOOL_RUNTIME_OPTIONS_INIT;
  const char *threads = option(options, "threads");
  if (threads != NULL) settings.routine_threads = (uint32_t)strtoul(threads, NULL, 10);
  check("a runtime", wool_runtime_new(&settings, &runtime, &error), error);
  listen_to_events(runtime, options);
  wool_queue_options_t stops = WOOL_QUEUE_OPTIONS_INIT;
  stops.handler = on_stopped;
  check("a queue", wool_queue_new(runtime, &stops, &queue, &error), error);
  wool_status_t status = register_routines(runtime, &error);
  if (status == WOOL_OK && option(options, "run") != NULL) run_program(runtime, options);
  if (status == WOOL_OK) status = start_worker(runtime, options, &worker, &error);
  if (status == WOOL_OK) {
    say_ready(worker);
    serve(worker, queue);
  } else {
    say_not_ready(error);
    error = NULL;
  }
  release_for_good();
  check("the runtime's close", wool_runtime_close(runtime, -1, &error), error);
  stop_listening();
  wool_worker_free(worker);
  wool_queue_free(queue);
  wool_runtime_free(runtime);
  free_credentials();
  return 0;
}

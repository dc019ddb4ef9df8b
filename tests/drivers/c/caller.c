/* `driver caller`: one pool, and what the runner asks of it.
 *
 * All three faces of the library are used: calls and streams that the runner follows one by one go through a queue with
 * a handler; `iterate` is a blocking loop; `burst` drains a queue of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "driver.h"
#include "pools.h"
#include "requests.h"
#include "routines.h"

caller_t caller;
/* Of the thread that reads commands. */
static request_t *requests;

static void say_result(const char *id, const wool_bytes_t *result) {
  char *token = NULL;
  wool_error_t *error = report_value(borrow(result), &token);
  if (error == NULL) {
    say("result %s %s", id, token);
  } else {
    say_error(id, error);
  }
  free(token);
}

/* The queue's handler: reports what happened to a request. */
static void on_event(void *user_data, wool_event_t *event) {
  (void)user_data;
  request_t *request = (request_t *)(uintptr_t)event->tag;
  if (request->stream != NULL) {
    on_stream_event(request, event);
  } else if (event->kind == WOOL_EVENT_RESULT) {
    say_result(request->id, &event->payload);
  } else if (event->kind == WOOL_EVENT_ERROR) {
    say_error(request->id, event->error);
    event->error = NULL;
  } else if (event->kind == WOOL_EVENT_CLOSED) {
    say("%s %s", request->is_stop ? "stopped" : "closed", request->id);
  } else {
    die("an event that a caller does not get", event->error);
  }
}

request_t *new_request(const char *id) {
  request_t *request = allocate(sizeof *request);
  *request = (request_t){.next = requests, .id = copy_text(id, strlen(id))};
  requests = request;
  return request;
}

request_t *find_request(const char *id) {
  request_t *request = requests;
  while (request != NULL && strcmp(request->id, id) != 0) request = request->next;
  return request;
}

wool_pool_t *pool_of(const options_t *options) {
  const char *id = option(options, "pool");
  const request_t *opened = id == NULL ? NULL : find_request(id);
  if (id != NULL && (opened == NULL || opened->pool == NULL)) die("there is no such pool", NULL);
  return id == NULL ? caller.pool : opened->pool;
}

static wool_context_t *bag_of(const char *id) {
  const request_t *made = find_request(id);
  if (made == NULL || made->bag == NULL) die("there is no such context", NULL);
  return made->bag;
}

static uint64_t milliseconds(const options_t *options, const char *key) {
  const char *digits = option(options, key);
  return digits == NULL ? 0 : strtoull(digits, NULL, 10);
}

wool_call_options_t call_options(const options_t *options, char **tag) {
  const char *label = option(options, "tag");
  *tag = plain_text(label == NULL ? "-" : label);
  wool_call_options_t settings = WOOL_CALL_OPTIONS_INIT;
  settings.timeout_ms = milliseconds(options, "timeout");
  settings.step_timeout_ms = milliseconds(options, "step_timeout");
  settings.prefetch = (uint32_t)milliseconds(options, "prefetch");
  settings.tag = text(*tag);
  const char *bag = option(options, "bag"), *worker = option(options, "worker");
  if (bag != NULL) settings.bag = bag_of(bag);
  if (worker != NULL) settings.worker_uid = text(worker);
  return settings;
}

static void call(const char *id, char *rest) {
  request_t *request = new_request(id);
  wool_slice_t routine = text(need_token(&rest, "a routine"));
  wool_bytes_t arguments;
  wool_error_t *error = read_arguments(&rest, &arguments);
  if (error != NULL) {
    say_error(id, error);
    return;
  }
  options_t options = read_options(rest);
  char *tag;
  context_t context;
  wool_call_options_t settings = call_options(&options, &tag);
  error = read_context(&options, &context);
  settings.context = context.values;
  settings.context_count = context.count;
  if (error == NULL) {
    wool_call_submit(pool_of(&options), routine, msgpack(arguments), &settings, caller.queue,
                     (uint64_t)(uintptr_t)request, &request->handle, &error);
  }
  free_context(&context);
  free_options(&options);
  free(tag);
  wool_bytes_free(&arguments);
  if (error != NULL) say_error(id, error);
}

/* Does nothing to what never was, or has ended. */
static void cancel(const char *id) {
  const request_t *request = find_request(id);
  cancel_map(id);
  if (request == NULL || request->handle == 0) return;
  if (request->stream != NULL) {
    cancel_stream(id);
  } else {
    wool_call_cancel(request->handle);
  }
}

static void close_pool(const char *id, char *rest) {
  request_t *request = new_request(id);
  options_t options = read_options(rest);
  wool_error_t *error = NULL;
  check("a close", wool_pool_close_submit(pool_of(&options), caller.queue, (uint64_t)(uintptr_t)request, &error), error);
  free_options(&options);
}

static void tell_status(const char *id, char *rest) {
  options_t options = read_options(rest);
  wool_bytes_t status;
  wool_error_t *error = NULL;
  if (wool_pool_status(pool_of(&options), &status, &error) == WOOL_OK) {
    char *token = value_token(borrow(&status));
    say("status %s %s", id, token);
    free(token);
    wool_bytes_free(&status);
  } else {
    say_error(id, error);
  }
  free_options(&options);
}

static void add_pool(const char *id, char *rest) {
  request_t *request = new_request(id);
  options_t options = read_options(rest);
  wool_error_t *error = NULL;
  if (open_pool(caller.runtime, &options, &request->pool, &error) == WOOL_OK) {
    say("opened %s", id);
  } else {
    say_error(id, error);
  }
  free_options(&options);
}

static void add_worker(const char *id, char *rest) {
  request_t *request = new_request(id);
  options_t options = read_options(rest);
  wool_error_t *error = NULL;
  if (start_worker(caller.runtime, &options, &request->worker, &error) == WOOL_OK) {
    wool_slice_t address = wool_worker_address(request->worker), uid = wool_worker_uid(request->worker);
    say("serving %s %.*s %.*s", id, (int)address.len, (const char *)address.ptr, (int)uid.len, (const char *)uid.ptr);
  } else {
    say_error(id, error);
  }
  free_options(&options);
}

static void stop_worker(const char *id, char *rest) {
  const request_t *started = find_request(need_token(&rest, "a worker"));
  if (started == NULL || started->worker == NULL) die("there is no such worker", NULL);
  long long grace = need_number(&rest, "a grace");
  request_t *request = new_request(id);
  request->is_stop = 1;
  uint64_t tag = (uint64_t)(uintptr_t)request;
  wool_error_t *error = NULL;
  check("a stop", wool_worker_stop_submit(started->worker, grace, caller.queue, tag, &error), error);
}

static void make_bag(const char *id, char *rest) {
  request_t *request = new_request(id);
  wool_error_t *error = NULL;
  check("a context", wool_context_new(&request->bag, &error), error);
  for (char *token; error == NULL && (token = next_token(&rest)) != NULL;) error = add_context_value(request->bag, token);
  if (error == NULL) {
    say("bag %s", id);
  } else {
    say_error(id, error);
  }
}

static void set_in_bag(const char *id, char *rest) {
  wool_context_t *bag = bag_of(need_token(&rest, "a context"));
  char *name_space = plain_text(need_token(&rest, "a namespace")), *name = plain_text(need_token(&rest, "a name"));
  char *token = need_token(&rest, "a value");
  wool_error_t *error = NULL;
  wool_bytes_t value = {0};
  if (strcmp(token, "-") == 0) {
    wool_context_unset(bag, text(name_space), text(name), &error);
  } else if ((error = read_one_value(token, &value)) == NULL) {
    wool_context_set(bag, text(name_space), text(name), msgpack(value), &error);
  }
  wool_bytes_free(&value);
  free(name_space);
  free(name);
  if (error == NULL) {
    say("bagset %s", id);
  } else {
    say_error(id, error);
  }
}

static void tell_of_bag(const char *id, char *rest) {
  wool_context_t *bag = bag_of(need_token(&rest, "a context"));
  char *name_space = plain_text(need_token(&rest, "a namespace")), *name = plain_text(need_token(&rest, "a name"));
  wool_bytes_t value = {0};
  wool_error_t *error = NULL;
  wool_status_t status = wool_context_get(bag, text(name_space), text(name), &value, &error);
  if (status == WOOL_OK) {
    say_result(id, &value);
  } else if (status == WOOL_END) {
    say("result %s hex:c0", id);
  } else {
    say_error(id, error);
  }
  wool_bytes_free(&value);
  free(name_space);
  free(name);
}

static void reload(const char *id) {
  int32_t renewed = 0;
  wool_error_t *error = reload_credentials(&renewed);
  if (error == NULL) {
    say("reloaded %s %d", id, (int)renewed);
  } else {
    say_error(id, error);
  }
}

static void tell_problem(const char *id) {
  char *message = NULL;
  wool_error_t *error = problem_of_credentials(&message);
  if (error == NULL) {
    say("problem %s %s", id, message);
  } else {
    say_error(id, error);
  }
  free(message);
}

static void tell_events(const char *id) {
  char head[128];
  snprintf(head, sizeof head, "events %s", id);
  say_events(head);
}

static void misuse(const char *id, const char *what) {
  wool_value_builder_t *builder;
  wool_bytes_t bytes;
  wool_error_t *error = NULL;
  check("a builder", wool_value_builder_new(&builder, &error), error);
  wool_value_builder_arguments(builder, 1, 0, NULL);
  if (strcmp(what, "unsupported") == 0) {
    /* Two elements are announced, one comes. */
    wool_value_builder_list(builder, 2, NULL);
    wool_value_builder_null(builder, NULL);
    if (wool_value_builder_finish(builder, &bytes, &error) == WOOL_OK) die("half a list is a value", NULL);
  } else {
    wool_value_builder_null(builder, NULL);
    check("arguments", wool_value_builder_finish(builder, &bytes, &error), error);
    wool_bytes_t result;
    wool_status_t status = wool_call(caller.pool, text("conf.echo"), msgpack(bytes), NULL, -1, &result, NULL, &error);
    wool_bytes_free(&bytes);
    if (status == WOOL_OK) die("a closed pool makes calls", NULL);
  }
  wool_value_builder_free(builder);
  say_error(id, error);
}

static void serve(char *command, char *rest) {
  char *id = need_token(&rest, "a request id");
  if (strcmp(command, "call") == 0) {
    call(id, rest);
  } else if (strcmp(command, "open") == 0) {
    open_stream(id, rest);
  } else if (strcmp(command, "cancel") == 0) {
    cancel(id);
  } else if (strcmp(command, "next") == 0) {
    next_item(id);
  } else if (strcmp(command, "send") == 0) {
    send_value(id, rest);
  } else if (strcmp(command, "throw") == 0) {
    throw_error(id, rest);
  } else if (strcmp(command, "closestream") == 0) {
    close_stream(id);
  } else if (strcmp(command, "iterate") == 0) {
    iterate(id, rest);
  } else if (strcmp(command, "burst") == 0) {
    burst(id, rest);
  } else if (strcmp(command, "closepool") == 0) {
    close_pool(id, rest);
  } else if (strcmp(command, "status") == 0) {
    tell_status(id, rest);
  } else if (strcmp(command, "pool") == 0) {
    add_pool(id, rest);
  } else if (strcmp(command, "worker") == 0) {
    add_worker(id, rest);
  } else if (strcmp(command, "stopworker") == 0) {
    stop_worker(id, rest);
  } else if (strcmp(command, "bag") == 0) {
    make_bag(id, rest);
  } else if (strcmp(command, "bagset") == 0) {
    set_in_bag(id, rest);
  } else if (strcmp(command, "bagget") == 0) {
    tell_of_bag(id, rest);
  } else if (strcmp(command, "map") == 0) {
    map(id, rest);
  } else if (strcmp(command, "broadcast") == 0) {
    broadcast(id, rest);
  } else if (strcmp(command, "events") == 0) {
    tell_events(id);
  } else if (strcmp(command, "reload") == 0) {
    reload(id);
  } else if (strcmp(command, "problem") == 0) {
    tell_problem(id);
  } else if (strcmp(command, "list") == 0) {
    list_workers(id, rest);
  } else if (strcmp(command, "bad") == 0) {
    misuse(id, need_token(&rest, "a misuse"));
  } else {
    say("error %s UNSUPPORTED - no%%20such%%20command 0 - 0 - 0", id);
  }
}

static void serve_commands(void) {
  char *line = NULL;
  size_t size = 0;
  while (read_command(&line, &size)) {
    char *rest = line;
    char *command = need_token(&rest, "a command");
    serve(command, rest);
  }
  free(line);
}

static void serve_caller(const options_t *options) {
  wool_error_t *error = NULL;
  wool_queue_options_t handled = WOOL_QUEUE_OPTIONS_INIT;
  handled.handler = on_event;
  check("a queue", wool_queue_new(caller.runtime, &handled, &caller.queue, &error), error);
  if (open_pool(caller.runtime, options, &caller.pool, &error) == WOOL_OK) {
    say("ready");
    serve_commands();
  } else {
    say_not_ready(error);
  }
}

static void free_caller(void) {
  for (request_t *request = requests, *after; request != NULL; request = after) {
    after = request->next;
    wool_pool_free(request->pool);
    wool_worker_free(request->worker);
    wool_context_free(request->bag);
    free_stream(request->stream);
    free(request->id);
    free(request);
  }
  wool_pool_free(caller.pool);
  wool_queue_free(caller.queue);
  wool_runtime_free(caller.runtime);
  free_credentials();
}

int run_caller(const options_t *options) {
  wool_error_t *error = NULL;
  check("a runtime", wool_runtime_new(NULL, &caller.runtime, &error), error);
  check("the routines", register_routines(caller.runtime, &error), error);
  listen_to_events(caller.runtime, options);
  if (!wool_serve_if_spawned(caller.runtime)) serve_caller(options);
  wait_for_fan_outs();
  release_for_good();
  check("the runtime's close", wool_runtime_close(caller.runtime, -1, &error), error);
  wait_for_threads();
  stop_listening();
  free_caller();
  return 0;
}

/* Values that ride along with calls. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "nested.h"
#include "routines.h"

wool_error_t *read_context(const options_t *options, context_t *context) {
  int from = 0;
  *context = (context_t){.count = 0};
  for (const char *option; (option = next_option(options, "context", &from)) != NULL;) {
    size_t at = context->count;
    if (at == sizeof context->values / sizeof *context->values) die("too much context", NULL);
    char *words = copy_text(option, strlen(option)), *name = strchr(words, ':');
    char *value = name == NULL ? NULL : strchr(name + 1, ':');
    if (value == NULL) die("context= wants a namespace, a name and a value", NULL);
    *name++ = *value++ = '\0';
    context->names[at][0] = plain_text(words);
    context->names[at][1] = plain_text(name);
    context->count++;
    wool_error_t *error = read_one_value(value, &context->encoded[at]);
    free(words);
    if (error != NULL) return error;
    context->values[at].namespace_ = text(context->names[at][0]);
    context->values[at].name = text(context->names[at][1]);
    context->values[at].value = msgpack(context->encoded[at]);
  }
  return NULL;
}

void free_context(context_t *context) {
  for (size_t i = 0; i < context->count; i++) {
    free(context->names[i][0]);
    free(context->names[i][1]);
    wool_bytes_free(&context->encoded[i]);
  }
}

wool_error_t *add_context_value(wool_context_t *context, const char *token) {
  char *words = copy_text(token, strlen(token)), *name = strchr(words, ':');
  char *value = name == NULL ? NULL : strchr(name + 1, ':');
  if (value == NULL) die("a value of a context has a namespace, a name and a value", NULL);
  *name++ = *value++ = '\0';
  char *plain_space = plain_text(words), *plain_name = plain_text(name);
  wool_bytes_t encoded = {0};
  wool_error_t *error = read_one_value(value, &encoded);
  if (error == NULL) wool_context_set(context, text(plain_space), text(plain_name), msgpack(encoded), &error);
  wool_bytes_free(&encoded);
  free(plain_space);
  free(plain_name);
  free(words);
  return error;
}

static int same(wool_slice_t a, wool_slice_t b) { return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0); }

const wool_context_value_t *find_context(const wool_context_value_t *context, size_t count, wool_slice_t name_space,
                                         wool_slice_t name) {
  while (count-- > 0) {
    if (same(context[count].namespace_, name_space) && same(context[count].name, name)) return &context[count];
  }
  return NULL;
}

/* The value that the task's context has under a name; null for none. To be freed. */
static wool_error_t *value_now(wool_task_t task, wool_slice_t name_space, wool_slice_t name, wool_bytes_t *value) {
  wool_context_t *context = NULL;
  wool_error_t *error = NULL;
  wool_status_t status = wool_task_context(task, &context, &error);
  if (status == WOOL_OK) status = wool_context_get(context, name_space, name, value, &error);
  if (status == WOOL_END) {
    wool_value_builder_t *builder = new_builder();
    wool_value_builder_null(builder, NULL);
    *value = finish(builder);
  }
  wool_context_free(context);
  return error;
}

/* Sets a value; null unsets it. */
static wool_error_t *set_value(wool_task_t task, wool_slice_t name_space, wool_slice_t name, wool_bytes_t value) {
  wool_context_t *context = NULL;
  wool_error_t *error = NULL;
  if (wool_task_context(task, &context, &error) == WOOL_OK) {
    if (value.len == 1 && value.ptr[0] == 0xc0) {
      wool_context_unset(context, name_space, name, &error);
    } else {
      wool_context_set(context, name_space, name, msgpack(value), &error);
    }
  }
  wool_context_free(context);
  return error;
}

/* Returns a value, or fails as the error says; frees both. */
static void return_value(wool_task_t task, wool_error_t *error, wool_bytes_t *value) {
  if (error == NULL) {
    wool_task_return(task, msgpack(*value), NULL);
  } else {
    wool_task_fail_with(task, error, NULL);
    wool_error_free(error);
  }
  wool_bytes_free(value);
}

UNARY(tell_context) {
  BEGIN_UNARY;
  wool_slice_t name_space, name;
  wool_bytes_t value = {0};
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "ss", &reader, (void *[]){&name_space, &name});
  if (error != NULL) {
    END_UNARY;
    fail_with(task, error);
    return;
  }
  error = value_now(task, name_space, name, &value);
  wool_value_reader_free(reader);
  END_UNARY;
  return_value(task, error, &value);
}

/* The next value of a reader, encoded. */
static wool_error_t *read_any(wool_value_reader_t *reader, wool_bytes_t *value) {
  wool_value_builder_t *builder = new_builder();
  wool_error_t *error = copy_value(reader, builder);
  if (error == NULL) {
    *value = finish(builder);
  } else {
    wool_value_builder_free(builder);
  }
  return error;
}

/* Adds an encoded value. */
static void build_encoded(wool_value_builder_t *builder, wool_bytes_t encoded) {
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  check("a value", wool_value_reader_new((wool_slice_t){encoded.ptr, encoded.len}, &reader, &error), error);
  error = copy_value(reader, builder);
  if (error != NULL) die("a value", error);
  wool_value_reader_free(reader);
}

/* conf.setcontext, one level further down. */
static wool_error_t *set_below(wool_task_t task, wool_slice_t name_space, wool_slice_t name, wool_bytes_t value,
                               int64_t depth) {
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_arguments(builder, 4, 0, NULL);
  wool_value_builder_string(builder, name_space, NULL);
  wool_value_builder_string(builder, name, NULL);
  build_encoded(builder, value);
  wool_value_builder_int(builder, depth, NULL);
  wool_bytes_t result = {0};
  wool_error_t *error = nested_call(task, text("conf.setcontext"), finish(builder), &result);
  wool_bytes_free(&result);
  return error;
}

UNARY(set_context) {
  BEGIN_UNARY;
  wool_slice_t name_space = {NULL, 0}, name = {NULL, 0};
  wool_bytes_t value = {0}, now = {0};
  int64_t depth = 0;
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  if (wool_value_reader_new_bound(task, arguments, 4, &reader, &error) == WOOL_OK &&
      wool_value_reader_string(reader, &name_space, &error) == WOOL_OK &&
      wool_value_reader_string(reader, &name, &error) == WOOL_OK && (error = read_any(reader, &value)) == NULL) {
    wool_value_reader_int(reader, &depth, &error);
  }
  if (error == NULL) {
    error = depth > 0 ? set_below(task, name_space, name, value, depth - 1) : set_value(task, name_space, name, value);
  }
  if (error == NULL) error = value_now(task, name_space, name, &now);
  wool_value_reader_free(reader);
  wool_bytes_free(&value);
  END_UNARY;
  return_value(task, error, &now);
}

UNARY(fail_context) {
  BEGIN_UNARY;
  wool_slice_t name_space = {NULL, 0}, name = {NULL, 0};
  wool_bytes_t value = {0};
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  if (wool_value_reader_new_bound(task, arguments, 3, &reader, &error) == WOOL_OK &&
      wool_value_reader_string(reader, &name_space, &error) == WOOL_OK &&
      wool_value_reader_string(reader, &name, &error) == WOOL_OK && (error = read_any(reader, &value)) == NULL) {
    error = set_value(task, name_space, name, value);
  }
  wool_value_reader_free(reader);
  wool_bytes_free(&value);
  END_UNARY;
  if (error == NULL) {
    fail(task, WOOL_ERR_TASK_FAILED, text("conf.Failed"), text("as asked"));
  } else {
    fail_with(task, error);
  }
}

UNARY(own_context) {
  BEGIN_UNARY;
  wool_bytes_t value = {0}, there = {0}, here = {0};
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  if (wool_value_reader_new_bound(task, arguments, 1, &reader, &error) == WOOL_OK) error = read_any(reader, &value);
  wool_value_reader_free(reader);
  if (error == NULL) error = set_value(task, text("conf"), text("own"), value);
  if (error == NULL) {
    wool_value_builder_t *names = new_builder();
    wool_value_builder_arguments(names, 2, 0, NULL);
    wool_value_builder_string(names, text("conf"), NULL);
    wool_value_builder_string(names, text("own"), NULL);
    error = nested_call(task, text("conf.context"), finish(names), &there);
  }
  if (error == NULL) error = value_now(task, text("conf"), text("own"), &here);
  wool_bytes_free(&value);
  END_UNARY;
  if (error == NULL) {
    wool_value_builder_t *builder = new_builder();
    wool_value_builder_list(builder, 2, NULL);
    build_encoded(builder, there);
    build_encoded(builder, here);
    answer(task, builder, wool_task_return);
  } else {
    wool_task_fail_with(task, error, NULL);
    wool_error_free(error);
  }
  wool_bytes_free(&there);
  wool_bytes_free(&here);
}

/* conf.countcontext */
typedef struct {
  char *name_space, *name;
  int begun;
  atomic_int over;
} counting_t;

static void free_counting(void *state) {
  counting_t *counting = state;
  free(counting->name_space);
  free(counting->name);
  free(counting);
}

static void begin_count(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_slice_t name_space, name;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "ss", &reader, (void *[]){&name_space, &name});
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  counting_t *counting = allocate(sizeof *counting);
  counting->name_space = copy_text((const char *)name_space.ptr, name_space.len);
  counting->name = copy_text((const char *)name.ptr, name.len);
  counting->begun = 0;
  atomic_init(&counting->over, 0);
  wool_value_reader_free(reader);
  wool_task_set_state(task, counting, free_counting, NULL);
}

static void end_count(counting_t *counting) {
  if (atomic_exchange(&counting->over, 1) != 0 || !counting->begun) return;
  count_cleaned();
  count_finished();
}

static wool_error_t *count_up(wool_task_t task, counting_t *counting, int64_t *count) {
  wool_bytes_t value = {0};
  wool_slice_t name_space = text(counting->name_space), name = text(counting->name);
  wool_error_t *error = value_now(task, name_space, name, &value);
  wool_value_reader_t *reader = NULL;
  *count = 0;
  if (error == NULL && wool_value_reader_new((wool_slice_t){value.ptr, value.len}, &reader, &error) == WOOL_OK &&
      value.ptr[0] != 0xc0) {
    wool_value_reader_int(reader, count, &error);
  }
  wool_value_reader_free(reader);
  wool_bytes_free(&value);
  if (error != NULL) return error;
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_int(builder, *count + 1, NULL);
  value = finish(builder);
  error = set_value(task, name_space, name, value);
  wool_bytes_free(&value);
  return error;
}

static void step_count(void *user_data, wool_task_t task, void *state, int32_t asked, wool_payload_t sent,
                       const wool_error_t *thrown) {
  (void)user_data, (void)sent;
  counting_t *counting = state;
  /* The task was over before it had a state. */
  if (counting == NULL || atomic_load(&counting->over)) return;
  if (asked == WOOL_STEP_CLOSE) {
    end_count(counting);
    wool_task_end(task, NULL);
    return;
  }
  if (!counting->begun) count_started();
  counting->begun = 1;
  int64_t count;
  wool_error_t *error = thrown == NULL ? count_up(task, counting, &count) : NULL;
  if (error == NULL && thrown == NULL) {
    wool_value_builder_t *builder = new_builder();
    wool_value_builder_int(builder, count, NULL);
    answer(task, builder, wool_task_yield);
    return;
  }
  end_count(counting);
  wool_task_fail_with(task, thrown == NULL ? error : thrown, NULL);
  wool_error_free(error);
}

static void cancel_count(void *user_data, wool_task_t task, void *state) {
  (void)user_data;
  if (state != NULL) end_count(state);
  fail(task, WOOL_ERR_CANCELLED, text(""), text("the task was cancelled"));
}

wool_status_t register_context(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routines[] = {
      {"conf.context", {"namespace", "name"}, tell_context, NULL, NULL, NULL},
      {"conf.setcontext", {"namespace", "name", "value", "depth"}, set_context, NULL, NULL, NULL},
      {"conf.failcontext", {"namespace", "name", "value"}, fail_context, NULL, NULL, NULL},
      {"conf.owncontext", {"n"}, own_context, NULL, NULL, NULL},
      {"conf.countcontext", {"namespace", "name"}, begin_count, step_count, cancel_count, NULL},
  };
  return serve_all(runtime, routines, sizeof routines / sizeof *routines, error);
}

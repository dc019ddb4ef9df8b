/* Values that ride along with calls. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"
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

static int same(wool_slice_t a, wool_slice_t b) { return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0); }

const wool_context_value_t *find_context(const wool_context_value_t *context, size_t count, wool_slice_t name_space,
                                         wool_slice_t name) {
  while (count-- > 0) {
    if (same(context[count].namespace_, name_space) && same(context[count].name, name)) return &context[count];
  }
  return NULL;
}

UNARY(tell_context) {
  BEGIN_UNARY;
  wool_slice_t name_space, name;
  wool_value_reader_t *reader;
  wool_error_t *error = read_formatted(task, arguments, "ss", &reader, (void *[]){&name_space, &name});
  END_UNARY;
  if (error != NULL) {
    fail_with(task, error);
    return;
  }
  const wool_context_value_t *found = find_context(info->context, info->context_count, name_space, name);
  if (found == NULL) {
    return_null(task);
  } else {
    wool_task_return(task, found->value, NULL);
  }
  wool_value_reader_free(reader);
}

wool_status_t register_context(wool_runtime_t *runtime, wool_error_t **error) {
  static const served_t routine = {"conf.context", {"namespace", "name"}, tell_context, NULL, NULL, NULL};
  return serve_all(runtime, &routine, 1, error);
}

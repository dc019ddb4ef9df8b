/* What all routines of this driver do: read their arguments, answer, and be registered. */
#include <string.h>

#include "driver.h"
#include "routines.h"

void fail(wool_task_t task, wool_status_t status, wool_slice_t type, wool_slice_t message) {
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = (int32_t)status;
  fault.type = type;
  fault.message = message;
  wool_task_fail(task, &fault, NULL);
}

void fail_with(wool_task_t task, wool_error_t *error) {
  fail(task, WOOL_ERR_TASK_FAILED, text("ArgumentError"), wool_error_message(error));
  wool_error_free(error);
}

void answer(wool_task_t task, wool_value_builder_t *builder,
            wool_status_t (*give)(wool_task_t, wool_payload_t, wool_error_t **)) {
  wool_bytes_t value;
  wool_error_t *error = NULL;
  if (wool_value_builder_finish(builder, &value, &error) == WOOL_OK) {
    give(task, msgpack(value), NULL);
    wool_bytes_free(&value);
  } else {
    fail_with(task, error);
  }
  wool_value_builder_free(builder);
}

void return_null(wool_task_t task) {
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_null(builder, NULL);
  answer(task, builder, wool_task_return);
}

void return_int(wool_task_t task, int64_t number) {
  wool_value_builder_t *builder = new_builder();
  wool_value_builder_int(builder, number, NULL);
  answer(task, builder, wool_task_return);
}

wool_error_t *read_formatted(wool_task_t task, wool_payload_t arguments, const char *format,
                             wool_value_reader_t **reader, void **out) {
  size_t needed = strcspn(format, "I"), wanted = strlen(format);
  wool_error_t *error = NULL;
  *reader = NULL;
  if (wool_value_reader_new_bound(task, arguments, needed, reader, &error) != WOOL_OK) return error;
  for (size_t i = 0; error == NULL && i < wanted; i++) {
    int32_t absent = 0;
    switch (format[i]) {
      case 'I':
        wool_value_reader_null(*reader, &absent, &error);
        if (!absent) wool_value_reader_int(*reader, out[i], &error);
        break;
      case 'i': wool_value_reader_int(*reader, out[i], &error); break;
      case 's': wool_value_reader_string(*reader, out[i], &error); break;
      default: wool_value_reader_bytes(*reader, out[i], &error); break;
    }
  }
  if (error != NULL) {
    wool_value_reader_free(*reader);
    *reader = NULL;
  }
  return error;
}

static wool_status_t serve_one(wool_runtime_t *runtime, const served_t *routine, int on_io_thread, wool_error_t **error) {
  wool_slice_t parameters[MOST_PARAMETERS];
  size_t count = 0;
  while (count < MOST_PARAMETERS && routine->parameters[count] != NULL) {
    parameters[count] = text(routine->parameters[count]);
    count++;
  }
  wool_routine_options_t options = WOOL_ROUTINE_OPTIONS_INIT;
  options.name = text(routine->name);
  options.kind = routine->step == NULL ? WOOL_ROUTINE_UNARY : WOOL_ROUTINE_STREAM;
  options.parameters = parameters;
  options.parameter_count = count;
  options.run = routine->run;
  options.step = routine->step;
  options.cancel = routine->cancel;
  options.user_data = routine->user_data;
  options.on_io_thread = on_io_thread;
  return wool_routine_register(runtime, &options, error);
}

wool_status_t serve_all(wool_runtime_t *runtime, const served_t *routines, size_t count, wool_error_t **error) {
  wool_status_t status = WOOL_OK;
  for (size_t i = 0; status == WOOL_OK && i < count; i++) status = serve_one(runtime, &routines[i], 0, error);
  return status;
}

wool_status_t serve_on_io_thread(wool_runtime_t *runtime, const served_t *routine, wool_error_t **error) {
  return serve_one(runtime, routine, 1, error);
}

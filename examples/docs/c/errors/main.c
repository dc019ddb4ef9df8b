/* Errors across processes: one of the program's own, one with a cause, and a worker that goes on. In C an error of one's own is
 * its type's name and its data. */
#include "../common.h"

#define OUT_OF_STOCK "wool.OutOfStock"

static int is(wool_slice_t slice, const char *string) {
  return slice.len == strlen(string) && memcmp(slice.ptr, string, slice.len) == 0;
}

/* The data: a map of `item` and `left`. */
static void fail_out_of_stock(wool_task_t task, wool_slice_t item, int64_t left) {
  wool_value_builder_t *builder;
  wool_value_builder_new(&builder, NULL);
  wool_value_builder_map(builder, 2, NULL);
  wool_value_builder_string(builder, text("item"), NULL);
  wool_value_builder_string(builder, item, NULL);
  wool_value_builder_string(builder, text("left"), NULL);
  wool_value_builder_int(builder, left, NULL);
  wool_bytes_t data = finish(builder);
  wool_payload_t value = encoded(&data);
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.type = text(OUT_OF_STOCK);
  fault.message = text("not enough of it is left");
  fault.value = &value;
  wool_task_fail(task, &fault, NULL);
  wool_bytes_free(&data);
}

static void order(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_value_reader_t *reader = NULL;
  wool_error_t *error = NULL;
  wool_slice_t item;
  int64_t count, left = 3;
  wool_status_t status = wool_value_reader_new_bound(task, arguments, 2, &reader, &error);
  if (status == WOOL_OK) status = wool_value_reader_string(reader, &item, &error);
  if (status == WOOL_OK) status = wool_value_reader_int(reader, &count, &error);
  if (status != WOOL_OK) {
    wool_task_fail_with(task, error, NULL);
  } else if (count > left) {
    fail_out_of_stock(task, item, left);
  } else {
    wool_bytes_t rest = encode_int(left - count);
    wool_task_return(task, encoded(&rest), NULL);
    wool_bytes_free(&rest);
  }
  wool_error_free(error);
  wool_value_reader_free(reader);
}

static void shear(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info, (void)arguments;
  wool_error_t *cause = NULL;
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.message = text("the shears are blunt");
  wool_error_new(&fault, &cause, NULL);
  fault.type = text("ShearingError");
  fault.message = text("the sheep ran away");
  fault.cause = cause;
  wool_task_fail(task, &fault, NULL);
  wool_error_free(cause);
}

static void serve(wool_runtime_t *runtime) {
  const char *const parameters[] = {"item", "count", NULL}, *const none[] = {NULL};
  add_routine(runtime, "wool.order", parameters, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = order});
  add_routine(runtime, "wool.shear", none, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = shear});
}

/* Whatever the worker is written in, where it raises an error of this name. */
static void print_out_of_stock(const wool_error_t *error) {
  wool_payload_t data;
  if (!is(wool_error_type(error), OUT_OF_STOCK) || wool_error_value(error, &data) != WOOL_OK) return;
  wool_value_reader_t *reader = NULL;
  wool_slice_t key, item = text("?");
  size_t count = 0;
  int64_t left = 0;
  wool_value_reader_new(data.data, &reader, NULL);
  wool_value_reader_map(reader, &count, NULL);
  for (size_t i = 0; i < count && wool_value_reader_string(reader, &key, NULL) == WOOL_OK; i++) {
    if (is(key, "item")) {
      wool_value_reader_string(reader, &item, NULL);
    } else if (is(key, "left")) {
      wool_value_reader_int(reader, &left, NULL);
    } else {
      wool_value_reader_skip(reader, NULL);
    }
  }
  printf("%.*s: %" PRId64 " left\n", (int)item.len, (const char *)item.ptr, left);
  wool_value_reader_free(reader);
}

static void call(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  wool_bytes_t answer = {0};
  wool_bytes_t five = encode_arguments("yarn", (int64_t[]){5}, 1), two = encode_arguments("yarn", (int64_t[]){2}, 1);
  if (wool_call(pool, text("wool.order"), encoded(&five), NULL, -1, &answer, NULL, &error) != WOOL_OK) {
    print_out_of_stock(error);
  }
  wool_error_free(error);

  error = NULL;
  wool_bytes_t none = encode_arguments(NULL, NULL, 0);
  wool_call(pool, text("wool.shear"), encoded(&none), NULL, -1, &answer, NULL, &error);
  for (const wool_error_t *at = error; at != NULL; at = wool_error_cause(at)) {
    wool_slice_t message = wool_error_message(at);
    printf("%s %.*s\n", at == error ? "failed:" : "because", (int)message.len, (const char *)message.ptr);
  }
  wool_error_free(error);

  error = NULL;
  check(wool_call(pool, text("wool.order"), encoded(&two), NULL, -1, &answer, NULL, &error), error);
  printf("%" PRId64 " left\n", decode_int((wool_slice_t){answer.ptr, answer.len}));
  wool_bytes_free(&answer);
  wool_bytes_free(&none);
  wool_bytes_free(&five);
  wool_bytes_free(&two);
}

int main(void) { return play(serve, call); }

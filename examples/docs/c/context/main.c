/* Values that ride along with calls, on to what these call, and back. */
#include "../common.h"

#define CUSTOMER text("shop"), text("customer")
#define GREETED text("shop"), text("greeted")
#define HINT text("shop"), text("hint")

static const wool_payload_t yes = {{(const uint8_t *)"\xc3", 1}, WOOL_CODEC_MSGPACK};

static void fail_with(wool_task_t task, wool_error_t *error) {
  wool_task_fail_with(task, error, NULL);
  wool_error_free(error);
}

static void name(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info, (void)arguments;
  wool_context_t *context = NULL;
  wool_bytes_t customer = {0};
  wool_error_t *error = NULL;
  if (wool_task_context(task, &context, &error) == WOOL_OK &&
      wool_context_get(context, CUSTOMER, &customer, &error) == WOOL_OK &&
      wool_context_set(context, GREETED, yes, &error) == WOOL_OK) {
    wool_task_return(task, encoded(&customer), NULL);
  } else {
    fail_with(task, error);
  }
  wool_bytes_free(&customer);
  wool_context_free(context);
}

static void return_greeting(wool_task_t task, const wool_bytes_t *customer) {
  char called[32], line[64];
  decode_text(customer, called, sizeof called);
  snprintf(line, sizeof line, "Good morning, %s", called);
  wool_bytes_t greeting = encode_text(text(line));
  wool_task_return(task, encoded(&greeting), NULL);
  wool_bytes_free(&greeting);
}

static void greet(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  wool_pool_t *pool = NULL;
  wool_context_t *context = NULL;
  wool_bytes_t customer = {0};
  wool_error_t *error = NULL;
  /* The context of this task goes along, and takes up what is changed there. */
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.parent = task;
  if (wool_task_pool(task, &pool, &error) == WOOL_OK &&
      wool_call(pool, text("wool.name"), arguments, &options, -1, &customer, NULL, &error) == WOOL_OK &&
      wool_task_context(task, &context, &error) == WOOL_OK && wool_context_unset(context, HINT, &error) == WOOL_OK) {
    return_greeting(task, &customer);
  } else {
    fail_with(task, error);
  }
  wool_bytes_free(&customer);
  wool_context_free(context);
  wool_pool_free(pool);
}

static void serve(wool_runtime_t *runtime) {
  const char *const none[] = {NULL};
  add_routine(runtime, "wool.name", none, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = name});
  add_routine(runtime, "wool.greet", none, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = greet});
}

static void set_text(wool_context_t *context, const char *called, const char *string) {
  wool_error_t *error = NULL;
  wool_bytes_t value = encode_text(text(string));
  check(wool_context_set(context, text("shop"), text(called), encoded(&value), &error), error);
  wool_bytes_free(&value);
}

static void call(wool_pool_t *pool) {
  wool_error_t *error = NULL;
  wool_bytes_t none = encode_arguments(NULL, NULL, 0), value = {0};
  wool_context_t *context = NULL;
  check(wool_context_new(&context, &error), error);
  set_text(context, "customer", "Dolly");
  set_text(context, "hint", "shy");
  wool_call_options_t options = WOOL_CALL_OPTIONS_INIT;
  options.bag = context;
  check(wool_call(pool, text("wool.greet"), encoded(&none), &options, -1, &value, NULL, &error), error);
  char greeting[64];
  decode_text(&value, greeting, sizeof greeting);
  puts(greeting);
  wool_bytes_free(&value);

  wool_status_t status = wool_context_get(context, GREETED, &value, &error);
  check(status, error);
  int greeted = status == WOOL_OK && value.len == 1 && value.ptr[0] == yes.data.ptr[0];
  printf("greeted: %s\n", greeted ? "true" : "false");
  wool_bytes_free(&value);
  status = wool_context_get(context, HINT, &value, &error);
  check(status, error);
  printf("hint: %s\n", status == WOOL_END ? "none" : "there");
  wool_bytes_free(&value);
  wool_context_free(context);
  wool_bytes_free(&none);
}

int main(void) { return play(serve, call); }

/* A caller's certificate is renewed while it calls, as an operator would do it, and then spoilt. Those of certs are used. */
#define _GNU_SOURCE
#include <unistd.h>

#include "../common.h"

enum { LONGEST = 256, LARGEST = 16384 };

static char folder[] = "/tmp/wool-rotating-XXXXXX";

static const char *within(char *path, const char *name) {
  snprintf(path, LONGEST, "%s/%s", folder, name);
  return path;
}

static wool_credentials_t *credentials(const char *ca, const char *certificate, const char *key) {
  wool_credentials_t *made;
  wool_error_t *error = NULL;
  wool_credentials_options_t options = WOOL_CREDENTIALS_OPTIONS_INIT;
  options.ca_file = text(ca);
  options.certificate_file = text(certificate);
  options.key_file = text(key);
  /* How often the files are looked at. */
  options.poll_ms = 10000;
  check(wool_credentials_new(&options, &made, &error), error);
  return made;
}

static void caller(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)arguments;
  wool_bytes_t name = encode_text(info->peer_count > 0 ? info->peer[0] : text(""));
  wool_task_return(task, encoded(&name), NULL);
  wool_bytes_free(&name);
}

/* A generator whose frame is a number. */
static void begin(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info, (void)arguments;
  int64_t *sheep = calloc(1, sizeof *sheep);
  if (sheep == NULL) exit(1);
  wool_task_set_state(task, sheep, free, NULL);
}

static void shear(void *user_data, wool_task_t task, void *state, int32_t step, wool_payload_t sent,
                  const wool_error_t *thrown) {
  (void)user_data, (void)sent;
  int64_t *sheep = state;
  if (thrown != NULL) {
    wool_task_fail_with(task, thrown, NULL);
  } else if (step == WOOL_STEP_CLOSE || *sheep == 3) {
    wool_task_end(task, NULL);
  } else {
    wool_bytes_t item = encode_int(++*sheep);
    wool_task_yield(task, encoded(&item), NULL);
    wool_bytes_free(&item);
  }
}

/* Puts a file into the place of another, whole: nobody reads half of it. */
static void replace(const char *name, const char *content, size_t size) {
  char draft[LONGEST], path[LONGEST];
  FILE *file = fopen(within(draft, "draft"), "wb");
  if (file == NULL || fwrite(content, 1, size, file) != size || fclose(file) != 0 || rename(draft, within(path, name)) != 0) {
    perror(name);
    exit(1);
  }
}

static void copy(const char *from, const char *name) {
  static char content[LARGEST];
  FILE *file = fopen(from, "rb");
  if (file == NULL) {
    perror(from);
    exit(1);
  }
  size_t size = fread(content, 1, sizeof content, file);
  fclose(file);
  replace(name, content, size);
}

/* Calls until the worker sees this name. */
static void seen_as(wool_pool_t *pool, const char *name) {
  wool_error_t *error = NULL;
  wool_bytes_t nothing = encode_arguments(NULL, NULL, 0), answer;
  char seen[LONGEST] = "";
  while (strcmp(seen, name) != 0) {
    check(wool_call(pool, text("wool.caller"), encoded(&nothing), NULL, -1, &answer, NULL, &error), error);
    decode_text(&answer, seen, sizeof seen);
    wool_bytes_free(&answer);
    if (strcmp(seen, name) != 0) usleep(5000);
  }
  wool_bytes_free(&nothing);
  printf("called by %s\n", name);
}

static int pull(wool_stream_t stream) {
  wool_bytes_t item;
  wool_error_t *error = NULL;
  wool_status_t status = wool_stream_wait(stream, -1, &item, NULL, &error);
  check(status, error);
  if (status == WOOL_OK) wool_bytes_free(&item);
  return status == WOOL_OK;
}

static void rotate(wool_pool_t *pool, wool_credentials_t *own) {
  wool_error_t *error = NULL;
  wool_stream_t sheep;
  int32_t renewed = 0;
  int shorn = 0;
  wool_bytes_t nothing = encode_arguments(NULL, NULL, 0);
  check(wool_stream_open(pool, text("wool.shear"), encoded(&nothing), NULL, NULL, 0, &sheep, &error), error);
  wool_bytes_free(&nothing);
  shorn += pull(sheep);

  /* The key first: whoever sees the new certificate finds its key. */
  copy("certs/next.key", "own.key");
  copy("certs/next.pem", "own.pem");
  /* They would be looked at within ten seconds; this does it now. */
  check(wool_credentials_reload(own, &renewed, &error), error);
  printf("renewed: %d\n", renewed);
  seen_as(pool, "next.wool.example");
  /* What was running goes on where it was. */
  while (pull(sheep)) shorn++;
  printf("%d sheep\n", shorn);
}

static void spoil(wool_pool_t *pool, wool_credentials_t *own) {
  replace("own.key", "nonsense", strlen("nonsense"));
  wool_status_t status = wool_credentials_reload(own, NULL, NULL);
  printf("not renewed: %s\n", wool_status_name(status));
  /* Also for those who come later: it is what a health check asks for. */
  printf("a problem: %d\n", wool_credentials_problem(own, NULL) != WOOL_OK);
  /* Those of before are still good. */
  seen_as(pool, "next.wool.example");
}

static wool_worker_t *serve(wool_runtime_t *runtime) {
  wool_worker_t *worker;
  wool_error_t *error = NULL;
  const char *const none[] = {NULL};
  add_routine(runtime, "wool.caller", none, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = caller});
  add_routine(runtime, "wool.shear", none,
              (wool_routine_options_t){.kind = WOOL_ROUTINE_STREAM, .run = begin, .step = shear});
  wool_credentials_t *own = credentials("certs/ca.pem", "certs/worker.pem", "certs/worker.key");
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.credentials = own;
  check(wool_worker_new(runtime, &options, &worker, &error), error);
  wool_credentials_free(own);
  return worker;
}

int main(void) {
  wool_runtime_t *runtime;
  wool_pool_t *pool;
  wool_error_t *error = NULL;
  char paths[3][LONGEST];
  if (mkdtemp(folder) == NULL) return 1;
  copy("certs/ca.pem", "ca.pem");
  copy("certs/caller.key", "own.key");
  copy("certs/caller.pem", "own.pem");
  wool_credentials_t *own = credentials(within(paths[0], "ca.pem"), within(paths[1], "own.pem"), within(paths[2], "own.key"));
  check(wool_runtime_new(NULL, &runtime, &error), error);
  wool_worker_t *worker = serve(runtime);
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.addresses = &address;
  options.address_count = 1;
  options.credentials = own;
  check(wool_pool_new(runtime, &options, &pool, &error), error);
  seen_as(pool, "caller.wool.example");
  rotate(pool, own);
  spoil(pool, own);

  leave(runtime, pool);
  wool_worker_free(worker);
  wool_credentials_free(own);
  for (size_t i = 0; i < 3; i++) remove(paths[i]);
  return rmdir(folder);
}

/* Credentials that a function of the host's provides. */
#include <pthread.h>

#include "certificates.h"
#include "world.h"

enum { HOUR_MS = 3600000 };

/* A store of secrets, with all that it has handed out last. */
typedef struct {
  pthread_mutex_t lock;
  const char *name;      /* of the certificate that it provides; NULL: it has failed */
  char *ca, *certificate, *key;
  char problem[64];
  pthread_t asking;      /* the thread that has asked first */
  int asked_elsewhere;   /* by other threads */
  int asks_now;
  int asked, destroyed;
} store_t;

static char *content(const char *path) {
  FILE *file = fopen(path, "rb");
  char *text = calloc(1, 65536);
  CHECK(file != NULL && text != NULL && fread(text, 1, 65535, file) > 0);
  fclose(file);
  return text;
}

static store_t *store_new(const char *name) {
  store_t *store = calloc(1, sizeof *store);
  pthread_mutex_init(&store->lock, NULL);
  store->name = name;
  return store;
}

static void forget(store_t *store) {
  free(store->ca);
  free(store->certificate);
  free(store->key);
  store->ca = store->certificate = store->key = NULL;
  memset(store->problem, 0, sizeof store->problem);
}

static void store_free(store_t *store) {
  CHECK(store->destroyed == 1);
  pthread_mutex_destroy(&store->lock);
  free(store);
}

/* What was handed out may be used until now. */
static void destroy_store(void *data) {
  store_t *store = data;
  forget(store);
  world_count(&store->destroyed);
}

static void provide(void *data, wool_credentials_options_t *parts, wool_slice_t *problem) {
  store_t *store = data;
  pthread_mutex_lock(&store->lock);
  const char *name = store->name;
  CHECK(store->asks_now++ == 0 && store->destroyed == 0);
  pthread_mutex_unlock(&store->lock);
  CHECK(parts->struct_size == sizeof *parts && parts->ca.len == 0 && problem->len == 0);
  forget(store);
  if (name == NULL) {
    strcpy(store->problem, "the store is shut");
    *problem = text(store->problem);
  } else if (name[0] != '\0') {
    certificate_t certificate;
    files_of(&certificate, name);
    store->ca = content(certificate.ca);
    store->certificate = content(certificate.certificate);
    store->key = content(certificate.key);
    parts->ca = text(store->ca);
    parts->certificate = text(store->certificate);
    parts->key = text(store->key);
  }
  pthread_mutex_lock(&store->lock);
  store->asks_now--;
  if (store->asked == 0) store->asking = pthread_self();
  int is_elsewhere = !pthread_equal(store->asking, pthread_self());
  pthread_mutex_unlock(&store->lock);
  world_count(&store->asked);
  if (is_elsewhere) world_count(&store->asked_elsewhere);
}

static void provides(store_t *store, const char *name) {
  pthread_mutex_lock(&store->lock);
  store->name = name;
  pthread_mutex_unlock(&store->lock);
}

static wool_credentials_t *provided(store_t *store, uint64_t poll_ms) {
  wool_credentials_t *credentials = NULL;
  OK(wool_credentials_provided(provide, store, destroy_store, poll_ms, &credentials, &error));
  CHECK(world_count_of(&store->asked) == 1 && pthread_equal(store->asking, pthread_self()));
  return credentials;
}

TEST(what_is_provided_is_used_and_asked_for_again) {
  store_t *store = store_new("worker");
  wool_credentials_t *own = provided(store, 10), *callers = credentials_of("caller");
  wool_runtime_t *runtime = world_runtime();
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.credentials = own;
  wool_worker_t *worker = NULL;
  OK(wool_worker_new(runtime, &options, &worker, &error));
  /* The worker has them. */
  wool_credentials_free(own);
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_options_t pool_options = WOOL_POOL_OPTIONS_INIT;
  pool_options.addresses = &address;
  pool_options.address_count = 1;
  pool_options.credentials = callers;
  wool_pool_t *pool = NULL;
  OK(wool_pool_new(runtime, &pool_options, &pool, &error));
  CHECK(call_int(pool, "test.pid") > 0);
  world_wait_count(&store->asked_elsewhere, 3);
  /* What fails, and what is renewed, goes on to be asked. */
  provides(store, NULL);
  int asked = world_count_of(&store->asked);
  world_wait_count(&store->asked, asked + 3);
  CHECK(call_int(pool, "test.pid") > 0);
  provides(store, "named");
  world_wait_count(&store->asked, world_count_of(&store->asked) + 3);
  CHECK(world_count_of(&store->destroyed) == 0);
  OK(wool_runtime_close(runtime, -1, &error));
  wool_pool_free(pool);
  wool_worker_free(worker);
  wool_runtime_free(runtime);
  wool_credentials_free(callers);
  world_wait_count(&store->destroyed, 1);
  store_free(store);
}

TEST(reload_asks_the_provider_and_its_problem_is_told) {
  store_t *store = store_new("worker");
  wool_credentials_t *credentials = provided(store, HOUR_MS);
  int32_t renewed = 7;
  OK(wool_credentials_reload(credentials, &renewed, &error));
  CHECK(renewed == 0 && store->asked == 2);
  provides(store, "caller");
  OK(wool_credentials_reload(credentials, &renewed, &error));
  CHECK(renewed == 1);
  OK(wool_credentials_problem(credentials, &error));
  provides(store, NULL);
  renewed = 7;
  FAILS(WOOL_ERR_IO, "the store is shut", wool_credentials_reload(credentials, &renewed, &error));
  FAILS(WOOL_ERR_IO, "the store is shut", wool_credentials_problem(credentials, &error));
  CHECK(renewed == 7);
  provides(store, "");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty", wool_credentials_reload(credentials, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty", wool_credentials_problem(credentials, &error));
  provides(store, "caller");
  OK(wool_credentials_reload(credentials, &renewed, &error));
  CHECK(renewed == 0 && store->asked == 6);
  OK(wool_credentials_problem(credentials, &error));
  wool_credentials_free(credentials);
  CHECK(store->destroyed == 1);
  store_free(store);
}

TEST(an_update_takes_the_place_of_the_provider) {
  store_t *store = store_new("worker");
  wool_credentials_t *credentials = provided(store, HOUR_MS);
  wool_credentials_options_t options = WOOL_CREDENTIALS_OPTIONS_INIT;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty", wool_credentials_update(credentials, &options, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty", wool_credentials_problem(credentials, &error));
  CHECK(store->destroyed == 0);
  certificate_t certificate;
  options = files_of(&certificate, "worker");
  OK(wool_credentials_update(credentials, &options, NULL, &error));
  CHECK(store->destroyed == 1);
  OK(wool_credentials_problem(credentials, &error));
  OK(wool_credentials_reload(credentials, NULL, &error));
  CHECK(store->asked == 1);
  wool_credentials_free(credentials);
  store_free(store);
}

TEST(a_provider_is_destroyed_once_also_when_there_are_no_credentials) {
  wool_credentials_t *credentials = NULL;
  store_t *store = store_new(NULL);
  FAILS(WOOL_ERR_IO, "the store is shut",
        wool_credentials_provided(provide, store, destroy_store, 0, &credentials, &error));
  store_free(store);
  store = store_new("");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "empty",
        wool_credentials_provided(provide, store, destroy_store, 0, &credentials, &error));
  store_free(store);
  store = store_new("worker");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_credentials_provided(provide, store, destroy_store, 0, NULL, &error));
  CHECK(store->asked == 0);
  store_free(store);
  store = store_new("worker");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "provide is NULL",
        wool_credentials_provided(NULL, store, destroy_store, 0, &credentials, &error));
  store_free(store);
  CHECK(credentials == NULL);
}

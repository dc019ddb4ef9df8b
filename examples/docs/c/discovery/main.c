/* A discovery of the program's own: a board where workers are pinned, and pools read. */
#include <pthread.h>

#include "../common.h"

enum { MOST = 16 };

typedef struct {
  pthread_mutex_t lock;
  wool_bytes_t record; /* the room of this board: one worker */
  char uid[64];
  wool_subscription_t readers[MOST];
  size_t count;
} board_t;

/* A pool wants to be told of workers. Telling it is fine from here, and from any thread. */
static void subscribe(void *user_data, wool_subscription_t subscription) {
  board_t *board = user_data;
  pthread_mutex_lock(&board->lock);
  if (board->count < MOST) board->readers[board->count++] = subscription;
  if (board->record.len > 0) wool_subscription_found(subscription, encoded(&board->record).data, NULL);
  wool_subscription_scanned(subscription, NULL);
  pthread_mutex_unlock(&board->lock);
}

static void unsubscribe(void *user_data, wool_subscription_t subscription) {
  board_t *board = user_data;
  pthread_mutex_lock(&board->lock);
  for (size_t i = 0; i < board->count; i++) {
    if (board->readers[i] == subscription) board->readers[i] = board->readers[--board->count];
  }
  pthread_mutex_unlock(&board->lock);
}

/* A worker wants to be found: its record is kept as it is. An answer may also come later. */
static void publish(void *user_data, wool_publication_t publication, wool_slice_t uid, wool_slice_t record) {
  board_t *board = user_data;
  uint8_t *copy = malloc(record.len);
  if (copy == NULL || uid.len >= sizeof board->uid) {
    free(copy);
    wool_publication_answer(publication, WOOL_ERR_DISCOVERY, text("the board is full"), NULL);
    return;
  }
  memcpy(copy, record.ptr, record.len);
  pthread_mutex_lock(&board->lock);
  free((void *)board->record.ptr);
  board->record = (wool_bytes_t){copy, record.len, NULL};
  for (size_t i = 0; i < board->count; i++) wool_subscription_found(board->readers[i], record, NULL);
  pthread_mutex_unlock(&board->lock);
  wool_publication_answer(publication, WOOL_OK, text(""), NULL);
}

static void withdraw(void *user_data, wool_publication_t publication, wool_slice_t uid) {
  board_t *board = user_data;
  pthread_mutex_lock(&board->lock);
  free((void *)board->record.ptr);
  board->record = (wool_bytes_t){NULL, 0, NULL};
  for (size_t i = 0; i < board->count; i++) wool_subscription_gone(board->readers[i], uid, NULL);
  pthread_mutex_unlock(&board->lock);
  wool_publication_answer(publication, WOOL_OK, text(""), NULL);
}

static wool_discovery_t *discovery_of(board_t *board) {
  wool_discovery_t *discovery;
  wool_error_t *error = NULL;
  wool_custom_discovery_t options = WOOL_CUSTOM_DISCOVERY_INIT;
  options.subscribe = subscribe;
  options.unsubscribe = unsubscribe;
  options.publish = publish;
  options.withdraw = withdraw;
  options.user_data = board;
  check(wool_discovery_new_custom(&options, &discovery, &error), error);
  return discovery;
}

static void card(void *user_data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  (void)user_data, (void)info;
  return_int(task, int_argument(arguments));
}

int main(void) {
  board_t board = {.lock = PTHREAD_MUTEX_INITIALIZER};
  wool_runtime_t *runtime;
  wool_worker_t *worker;
  wool_pool_t *pool;
  wool_error_t *error = NULL;
  check(wool_runtime_new(NULL, &runtime, &error), error);
  const char *const parameters[] = {"sheep", NULL};
  add_routine(runtime, "wool.card", parameters, (wool_routine_options_t){.kind = WOOL_ROUTINE_UNARY, .run = card});
  wool_discovery_t *discovery = discovery_of(&board);

  wool_pool_options_t joins = WOOL_POOL_OPTIONS_INIT;
  joins.discovery = discovery;
  check(wool_pool_new(runtime, &joins, &pool, &error), error);
  wool_worker_options_t serves = WOOL_WORKER_OPTIONS_INIT;
  serves.publish = discovery;
  check(wool_worker_new(runtime, &serves, &worker, &error), error);

  wool_bytes_t arguments = encode_arguments(NULL, (int64_t[]){7}, 1), carded;
  check(wool_call(pool, text("wool.card"), encoded(&arguments), NULL, -1, &carded, NULL, &error), error);
  printf("carded %" PRId64 "\n", decode_int(encoded(&carded).data));
  wool_bytes_free(&arguments);
  wool_bytes_free(&carded);
  check(wool_worker_stop(worker, 0, -1, &error), error);
  leave(runtime, pool);
  wool_worker_free(worker);
  wool_discovery_free(discovery);
  return 0;
}

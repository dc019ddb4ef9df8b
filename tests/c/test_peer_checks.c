/* A pool's own check of the identities that workers claim, by a callback and by a queue. The worker of these tests has a
 * certificate for named.wool.example and for no address: it is reached only when that identity is believed. */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "certificates.h"
#include "status.h"
#include "world.h"

#define NAMED "named.wool.example"
#define NOT_BY_ADDRESS "it is for " NAMED ", and not for"

enum verdict { BELIEVE, DO_NOT, FAIL, KEEP };

typedef struct {
  wool_discovery_t *discovery; /* knows the worker, by its port alone */
  uint8_t *record;
  size_t record_len;
  wool_runtime_t *serves, *calls;
  wool_credentials_t *own, *callers;
  wool_worker_t *worker;
  wool_pool_t *pool;
  /* Of the check. */
  pthread_mutex_t lock;
  enum verdict verdict;
  wool_peer_check_t kept; /* the last that was not answered at once, or 0 */
  int asked, destroyed;
} yard_t;

static void subscribe(void *data, wool_subscription_t subscription) {
  const yard_t *yard = data;
  wool_slice_t record = {yard->record, yard->record_len};
  OK(wool_subscription_found(subscription, record, &error));
  OK(wool_subscription_scanned(subscription, &error));
}

static void publish(void *data, wool_publication_t publication, wool_slice_t uid, wool_slice_t record) {
  yard_t *yard = data;
  CHECK(uid.len == 36 && yard->record == NULL);
  yard->record = malloc(record.len);
  yard->record_len = record.len;
  memcpy(yard->record, record.ptr, record.len);
  OK(wool_publication_answer(publication, WOOL_OK, text(""), &error));
}

static yard_t *yard_new(enum verdict verdict) {
  yard_t *yard = calloc(1, sizeof *yard);
  pthread_mutex_init(&yard->lock, NULL);
  yard->verdict = verdict;
  wool_custom_discovery_t discovery = WOOL_CUSTOM_DISCOVERY_INIT;
  discovery.subscribe = subscribe;
  discovery.publish = publish;
  discovery.user_data = yard;
  OK(wool_discovery_new_custom(&discovery, &yard->discovery, &error));
  yard->serves = world_runtime();
  OK(wool_runtime_new(NULL, &yard->calls, &error));
  yard->own = credentials_of("named");
  yard->callers = credentials_of("caller");
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.credentials = yard->own;
  options.identity = text(NAMED);
  options.publish = yard->discovery;
  OK(wool_worker_new(yard->serves, &options, &yard->worker, &error));
  return yard;
}

static void yard_free(yard_t *yard) {
  OK(wool_runtime_close(yard->calls, -1, &error));
  OK(wool_runtime_close(yard->serves, -1, &error));
  wool_pool_free(yard->pool);
  wool_worker_free(yard->worker);
  wool_runtime_free(yard->calls);
  wool_runtime_free(yard->serves);
  wool_credentials_free(yard->own);
  wool_credentials_free(yard->callers);
  wool_discovery_free(yard->discovery);
  world_wait_count(&yard->destroyed, 1);
  pthread_mutex_destroy(&yard->lock);
  free(yard->record);
  free(yard);
}

static void destroy_check(void *data) { world_count(&((yard_t *)data)->destroyed); }

static enum verdict verdict_of(yard_t *yard) {
  pthread_mutex_lock(&yard->lock);
  enum verdict verdict = yard->verdict;
  pthread_mutex_unlock(&yard->lock);
  return verdict;
}

static void decide(yard_t *yard, enum verdict verdict) {
  pthread_mutex_lock(&yard->lock);
  yard->verdict = verdict;
  pthread_mutex_unlock(&yard->lock);
}

/* A question that was kept, once: waits for it. */
static wool_peer_check_t kept_question(yard_t *yard) {
  wool_peer_check_t kept = 0;
  while (kept == 0) {
    pthread_mutex_lock(&yard->lock);
    kept = yard->kept;
    yard->kept = 0;
    pthread_mutex_unlock(&yard->lock);
    sched_yield();
  }
  return kept;
}

static void check_peer(void *data, wool_peer_check_t question, const wool_peer_info_t *info) {
  yard_t *yard = data;
  CHECK(info->struct_size == sizeof *info && same(info->identity, NAMED));
  wool_slice_t uid = wool_worker_uid(yard->worker);
  CHECK(info->uid.len == uid.len && memcmp(info->uid.ptr, uid.ptr, uid.len) == 0);
  switch (verdict_of(yard)) {
    case BELIEVE: OK(wool_peer_check_answer(question, 1, &error)); break;
    case DO_NOT: OK(wool_peer_check_answer(question, 0, &error)); break;
    case FAIL: OK(wool_peer_check_fail(question, text("the dog sleeps"), &error)); break;
    default:
      pthread_mutex_lock(&yard->lock);
      yard->kept = question;
      pthread_mutex_unlock(&yard->lock);
  }
  world_count(&yard->asked);
}

static wool_pool_options_t joins(const yard_t *yard) {
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.discovery = yard->discovery;
  options.credentials = yard->callers;
  return options;
}

static wool_pool_options_t checks(yard_t *yard) {
  wool_pool_options_t options = joins(yard);
  options.peer_check = check_peer;
  options.peer_check_user_data = yard;
  options.peer_check_destroy = destroy_check;
  return options;
}

static void open_pool(yard_t *yard, wool_pool_options_t options) {
  OK(wool_pool_new(yard->calls, &options, &yard->pool, &error));
}

TEST(a_check_decides_who_is_believed) {
  yard_t *yard = yard_new(BELIEVE);
  open_pool(yard, checks(yard));
  CHECK(call_int(yard->pool, "test.pid") == getpid());
  CHECK(yard->asked >= 1 && yard->destroyed == 0);
  OK(wool_pool_close(yard->pool, -1, &error));
  CHECK(yard->destroyed == 1);
  yard_free(yard);
}

TEST(who_is_not_believed_is_verified_by_its_address) {
  yard_t *yard = yard_new(DO_NOT);
  open_pool(yard, checks(yard));
  UNTIL(has_trouble(yard->pool, NOT_BY_ADDRESS));
  /* It is asked again with each attempt. */
  decide(yard, BELIEVE);
  CHECK(call_int(yard->pool, "test.pid") == getpid());
  yard_free(yard);
}

TEST(a_check_that_fails_is_told_and_asked_again) {
  yard_t *yard = yard_new(FAIL);
  open_pool(yard, checks(yard));
  UNTIL(has_trouble(yard->pool, "whether \"" NAMED "\" is believed could not be decided: the dog sleeps"));
  decide(yard, BELIEVE);
  CHECK(call_int(yard->pool, "test.pid") == getpid());
  yard_free(yard);
}

TEST(an_answer_may_come_later_and_only_once) {
  yard_t *yard = yard_new(KEEP);
  open_pool(yard, checks(yard));
  wool_peer_check_t question = kept_question(yard);
  decide(yard, BELIEVE);
  wool_peer_info_t info = WOOL_PEER_INFO_INIT;
  OK(wool_peer_check_info(question, &info, &error));
  CHECK(same(info.identity, NAMED) && info.uid.len == 36);
  OK(wool_peer_check_answer(question, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_peer_check_answer(question, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_peer_check_fail(question, text("x"), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_peer_check_info(question, &info, &error));
  CHECK(call_int(yard->pool, "test.pid") == getpid());
  yard_free(yard);
}

TEST(misuse_of_a_peer_check_is_a_typed_error_and_the_question_stays) {
  yard_t *yard = yard_new(KEEP);
  open_pool(yard, checks(yard));
  wool_peer_check_t question = kept_question(yard);
  decide(yard, BELIEVE);
  wool_peer_info_t info = WOOL_PEER_INFO_INIT;
  const uint64_t none[] = {0, 1, UINT64_MAX};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_peer_check_answer(none[i], 1, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_peer_check_fail(none[i], text("x"), &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_peer_check_info(none[i], &info, &error));
  }
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "NULL", wool_peer_check_info(question, NULL, &error));
  info.struct_size = 2;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "struct_size", wool_peer_check_info(question, &info, &error));
  const wool_slice_t wrong[] = {text("\xff"), {NULL, 3}};
  for (size_t i = 0; i < 2; i++) {
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "message", wool_peer_check_fail(question, wrong[i], &error));
  }
  /* A question is no admission, and no choice. */
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_admission_accept(question, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_choice_answer(question, 0, &error));
  OK(wool_peer_check_answer(question, 1, &error));
  CHECK(call_int(yard->pool, "test.pid") == getpid());
  yard_free(yard);
}

TEST(a_question_outlives_its_pool_harmlessly) {
  yard_t *yard = yard_new(KEEP);
  open_pool(yard, checks(yard));
  wool_peer_check_t question = kept_question(yard);
  OK(wool_pool_close(yard->pool, -1, &error));
  CHECK(yard->destroyed == 1);
  OK(wool_peer_check_answer(question, 1, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_peer_check_answer(question, 1, &error));
  yard_free(yard);
}

TEST(a_check_is_destroyed_once_also_when_there_is_no_pool) {
  yard_t *yard = yard_new(BELIEVE);
  wool_queue_t *queue = NULL;
  OK(wool_queue_new(yard->calls, NULL, &queue, &error));
  wool_slice_t pattern = text("*");
  wool_pool_options_t options = checks(yard);
  options.peer_check_queue = queue;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "peer_check_queue", wool_pool_new(yard->calls, &options, &yard->pool, &error));
  CHECK(yard->destroyed == 1);
  options = checks(yard);
  options.peers = &pattern;
  options.peer_count = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "options.peers", wool_pool_new(yard->calls, &options, &yard->pool, &error));
  CHECK(yard->destroyed == 2);
  options = checks(yard);
  options.bind = text("\xff");
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "options.bind", wool_pool_new(yard->calls, &options, &yard->pool, &error));
  CHECK(yard->destroyed == 3 && yard->asked == 0);
  wool_queue_free(queue);
  yard_free(yard);
}

static wool_queue_t *ask_by_queue(yard_t *yard, uint32_t capacity) {
  wool_queue_options_t of_queue = WOOL_QUEUE_OPTIONS_INIT;
  wool_queue_t *queue = NULL;
  of_queue.capacity = capacity;
  OK(wool_queue_new(yard->calls, &of_queue, &queue, &error));
  wool_pool_options_t options = joins(yard);
  options.peer_check_queue = queue;
  options.peer_check_tag = 11;
  options.peer_check_user_data = yard;
  options.peer_check_destroy = destroy_check;
  open_pool(yard, options);
  return queue;
}

static wool_peer_check_t next_question(wool_queue_t *questions) {
  wool_event_t event = next_event_of(questions);
  CHECK(event.kind == WOOL_EVENT_PEER_CHECK && event.tag == 11 && event.status == WOOL_OK);
  CHECK(event.payload.len == 0 && event.error == NULL && event.codec == 0 && event.step == 0);
  return event.handle;
}

TEST(a_queue_asks_who_is_believed) {
  yard_t *yard = yard_new(BELIEVE);
  wool_queue_t *questions = ask_by_queue(yard, 8);
  wool_peer_check_t question = next_question(questions);
  wool_peer_info_t info = WOOL_PEER_INFO_INIT;
  OK(wool_peer_check_info(question, &info, &error));
  CHECK(same(info.identity, NAMED) && info.uid.len == 36);
  OK(wool_peer_check_fail(question, text("not now"), &error));
  UNTIL(has_trouble(yard->pool, "not now"));
  OK(wool_peer_check_answer(next_question(questions), 0, &error));
  UNTIL(has_trouble(yard->pool, NOT_BY_ADDRESS));
  OK(wool_peer_check_answer(next_question(questions), 1, &error));
  CHECK(call_int(yard->pool, "test.pid") == getpid() && yard->destroyed == 0);
  OK(wool_pool_close(yard->pool, -1, &error));
  CHECK(yard->destroyed == 1);
  wool_queue_free(questions);
  yard_free(yard);
}

TEST(closing_the_queue_of_a_check_fails_what_it_asks) {
  yard_t *yard = yard_new(BELIEVE);
  wool_queue_t *questions = ask_by_queue(yard, 8);
  wool_peer_check_t question = next_question(questions);
  OK(wool_queue_close(questions, &error));
  UNTIL(has_trouble(yard->pool, "the queue that it was asked through is closed"));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "stale", wool_peer_check_answer(question, 1, &error));
  wool_queue_free(questions);
  yard_free(yard);
}

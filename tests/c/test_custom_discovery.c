/* Discoveries of the program's own, by callbacks and through a queue. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "records.h"
#include "status.h"
#include "world.h"

/* A shepherd: a discovery by callbacks, as the test sees it. */
struct shepherd {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  wool_subscription_t subscription; /* the last one */
  wool_publication_t publication;   /* the last one that was not answered in the callback */
  int subscribed, unsubscribed, published, withdrawn;
  record_t record; /* the last that was published */
  char withdrew[40];
  const char *knows; /* the address of a worker that is found at once */
  int32_t answer;    /* to whoever publishes; WOOL_PENDING: the test answers, also who withdraws */
  atomic_int destroyed;
};

static struct shepherd *shepherd_new(void) {
  struct shepherd *shepherd = calloc(1, sizeof *shepherd);
  pthread_mutex_init(&shepherd->lock, NULL);
  pthread_cond_init(&shepherd->changed, NULL);
  return shepherd;
}

static void changed(struct shepherd *shepherd, int *counter) {
  pthread_mutex_lock(&shepherd->lock);
  (*counter)++;
  pthread_cond_broadcast(&shepherd->changed);
  pthread_mutex_unlock(&shepherd->lock);
}

static void wait_for(struct shepherd *shepherd, const int *counter, int count) {
  pthread_mutex_lock(&shepherd->lock);
  while (*counter < count) pthread_cond_wait(&shepherd->changed, &shepherd->lock);
  pthread_mutex_unlock(&shepherd->lock);
}

static void found(wool_subscription_t subscription, const char *address, const char *uid) {
  wool_bytes_t record = record_of(address, uid);
  OK(wool_subscription_found(subscription, payload(record).data, &error));
  wool_bytes_free(&record);
}

static void subscribe(void *data, wool_subscription_t subscription) {
  struct shepherd *shepherd = data;
  wool_queue_t *queue = NULL;
  shepherd->subscription = subscription;
  if (shepherd->knows != NULL) {
    found(subscription, shepherd->knows, NULL);
    OK(wool_subscription_scanned(subscription, &error));
  }
  /* It may call wool, but must not wait. */
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "queue is NULL", wool_queue_close(queue, &error));
  changed(shepherd, &shepherd->subscribed);
}

static void unsubscribe(void *data, wool_subscription_t subscription) {
  struct shepherd *shepherd = data;
  CHECK(subscription == shepherd->subscription && shepherd->destroyed == 0);
  OK(wool_subscription_scanned(subscription, &error));
  changed(shepherd, &shepherd->unsubscribed);
}

static void publish(void *data, wool_publication_t publication, wool_slice_t uid, wool_slice_t record) {
  struct shepherd *shepherd = data;
  shepherd->record = read_record(record);
  CHECK(same(uid, shepherd->record.uid));
  shepherd->publication = publication;
  if (shepherd->answer != WOOL_PENDING) {
    OK(wool_publication_answer(publication, shepherd->answer, text("the gate is shut"), &error));
  }
  changed(shepherd, &shepherd->published);
}

static void withdraw(void *data, wool_publication_t publication, wool_slice_t uid) {
  struct shepherd *shepherd = data;
  CHECK(uid.len < sizeof shepherd->withdrew);
  memcpy(shepherd->withdrew, uid.ptr, uid.len);
  shepherd->publication = publication;
  if (shepherd->answer != WOOL_PENDING) OK(wool_publication_answer(publication, WOOL_OK, text(""), &error));
  changed(shepherd, &shepherd->withdrawn);
}

static void destroy(void *data) { ((struct shepherd *)data)->destroyed++; }

static wool_custom_discovery_t callbacks(struct shepherd *shepherd) {
  wool_custom_discovery_t options = WOOL_CUSTOM_DISCOVERY_INIT;
  options.subscribe = subscribe;
  options.unsubscribe = unsubscribe;
  options.publish = publish;
  options.withdraw = withdraw;
  options.user_data = shepherd;
  options.destroy = destroy;
  return options;
}

static wool_discovery_t *discovery_of(wool_custom_discovery_t options) {
  wool_discovery_t *discovery = NULL;
  OK(wool_discovery_new_custom(&options, &discovery, &error));
  return discovery;
}

static void shepherd_free(struct shepherd *shepherd) {
  CHECK(shepherd->destroyed == 1 && shepherd->subscribed == shepherd->unsubscribed);
  pthread_mutex_destroy(&shepherd->lock);
  pthread_cond_destroy(&shepherd->changed);
  free(shepherd);
}

static wool_pool_t *join(wool_runtime_t *runtime, const wool_discovery_t *discovery) {
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  wool_pool_t *pool = NULL;
  options.discovery = discovery;
  OK(wool_pool_new(runtime, &options, &pool, &error));
  return pool;
}

static wool_worker_t *worker_of(wool_runtime_t *runtime, const wool_discovery_t *publish) {
  wool_slice_t tag = text("shears"), extra[] = {text("zone"), text("a")}, name = text("localhost");
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  wool_worker_t *worker = NULL;
  options.publish = publish;
  options.tags = &tag;
  options.tag_count = 1;
  options.extra = extra;
  options.extra_count = 2;
  options.advertise = &name;
  options.advertise_count = 1;
  OK(wool_worker_new(runtime, &options, &worker, &error));
  return worker;
}

static void text_of(wool_slice_t slice, char *out, size_t size) {
  CHECK(slice.len < size);
  memcpy(out, slice.ptr, slice.len);
  out[slice.len] = '\0';
}

static void end(wool_runtime_t *runtime) {
  OK(wool_runtime_close(runtime, -1, &error));
  wool_runtime_free(runtime);
}

TEST(workers_are_found_and_go) {
  struct shepherd *shepherd = shepherd_new();
  wool_runtime_t *runtime = world_runtime();
  wool_worker_t *worker = worker_of(runtime, NULL);
  char address[64], uid[40];
  text_of(wool_worker_address(worker), address, sizeof address);
  text_of(wool_worker_uid(worker), uid, sizeof uid);
  shepherd->knows = address;
  wool_discovery_t *discovery = discovery_of(callbacks(shepherd));
  wool_pool_t *pool = join(runtime, discovery);
  CHECK(shepherd->subscribed == 1 && call_int(pool, "test.pid") == getpid());
  const pool_status_t *status = status_of(pool);
  CHECK(status->workers == 1 && strcmp(status->worker[0].origin, "found") == 0 && status->problems == 0);
  OK(wool_subscription_gone(shepherd->subscription, text(address), &error));
  UNTIL(status_of(pool)->workers == 0);
  found(shepherd->subscription, address, uid);
  CHECK(call_int(pool, "test.pid") == getpid());
  OK(wool_subscription_gone(shepherd->subscription, text(uid), &error));
  UNTIL(status_of(pool)->workers == 0);

  OK(wool_subscription_failed(shepherd->subscription, text("the dog sleeps"), &error));
  UNTIL(status_of(pool)->problems == 1);
  CHECK(strcmp(status_of(pool)->problem_kind, "DISCOVERY") == 0 && strstr(status_of(pool)->problem, "the dog sleeps"));
  OK(wool_subscription_scanned(shepherd->subscription, &error));
  UNTIL(status_of(pool)->problems == 0);

  OK(wool_pool_close(pool, -1, &error));
  CHECK(shepherd->unsubscribed == 1);
  /* Whoever does not listen any more is told in vain. */
  found(shepherd->subscription, address, uid);
  OK(wool_subscription_gone(shepherd->subscription, text(uid), &error));
  OK(wool_subscription_failed(shepherd->subscription, text("late"), &error));
  OK(wool_subscription_scanned(shepherd->subscription, &error));
  CHECK(status_of(pool)->workers == 0 && shepherd->destroyed == 0);
  wool_pool_free(pool);
  wool_worker_free(worker);
  wool_discovery_free(discovery);
  end(runtime);
  shepherd_free(shepherd);
}

/* Answers what waits for it, once there is so much. */
struct answering {
  struct shepherd *shepherd;
  const int *counter;
  int32_t status;
};

static void *answer_later(void *data) {
  struct answering *answering = data;
  wait_for(answering->shepherd, answering->counter, 1);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "status is 1,",
        wool_publication_answer(answering->shepherd->publication, WOOL_END, text(""), &error));
  OK(wool_publication_answer(answering->shepherd->publication, answering->status, text("no room"), &error));
  /* The first answer counts. */
  OK(wool_publication_answer(answering->shepherd->publication, WOOL_ERR_IO, text("twice"), &error));
  return NULL;
}

TEST(a_worker_is_published_and_withdrawn_and_waits_for_both) {
  struct shepherd *shepherd = shepherd_new();
  shepherd->answer = WOOL_PENDING;
  wool_runtime_t *runtime = world_runtime();
  wool_discovery_t *discovery = discovery_of(callbacks(shepherd));
  pthread_t thread;
  struct answering publishing = {shepherd, &shepherd->published, WOOL_OK};
  CHECK(pthread_create(&thread, NULL, answer_later, &publishing) == 0);
  wool_worker_t *worker = worker_of(runtime, discovery);
  pthread_join(thread, NULL);
  CHECK(shepherd->published == 1 && same(wool_worker_uid(worker), shepherd->record.uid));
  CHECK(shepherd->record.addresses == 1 && strncmp(shepherd->record.address, "localhost:", 10) == 0);
  CHECK(shepherd->record.tags == 1 && strcmp(shepherd->record.tag, "shears") == 0);
  CHECK(shepherd->record.extras == 1 && strcmp(shepherd->record.extra_name, "zone") == 0);
  CHECK(strcmp(shepherd->record.extra, "a") == 0 && strcmp(shepherd->record.language, "c") == 0);

  struct answering withdrawing = {shepherd, &shepherd->withdrawn, WOOL_ERR_IO};
  CHECK(pthread_create(&thread, NULL, answer_later, &withdrawing) == 0);
  OK(wool_worker_stop(worker, 0, -1, &error));
  pthread_join(thread, NULL);
  CHECK(shepherd->withdrawn == 1 && strcmp(shepherd->withdrew, shepherd->record.uid) == 0);
  wool_worker_free(worker);
  wool_discovery_free(discovery);
  end(runtime);
  shepherd_free(shepherd);
}

TEST(a_worker_that_cannot_be_published_does_not_start) {
  struct shepherd *shepherd = shepherd_new();
  shepherd->answer = WOOL_ERR_PERMISSION_DENIED;
  wool_runtime_t *runtime = world_runtime();
  wool_discovery_t *discovery = discovery_of(callbacks(shepherd));
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  wool_worker_t *worker = NULL;
  options.publish = discovery;
  FAILS(WOOL_ERR_PERMISSION_DENIED, "the gate is shut", wool_worker_new(runtime, &options, &worker, &error));
  wool_discovery_free(discovery);
  end(runtime);
  CHECK(shepherd->published == 1 && shepherd->withdrawn == 1);
  shepherd_free(shepherd);
}

TEST(one_that_only_finds_publishes_nobody) {
  struct shepherd *shepherd = shepherd_new();
  wool_custom_discovery_t custom = callbacks(shepherd);
  custom.publish = NULL;
  custom.unsubscribe = NULL;
  custom.withdraw = NULL;
  wool_runtime_t *runtime = world_runtime();
  wool_discovery_t *discovery = discovery_of(custom);
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  wool_worker_t *worker = NULL;
  options.publish = discovery;
  FAILS(WOOL_ERR_UNSUPPORTED, "only finds workers", wool_worker_new(runtime, &options, &worker, &error));
  wool_pool_t *pool = join(runtime, discovery);
  wool_discovery_free(discovery);
  OK(wool_pool_close(pool, -1, &error));
  wool_pool_free(pool);
  end(runtime);
  CHECK(shepherd->subscribed == 1 && shepherd->unsubscribed == 0);
  shepherd->unsubscribed = 1;
  shepherd_free(shepherd);
}

TEST(what_was_given_is_freed_once_whatever_ends_first) {
  for (int order = 0; order < 4; order++) {
    struct shepherd *shepherd = shepherd_new();
    wool_runtime_t *runtime = world_runtime();
    wool_discovery_t *discovery = discovery_of(callbacks(shepherd));
    wool_worker_t *worker = worker_of(runtime, discovery);
    wool_pool_t *pool = join(runtime, discovery);
    if (order & 1) wool_discovery_free(discovery);
    if (order & 2) OK(wool_runtime_close(runtime, -1, &error));
    CHECK(shepherd->destroyed == 0);
    wool_pool_free(pool);
    wool_worker_free(worker);
    if (!(order & 1)) wool_discovery_free(discovery);
    end(runtime);
    CHECK(shepherd->published == 1 && shepherd->withdrawn == 1);
    shepherd_free(shepherd);
  }
  struct shepherd *shepherd = shepherd_new();
  wool_discovery_free(discovery_of(callbacks(shepherd)));
  shepherd_free(shepherd);
}

/* A queue that is asked, and a discovery through it. */
static wool_discovery_t *through(wool_queue_t *queue, int publishes) {
  wool_custom_discovery_t options = WOOL_CUSTOM_DISCOVERY_INIT;
  options.queue = queue;
  options.tag = 77;
  options.publishes = publishes;
  return discovery_of(options);
}

static wool_event_t asked(wool_queue_t *queue, int32_t kind) {
  wool_event_t event = next_event_of(queue);
  CHECK(event.kind == kind && event.tag == 77 && event.handle != 0 && event.status == WOOL_OK && event.error == NULL);
  return event;
}

/* Starts a worker on a thread of its own, since it waits to be published. */
struct starting {
  wool_runtime_t *runtime;
  const wool_discovery_t *discovery;
  wool_worker_t *worker;
  int32_t fails; /* with this status, if it is not WOOL_OK */
};

static void *start_worker(void *data) {
  struct starting *starting = data;
  wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
  options.publish = starting->discovery;
  if (starting->fails == WOOL_OK) {
    OK(wool_worker_new(starting->runtime, &options, &starting->worker, &error));
  } else {
    FAILS(starting->fails, "", wool_worker_new(starting->runtime, &options, &starting->worker, &error));
  }
  return NULL;
}

static void *stop_worker(void *data) {
  OK(wool_worker_stop(data, 0, -1, &error));
  return NULL;
}

TEST(a_queue_is_asked) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *queue = queue_of(runtime, 0);
  wool_discovery_t *discovery = through(queue, 1);
  pthread_t thread;
  struct starting starting = {runtime, discovery, NULL, WOOL_OK};
  CHECK(pthread_create(&thread, NULL, start_worker, &starting) == 0);
  wool_event_t event = asked(queue, WOOL_EVENT_PUBLISH);
  CHECK(event.codec == WOOL_CODEC_MSGPACK);
  record_t record = read_record(payload(event.payload).data);
  CHECK(record.addresses == 1 && starting.worker == NULL);
  OK(wool_publication_answer(event.handle, WOOL_OK, text(""), &error));
  free_event(&event);
  pthread_join(thread, NULL);
  CHECK(same(wool_worker_uid(starting.worker), record.uid) && same(wool_worker_address(starting.worker), record.address));

  wool_pool_t *pool = join(runtime, discovery);
  event = asked(queue, WOOL_EVENT_SUBSCRIBE);
  wool_subscription_t subscription = event.handle;
  CHECK(event.payload.len == 0 && event.codec == 0);
  found(subscription, record.address, record.uid);
  CHECK(call_int(pool, "test.pid") == getpid());
  OK(wool_pool_close(pool, -1, &error));
  event = asked(queue, WOOL_EVENT_UNSUBSCRIBE);
  CHECK(event.handle == subscription);

  CHECK(pthread_create(&thread, NULL, stop_worker, starting.worker) == 0);
  event = asked(queue, WOOL_EVENT_WITHDRAW);
  wool_value_reader_t *reader = NULL;
  wool_slice_t uid;
  OK(wool_value_reader_new(payload(event.payload).data, &reader, &error));
  OK(wool_value_reader_string(reader, &uid, &error));
  CHECK(same(uid, record.uid));
  wool_value_reader_free(reader);
  OK(wool_publication_answer(event.handle, WOOL_OK, text(""), &error));
  free_event(&event);
  pthread_join(thread, NULL);
  wool_pool_free(pool);
  wool_worker_free(starting.worker);
  wool_discovery_free(discovery);
  wool_queue_free(queue);
  end(runtime);
}

TEST(a_queue_that_only_finds_is_not_asked_to_publish) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *queue = queue_of(runtime, 0);
  wool_discovery_t *discovery = through(queue, 0);
  struct starting starting = {runtime, discovery, NULL, WOOL_ERR_UNSUPPORTED};
  start_worker(&starting);
  wool_event_t event;
  size_t count;
  ANSWERS(WOOL_PENDING, wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  wool_discovery_free(discovery);
  wool_queue_free(queue);
  end(runtime);
}

TEST(closing_the_queue_ends_what_was_asked) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *queue = queue_of(runtime, 0);
  wool_discovery_t *discovery = through(queue, 1);
  wool_pool_t *pool = join(runtime, discovery);
  wool_event_t event = asked(queue, WOOL_EVENT_SUBSCRIBE);
  wool_subscription_t subscription = event.handle;
  pthread_t thread;
  struct starting starting = {runtime, discovery, NULL, WOOL_ERR_CLOSED};
  CHECK(pthread_create(&thread, NULL, start_worker, &starting) == 0);
  event = asked(queue, WOOL_EVENT_PUBLISH);
  free_event(&event);
  OK(wool_queue_close(queue, &error));
  pthread_join(thread, NULL);
  /* The end of the subscription is told, once, although the pool is there yet. */
  wool_event_t last = asked(queue, WOOL_EVENT_UNSUBSCRIBE);
  CHECK(last.handle == subscription);
  size_t count;
  FAILS(WOOL_ERR_CLOSED, "closed", wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  UNTIL(status_of(pool)->problems == 1);
  CHECK(strcmp(status_of(pool)->problem_kind, "CLOSED") == 0);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  wool_pool_t *late = NULL;
  options.discovery = discovery;
  FAILS(WOOL_ERR_CLOSED, "queue is closed", wool_pool_new(runtime, &options, &late, &error));
  OK(wool_pool_close(pool, -1, &error));
  FAILS(WOOL_ERR_CLOSED, "closed", wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, -1, &count, &error));
  wool_pool_free(pool);
  wool_discovery_free(discovery);
  wool_queue_free(queue);
  end(runtime);
}

TEST(the_end_of_a_subscription_has_its_slot) {
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *queue = queue_of(runtime, 2);
  wool_discovery_t *discovery = through(queue, 1);
  wool_pool_t *pool = join(runtime, discovery), *other = NULL;
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  options.discovery = discovery;
  FAILS(WOOL_ERR_BUSY, "2 slots", wool_pool_new(runtime, &options, &other, &error));
  struct starting starting = {runtime, discovery, NULL, WOOL_ERR_BUSY};
  start_worker(&starting);
  wool_event_t event = asked(queue, WOOL_EVENT_SUBSCRIBE);
  wool_subscription_t subscription = event.handle;
  /* One slot is free; a subscription needs two. */
  FAILS(WOOL_ERR_BUSY, "2 slots", wool_pool_new(runtime, &options, &other, &error));
  OK(wool_pool_close(pool, -1, &error));
  event = asked(queue, WOOL_EVENT_UNSUBSCRIBE);
  CHECK(event.handle == subscription);
  size_t count;
  ANSWERS(WOOL_PENDING, wool_queue_drain(queue, &event, sizeof event, 1, NULL, 0, 0, &count, &error));
  wool_pool_free(pool);
  wool_discovery_free(discovery);
  wool_queue_free(queue);
  end(runtime);
}

TEST(what_is_no_discovery_is_refused) {
  struct shepherd *shepherd = shepherd_new();
  wool_runtime_t *runtime = world_runtime();
  wool_queue_t *queue = queue_of(runtime, 0);
  wool_discovery_t *discovery = NULL;
  wool_custom_discovery_t options = callbacks(shepherd);
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_discovery_new_custom(&options, NULL, &error));
  CHECK(shepherd->destroyed == 1);
  options.queue = queue;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "both given", wool_discovery_new_custom(&options, &discovery, &error));
  options.subscribe = NULL;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "both given", wool_discovery_new_custom(&options, &discovery, &error));
  options.queue = NULL;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "both NULL", wool_discovery_new_custom(&options, &discovery, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "both NULL", wool_discovery_new_custom(NULL, &discovery, &error));
  CHECK(shepherd->destroyed == 4);
  options = callbacks(shepherd);
  options.struct_size = 3;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "struct_size is 3", wool_discovery_new_custom(&options, &discovery, &error));
  CHECK(shepherd->destroyed == 4 && discovery == NULL);
  shepherd->destroyed = 1;
  wool_queue_free(queue);
  end(runtime);
  shepherd_free(shepherd);
}

TEST(what_is_no_record_is_refused) {
  struct shepherd *shepherd = shepherd_new();
  wool_runtime_t *runtime = world_runtime();
  wool_discovery_t *discovery = discovery_of(callbacks(shepherd));
  wool_pool_t *pool = join(runtime, discovery);
  wool_slice_t broken = {NULL, 1};
  /* Bad records are refused also when nobody listens. */
  for (int i = 0; i < 2; i++) {
    wool_subscription_t subscription = i == 0 ? shepherd->subscription : 0;
    wool_bytes_t record = record_of(NULL, NULL), number = one_int(7);
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "no address",
          wool_subscription_found(subscription, payload(record).data, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "no map", wool_subscription_found(subscription, payload(number).data, &error));
    wool_bytes_free(&record);
    record = record_of("127.0.0.1:1", "Dolly");
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "Dolly", wool_subscription_found(subscription, payload(record).data, &error));
    FAILS(WOOL_ERR_CODEC, "", wool_subscription_found(subscription, text(""), &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "record is NULL", wool_subscription_found(subscription, broken, &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "key is not UTF-8", wool_subscription_gone(subscription, text("\xff"), &error));
    FAILS(WOOL_ERR_INVALID_ARGUMENT, "message is NULL", wool_subscription_failed(subscription, broken, &error));
    wool_bytes_free(&record);
    wool_bytes_free(&number);
  }
  CHECK(status_of(pool)->workers == 0);
  /* A handle of something else is a mistake. */
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "a subscription's",
        wool_publication_answer(shepherd->subscription, WOOL_OK, text(""), &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "message is NULL", wool_publication_answer(0, WOOL_OK, broken, &error));
  OK(wool_publication_answer(0, WOOL_OK, text(""), &error));
  wool_pool_free(pool);
  wool_discovery_free(discovery);
  end(runtime);
  shepherd_free(shepherd);
}

static void run_list(void *data, wool_task_t task, const wool_task_info_t *info, wool_payload_t arguments) {
  struct starting *starting = data;
  wool_bytes_t listing, one = one_int(1);
  (void)info;
  (void)arguments;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "one of wool's threads",
        wool_discovery_list(starting->discovery, starting->runtime, 0, &listing, &error));
  OK(wool_task_return(task, payload(one), &error));
  wool_bytes_free(&one);
}

/* Reads as far as the first worker; how many there are. */
static size_t first_listed(wool_bytes_t listing, wool_value_reader_t **reader) {
  size_t pairs = 0, workers = 0;
  wool_slice_t key;
  OK(wool_value_reader_new(payload(listing).data, reader, &error));
  OK(wool_value_reader_map(*reader, &pairs, &error));
  OK(wool_value_reader_string(*reader, &key, &error));
  CHECK(pairs == 3 && same(key, "workers"));
  OK(wool_value_reader_list(*reader, &workers, &error));
  return workers;
}

TEST(who_is_there_can_be_listed) {
  struct shepherd *shepherd = shepherd_new();
  wool_runtime_t *runtime = world_runtime();
  wool_discovery_t *discovery = discovery_of(callbacks(shepherd));
  wool_bytes_t listing;
  wool_value_reader_t *reader = NULL;
  shepherd->knows = "127.0.0.1:1";
  OK(wool_discovery_list(discovery, runtime, 0, &listing, &error));
  CHECK(first_listed(listing, &reader) == 1);
  wool_value_reader_free(reader);
  CHECK(shepherd->subscribed == 1 && shepherd->unsubscribed == 1);
  wool_bytes_free(&listing);
  /* One that never says that it has told all. */
  shepherd->knows = NULL;
  OK(wool_discovery_list(discovery, runtime, 1, &listing, &error));
  CHECK(first_listed(listing, &reader) == 0);
  wool_value_reader_free(reader);
  CHECK(memmem(listing.ptr, listing.len, "TIMEOUT", 7) != NULL);
  wool_bytes_free(&listing);

  FAILS(WOOL_ERR_INVALID_ARGUMENT, "discovery is NULL", wool_discovery_list(NULL, runtime, 0, &listing, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "runtime is NULL", wool_discovery_list(discovery, NULL, 0, &listing, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_discovery_list(discovery, runtime, 0, NULL, &error));
  struct starting starting = {runtime, discovery, NULL, WOOL_OK};
  wool_routine_options_t routine = WOOL_ROUTINE_OPTIONS_INIT;
  routine.name = text("test.list");
  routine.kind = WOOL_ROUTINE_UNARY;
  routine.run = run_list;
  routine.user_data = &starting;
  OK(wool_routine_register(runtime, &routine, &error));
  wool_worker_t *worker = worker_of(runtime, discovery);
  wool_pool_options_t options = WOOL_POOL_OPTIONS_INIT;
  wool_slice_t address = wool_worker_address(worker);
  wool_pool_t *pool = NULL;
  options.addresses = &address;
  options.address_count = 1;
  OK(wool_pool_new(runtime, &options, &pool, &error));
  CHECK(call_int(pool, "test.list") == 1);
  OK(wool_runtime_close(runtime, -1, &error));
  FAILS(WOOL_ERR_CLOSED, "closed", wool_discovery_list(discovery, runtime, 0, &listing, &error));
  wool_pool_free(pool);
  wool_worker_free(worker);
  wool_discovery_free(discovery);
  wool_runtime_free(runtime);
  shepherd_free(shepherd);
}

TEST(a_forked_child_destroys_nothing) {
  struct shepherd *shepherd = shepherd_new();
  wool_runtime_t *runtime = world_runtime();
  wool_discovery_t *discovery = discovery_of(callbacks(shepherd));
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    wool_discovery_free(discovery);
    FAILS(WOOL_ERR_FORKED, "exec", wool_subscription_scanned(0, &error));
    _exit(shepherd->destroyed);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  wool_discovery_free(discovery);
  end(runtime);
  shepherd_free(shepherd);
}

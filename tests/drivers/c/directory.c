/* The driver's own discovery: a directory with a file for each worker, under its uid, with its record in hex. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pools.h"

enum { LOOK_MS = 20, LONGEST_PATH = 4096 };

/* A file as it was when it was read. */
typedef struct {
  char *name, *hex;
  int there; /* at the last look */
} known_t;

/* Looks for one subscription, on a thread of its own. */
typedef struct watch {
  struct watch *next;
  char *directory;
  wool_subscription_t subscription;
  int ended;
  known_t *known;
  size_t count;
} watch_t;

/* Those that are there; also guards `ended`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ends = PTHREAD_COND_INITIALIZER;
static watch_t *watches;

static char *read_file(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return NULL;
  char *content = NULL;
  size_t size = 0;
  ssize_t length = getdelim(&content, &size, '\0', file);
  fclose(file);
  if (length >= 0) return content;
  free(content);
  return NULL;
}

static int digit(char character) {
  const char *digits = "0123456789abcdef", *found = character == '\0' ? NULL : strchr(digits, character);
  return found == NULL ? -1 : (int)(found - digits);
}

/* What is no record is left alone. */
static void tell_found(wool_subscription_t subscription, const char *hex) {
  size_t length = strlen(hex) / 2;
  uint8_t *bytes = allocate(length);
  int fine = 1;
  for (size_t i = 0; fine && i < length; i++) {
    int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    fine = high >= 0 && low >= 0;
    if (fine) bytes[i] = (uint8_t)(high << 4 | low);
  }
  wool_slice_t record = {bytes, length};
  if (fine) wool_subscription_found(subscription, record, NULL);
  free(bytes);
}

static known_t *find_known(watch_t *watch, const char *name) {
  for (size_t i = 0; i < watch->count; i++) {
    if (strcmp(watch->known[i].name, name) == 0) return &watch->known[i];
  }
  known_t *more = realloc(watch->known, (watch->count + 1) * sizeof *more);
  if (more == NULL) die("out of memory", NULL);
  watch->known = more;
  known_t *added = &watch->known[watch->count++];
  *added = (known_t){copy_text(name, strlen(name)), NULL, 0};
  return added;
}

static void look_at(watch_t *watch, const char *name) {
  char path[LONGEST_PATH];
  if (snprintf(path, sizeof path, "%s/%s", watch->directory, name) >= (int)sizeof path) return;
  char *hex = read_file(path);
  if (hex == NULL) return;
  known_t *known = find_known(watch, name);
  known->there = 1;
  if (known->hex != NULL && strcmp(known->hex, hex) == 0) {
    free(hex);
    return;
  }
  free(known->hex);
  known->hex = hex;
  tell_found(watch->subscription, hex);
}

static void look(watch_t *watch) {
  for (size_t i = 0; i < watch->count; i++) watch->known[i].there = 0;
  DIR *directory = opendir(watch->directory);
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    /* Half-written ones begin with a dot. */
    if (entry->d_name[0] != '.') look_at(watch, entry->d_name);
  }
  if (directory != NULL) closedir(directory);
  for (size_t i = 0; i < watch->count;) {
    known_t known = watch->known[i];
    if (known.there) {
      i++;
      continue;
    }
    wool_subscription_gone(watch->subscription, text(known.name), NULL);
    free(known.name);
    free(known.hex);
    watch->known[i] = watch->known[--watch->count];
  }
}

/* Waits for the next look; 0: the subscription has ended. */
static int goes_on(watch_t *watch) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += LOOK_MS * 1000000L;
  if (until.tv_nsec >= 1000000000L) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000L;
  }
  pthread_mutex_lock(&lock);
  while (!watch->ended && pthread_cond_timedwait(&ends, &lock, &until) != ETIMEDOUT) continue;
  int ended = watch->ended;
  pthread_mutex_unlock(&lock);
  return !ended;
}

static void free_watch(watch_t *watch) {
  for (size_t i = 0; i < watch->count; i++) {
    free(watch->known[i].name);
    free(watch->known[i].hex);
  }
  free(watch->known);
  free(watch->directory);
  free(watch);
}

static void *keep_looking(void *data) {
  watch_t *watch = data;
  look(watch);
  wool_subscription_scanned(watch->subscription, NULL);
  while (goes_on(watch)) look(watch);
  free_watch(watch);
  return NULL;
}

static void subscribe(void *user_data, wool_subscription_t subscription) {
  const char *directory = user_data;
  watch_t *watch = allocate(sizeof *watch);
  *watch = (watch_t){.directory = copy_text(directory, strlen(directory)), .subscription = subscription};
  pthread_mutex_lock(&lock);
  watch->next = watches;
  watches = watch;
  pthread_mutex_unlock(&lock);
  pthread_t thread;
  if (pthread_create(&thread, NULL, keep_looking, watch) != 0) die("no thread", NULL);
  pthread_detach(thread);
}

static void unsubscribe(void *user_data, wool_subscription_t subscription) {
  (void)user_data;
  pthread_mutex_lock(&lock);
  watch_t **place = &watches;
  while ((*place)->subscription != subscription) place = &(*place)->next;
  watch_t *watch = *place;
  *place = watch->next;
  watch->ended = 1;
  pthread_cond_broadcast(&ends);
  pthread_mutex_unlock(&lock);
}

static int write_file(const char *path, wool_slice_t record) {
  FILE *file = fopen(path, "w");
  if (file == NULL) return 0;
  for (size_t i = 0; i < record.len; i++) fprintf(file, "%02x", record.ptr[i]);
  int failed = ferror(file);
  return fclose(file) == 0 && !failed;
}

static void publish(void *user_data, wool_publication_t publication, wool_slice_t uid, wool_slice_t record) {
  const char *directory = user_data;
  char path[LONGEST_PATH], before[LONGEST_PATH];
  snprintf(path, sizeof path, "%s/%.*s", directory, (int)uid.len, (const char *)uid.ptr);
  snprintf(before, sizeof before, "%s/.%.*s", directory, (int)uid.len, (const char *)uid.ptr);
  int made = mkdir(directory, 0700) == 0 || errno == EEXIST;
  int written = made && write_file(before, record) && rename(before, path) == 0;
  wool_publication_answer(publication, written ? WOOL_OK : WOOL_ERR_IO, text(written ? "" : directory), NULL);
}

static void withdraw(void *user_data, wool_publication_t publication, wool_slice_t uid) {
  char path[LONGEST_PATH];
  snprintf(path, sizeof path, "%s/%.*s", (const char *)user_data, (int)uid.len, (const char *)uid.ptr);
  unlink(path);
  wool_publication_answer(publication, WOOL_OK, text(""), NULL);
}

wool_status_t discovery_in_directory(const char *directory, wool_discovery_t **discovery, wool_error_t **error) {
  wool_custom_discovery_t options = WOOL_CUSTOM_DISCOVERY_INIT;
  options.subscribe = subscribe;
  options.unsubscribe = unsubscribe;
  options.publish = publish;
  options.withdraw = withdraw;
  options.user_data = copy_text(directory, strlen(directory));
  options.destroy = free;
  return wool_discovery_new_custom(&options, discovery, error);
}

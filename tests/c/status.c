#include "status.h"

typedef wool_value_reader_t reader_t;

static void read_text(reader_t *reader, char *out, size_t size) {
  wool_slice_t found;
  OK(wool_value_reader_string(reader, &found, &error));
  size_t length = found.len < size ? found.len : size - 1;
  if (length > 0) memcpy(out, found.ptr, length);
  out[length] = '\0';
}

static int64_t read_int(reader_t *reader) {
  int64_t number = 0;
  OK(wool_value_reader_int(reader, &number, &error));
  return number;
}

static void skip(reader_t *reader) { OK(wool_value_reader_skip(reader, &error)); }

/* Calls `read` for each pair of a map, with the key; it reads the value. */
static void read_map(reader_t *reader, void (*read)(reader_t *, const char *key, void *), void *out) {
  size_t pairs = 0;
  OK(wool_value_reader_map(reader, &pairs, &error));
  for (size_t i = 0; i < pairs; i++) {
    char key[64];
    read_text(reader, key, sizeof key);
    read(reader, key, out);
  }
}

static size_t read_list(reader_t *reader) {
  size_t count = 0;
  OK(wool_value_reader_list(reader, &count, &error));
  CHECK(count <= MOST_LISTED);
  return count;
}

typedef struct {
  char name[64], kind[16];
} routine_t;

static void read_routine(reader_t *reader, const char *key, void *out) {
  routine_t *routine = out;
  if (strcmp(key, "name") == 0) {
    read_text(reader, routine->name, sizeof routine->name);
  } else if (strcmp(key, "kind") == 0) {
    read_text(reader, routine->kind, sizeof routine->kind);
  } else {
    skip(reader);
  }
}

static void read_routines(reader_t *reader, worker_status_t *worker) {
  worker->routines = (int)read_list(reader);
  for (int i = 0; i < worker->routines; i++) {
    routine_t routine = {{0}, {0}};
    read_map(reader, read_routine, &routine);
    worker->has_add |= strcmp(routine.name, "test.add") == 0 && strcmp(routine.kind, "unary") == 0;
    worker->has_count |= strcmp(routine.name, "test.count") == 0 && strcmp(routine.kind, "stream") == 0;
  }
}

static void read_worker(reader_t *reader, const char *key, void *out) {
  worker_status_t *worker = out;
  if (strcmp(key, "uid") == 0) {
    read_text(reader, worker->uid, sizeof worker->uid);
  } else if (strcmp(key, "address") == 0) {
    read_text(reader, worker->address, sizeof worker->address);
  } else if (strcmp(key, "origin") == 0) {
    read_text(reader, worker->origin, sizeof worker->origin);
  } else if (strcmp(key, "state") == 0) {
    read_text(reader, worker->state, sizeof worker->state);
  } else if (strcmp(key, "problem") == 0) {
    read_text(reader, worker->problem, sizeof worker->problem);
  } else if (strcmp(key, "language") == 0) {
    read_text(reader, worker->language, sizeof worker->language);
  } else if (strcmp(key, "pid") == 0) {
    worker->pid = read_int(reader);
  } else if (strcmp(key, "capacity") == 0) {
    worker->capacity = read_int(reader);
  } else if (strcmp(key, "in_flight") == 0) {
    worker->in_flight = read_int(reader);
  } else if (strcmp(key, "routines") == 0) {
    read_routines(reader, worker);
  } else if (strcmp(key, "tags") == 0) {
    size_t tags = read_list(reader);
    for (size_t i = 0; i < tags; i++) {
      char tag[sizeof worker->tag];
      read_text(reader, i == 0 ? worker->tag : tag, sizeof tag);
    }
  } else {
    skip(reader);
  }
}

static void read_process(reader_t *reader, const char *key, void *out) {
  process_status_t *process = out;
  if (strcmp(key, "slot") == 0) {
    process->slot = read_int(reader);
  } else if (strcmp(key, "pid") == 0) {
    process->pid = read_int(reader);
  } else if (strcmp(key, "restarts") == 0) {
    process->restarts = read_int(reader);
  } else if (strcmp(key, "uid") == 0) {
    read_text(reader, process->uid, sizeof process->uid);
  } else if (strcmp(key, "state") == 0) {
    read_text(reader, process->state, sizeof process->state);
  } else {
    skip(reader);
  }
}

static void read_turned_away(reader_t *reader, const char *key, void *out) {
  pool_status_t *status = out;
  if (strcmp(key, "reason") == 0) {
    read_text(reader, status->reason, sizeof status->reason);
  } else if (strcmp(key, "message") == 0) {
    read_text(reader, status->message, sizeof status->message);
  } else {
    skip(reader);
  }
}

static void read_problem(reader_t *reader, const char *key, void *out) {
  pool_status_t *status = out;
  if (strcmp(key, "kind") == 0) {
    read_text(reader, status->problem_kind, sizeof status->problem_kind);
  } else if (strcmp(key, "message") == 0) {
    read_text(reader, status->problem, sizeof status->problem);
  } else {
    skip(reader);
  }
}

static void read_count(reader_t *reader, const char *reason, void *out) {
  CHECK(reason[0] != '\0');
  ((pool_status_t *)out)->counted += read_int(reader);
}

static void read_part(reader_t *reader, const char *key, void *out) {
  pool_status_t *status = out;
  if (strcmp(key, "workers") == 0) {
    status->workers = (int)read_list(reader);
    for (int i = 0; i < status->workers; i++) read_map(reader, read_worker, &status->worker[i]);
  } else if (strcmp(key, "processes") == 0) {
    status->processes = (int)read_list(reader);
    for (int i = 0; i < status->processes; i++) read_map(reader, read_process, &status->process[i]);
  } else if (strcmp(key, "turned_away") == 0) {
    status->turned_away = (int)read_list(reader);
    for (int i = 0; i < status->turned_away; i++) read_map(reader, read_turned_away, status);
  } else if (strcmp(key, "problems") == 0) {
    status->problems = (int)read_list(reader);
    for (int i = 0; i < status->problems; i++) read_map(reader, read_problem, status);
  } else if (strcmp(key, "turned_away_counts") == 0) {
    read_map(reader, read_count, status);
  } else if (strcmp(key, "waiting") == 0) {
    status->waiting = read_int(reader);
  } else if (strcmp(key, "quorum_reached") == 0) {
    int32_t reached = 0;
    OK(wool_value_reader_bool(reader, &reached, &error));
    status->quorum_reached = reached;
  } else {
    skip(reader);
  }
}

const pool_status_t *status_of(const wool_pool_t *pool) {
  static pool_status_t status;
  memset(&status, 0, sizeof status);
  wool_bytes_t bytes = {0};
  reader_t *reader = NULL;
  OK(wool_pool_status(pool, &bytes, &error));
  wool_slice_t data = {bytes.ptr, bytes.len};
  OK(wool_value_reader_new(data, &reader, &error));
  read_map(reader, read_part, &status);
  wool_value_t more;
  ANSWERS(WOOL_END, wool_value_reader_next(reader, &more, &error));
  wool_value_reader_free(reader);
  wool_bytes_free(&bytes);
  return &status;
}

int has_trouble(const wool_pool_t *pool, const char *words) {
  const pool_status_t *status = status_of(pool);
  for (int i = 0; i < status->workers; i++) {
    if (strcmp(status->worker[i].state, "up") != 0 && strstr(status->worker[i].problem, words) != NULL) return 1;
  }
  return 0;
}

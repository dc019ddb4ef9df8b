/* What the routines count of themselves. */
#include <stdatomic.h>

#include "driver.h"
#include "routines.h"

static atomic_llong started, finished, cancelled, cleaned, yielded;

/* `finished` is read first, so that the difference is never negative. */
static void read_counters(long long *running, long long *begun, long long *ended) {
  *ended = atomic_load(&finished);
  *begun = atomic_load(&started);
  *running = *begun - *ended;
}

void say_counters(void) {
  long long running, begun, ended;
  read_counters(&running, &begun, &ended);
  say("count running=%lld started=%lld finished=%lld cancelled=%lld cleaned=%lld yielded=%lld", running, begun, ended,
      atomic_load(&cancelled), atomic_load(&cleaned), atomic_load(&yielded));
}

void count_started(void) { atomic_fetch_add(&started, 1); }
void count_finished(void) { atomic_fetch_add(&finished, 1); }
void count_cancelled(void) { atomic_fetch_add(&cancelled, 1); }
void count_cleaned(void) { atomic_fetch_add(&cleaned, 1); }
void count_yielded(void) { atomic_fetch_add(&yielded, 1); }

void build_counters(wool_value_builder_t *builder) {
  long long running, begun, ended;
  read_counters(&running, &begun, &ended);
  const struct {
    const char *name;
    long long count;
  } counters[] = {{"running", running},
                  {"started", begun},
                  {"finished", ended},
                  {"cancelled", atomic_load(&cancelled)},
                  {"cleaned", atomic_load(&cleaned)},
                  {"yielded", atomic_load(&yielded)}};
  wool_value_builder_map(builder, sizeof counters / sizeof *counters, NULL);
  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
    wool_value_builder_string(builder, text(counters[i].name), NULL);
    wool_value_builder_int(builder, counters[i].count, NULL);
  }
}

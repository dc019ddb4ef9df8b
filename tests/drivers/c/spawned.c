/* `driver spawned`: becomes a worker where a pool started it. */
#include <stdio.h>
#include <stdlib.h>

#include "driver.h"
#include "routines.h"

enum { CRASHED = 3 };

int run_spawned(const options_t *options) {
  const char *crash = option(options, "crash");
  if (crash != NULL) {
    char *last_words = plain_text(crash);
    fprintf(stderr, "%s\n", last_words);
    free(last_words);
    return CRASHED;
  }
  wool_runtime_t *runtime;
  wool_error_t *error = NULL;
  check("a runtime", wool_runtime_new(NULL, &runtime, &error), error);
  check("the routines", register_routines(runtime, &error), error);
  if (!wool_serve_if_spawned(runtime)) {
    say("error UNSUPPORTED no%%20pool%%20started%%20this%%20process%%3A%%20give%%20a%%20pool%%20this%%20command");
  }
  check("the runtime's close", wool_runtime_close(runtime, -1, &error), error);
  wool_runtime_free(runtime);
  return 0;
}

/* The C driver of the conformance suite: tests/drivers/PROTOCOL.md. */
#include <string.h>

#include "driver.h"

int main(int argc, char **argv) {
  options_t options = {argc - 2, argv + 2};
  if (argc >= 2 && strcmp(argv[1], "worker") == 0) return run_worker(&options);
  if (argc >= 2 && strcmp(argv[1], "caller") == 0) return run_caller(&options);
  if (argc >= 2 && strcmp(argv[1], "spawned") == 0) return run_spawned(&options);
  die("the role is worker, caller or spawned", NULL);
}

/* The admission hook of PROTOCOL.md, which decides by the tag of the call. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "pools.h"
#include "routines.h"

static int is_tag(const wool_admission_info_t *info, const char *tag) {
  return info->tag.len == strlen(tag) && memcmp(info->tag.ptr, tag, info->tag.len) == 0;
}

static void refuse_by_name(wool_admission_t admission, wool_slice_t routine) {
  const char by[] = "refused by the hook: ";
  size_t size = sizeof by + routine.len;
  char *message = allocate(size);
  snprintf(message, size, "%s%.*s", by, (int)routine.len, (const char *)routine.ptr);
  wool_admission_refuse(admission, text(message), NULL);
  free(message);
}

static void admit_alone(wool_admission_t admission, uint64_t in_flight) {
  char message[64];
  snprintf(message, sizeof message, "%" PRIu64 " others in flight", in_flight);
  if (in_flight == 0) {
    wool_admission_accept(admission, NULL);
  } else {
    wool_admission_refuse(admission, text(message), NULL);
  }
}

void admit_by_tag(void *user_data, wool_admission_t admission, const wool_admission_info_t *info) {
  (void)user_data;
  if (is_tag(info, "busy")) {
    wool_admission_busy(admission, text("the hook is busy"), NULL);
  } else if (is_tag(info, "refuse")) {
    refuse_by_name(admission, info->routine);
  } else if (is_tag(info, "alone")) {
    admit_alone(admission, info->in_flight);
  } else if (is_tag(info, "throw")) {
    wool_admission_fail(admission, text("the hook could not decide"), NULL);
  } else {
    if (is_tag(info, "hold")) hold();
    wool_admission_accept(admission, NULL);
  }
}

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

/* The string that rides along under conf and who; "nobody" if there is none. */
static void friend_of(const wool_admission_info_t *info, char *name, size_t size) {
  wool_slice_t found = text("nobody");
  wool_value_reader_t *reader = NULL;
  const wool_context_value_t *who = find_context(info->context, info->context_count, text("conf"), text("who"));
  if (who != NULL && wool_value_reader_new(who->value.data, &reader, NULL) == WOOL_OK) {
    wool_value_reader_string(reader, &found, NULL);
  }
  snprintf(name, size, "%.*s", (int)found.len, (const char *)found.ptr);
  wool_value_reader_free(reader);
}

static void admit_friends(wool_admission_t admission, const wool_admission_info_t *info) {
  char name[64], message[96];
  friend_of(info, name, sizeof name);
  if (strcmp(name, "friend") == 0) {
    wool_admission_accept(admission, NULL);
    return;
  }
  snprintf(message, sizeof message, "%s is no friend", name);
  wool_admission_refuse(admission, text(message), NULL);
}

static void refuse_by_names(wool_admission_t admission, const wool_admission_info_t *info) {
  char message[512] = "called by ";
  size_t used = strlen(message);
  for (size_t i = 0; i < info->peer_count && used < sizeof message; i++) {
    const char *between = i == 0 ? "" : ",";
    used += (size_t)snprintf(message + used, sizeof message - used, "%s%.*s", between, (int)info->peer[i].len,
                             (const char *)info->peer[i].ptr);
  }
  if (info->peer_count == 0) snprintf(message + used, sizeof message - used, "nobody");
  wool_admission_refuse(admission, text(message), NULL);
}

void admit_by_tag(void *user_data, wool_admission_t admission, const wool_admission_info_t *info) {
  (void)user_data;
  if (is_tag(info, "busy")) {
    wool_admission_busy(admission, text("the hook is busy"), NULL);
  } else if (is_tag(info, "refuse")) {
    refuse_by_name(admission, info->routine);
  } else if (is_tag(info, "alone")) {
    admit_alone(admission, info->in_flight);
  } else if (is_tag(info, "friends")) {
    admit_friends(admission, info);
  } else if (is_tag(info, "names")) {
    refuse_by_names(admission, info);
  } else if (is_tag(info, "throw")) {
    wool_admission_fail(admission, text("the hook could not decide"), NULL);
  } else {
    if (is_tag(info, "hold")) hold();
    wool_admission_accept(admission, NULL);
  }
}

/* The check of PROTOCOL.md, by which a pool believes the identities that workers claim. */
#include <stdlib.h>
#include <string.h>

#include "pools.h"

static void check_peer(void *user_data, wool_peer_check_t question, const wool_peer_info_t *info) {
  const char *believed = user_data;
  int is_believed = info->identity.len == strlen(believed) && memcmp(info->identity.ptr, believed, info->identity.len) == 0;
  wool_peer_check_answer(question, is_believed, NULL);
}

static void fail_check(void *user_data, wool_peer_check_t question, const wool_peer_info_t *info) {
  (void)user_data, (void)info;
  wool_peer_check_fail(question, text("the check could not decide"), NULL);
}

void choose_peer_check(const options_t *options, wool_pool_options_t *settings) {
  const char *believed = option(options, "peer_check");
  if (believed == NULL) return;
  if (strcmp(believed, "throw") == 0) {
    settings->peer_check = fail_check;
    return;
  }
  settings->peer_check = check_peer;
  settings->peer_check_user_data = plain_text(believed);
  settings->peer_check_destroy = free;
}

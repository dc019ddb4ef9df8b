#include "texts.h"

#include <stdlib.h>
#include <string.h>

texts_t no_texts(void) {
  texts_t texts = {{NULL}, {{NULL, 0}}, 0};
  return texts;
}

wool_slice_t add_text(texts_t *texts, char *owned) {
  if (texts->count == MOST_TEXTS) die("an option comes too often", NULL);
  texts->owned[texts->count] = owned;
  return texts->slices[texts->count++] = text(owned);
}

texts_t all_texts(const options_t *options, const char *key) {
  texts_t texts = no_texts();
  int from = 0;
  for (const char *token; (token = next_option(options, key, &from)) != NULL;) add_text(&texts, plain_text(token));
  return texts;
}

texts_t split_texts(const options_t *options, const char *key) {
  texts_t texts = no_texts();
  for (const char *one = option(options, key); one != NULL;) {
    size_t length = strcspn(one, ",");
    add_text(&texts, copy_text(one, length));
    one = one[length] == '\0' ? NULL : one + length + 1;
  }
  return texts;
}

wool_slice_t add_option(texts_t *texts, const options_t *options, const char *key) {
  const char *token = option(options, key);
  return token == NULL ? text("") : add_text(texts, plain_text(token));
}

texts_t all_pairs(const options_t *options, const char *key) {
  texts_t texts = no_texts();
  int from = 0;
  for (const char *token; (token = next_option(options, key, &from)) != NULL;) {
    const char *colon = strchr(token, ':');
    if (colon == NULL) die("a pair has no colon", NULL);
    char *name = copy_text(token, (size_t)(colon - token));
    add_text(&texts, plain_text(name));
    add_text(&texts, plain_text(colon + 1));
    free(name);
  }
  return texts;
}

void free_texts(texts_t *texts) {
  for (size_t i = 0; i < texts->count; i++) free(texts->owned[i]);
}

/* Texts that the options of wool.h borrow while they are read. */
#ifndef TEXTS_H
#define TEXTS_H

#include "driver.h"

/* The most that one list of options holds. */
enum { MOST_TEXTS = 32 };

typedef struct {
  char *owned[MOST_TEXTS];
  wool_slice_t slices[MOST_TEXTS];
  size_t count;
} texts_t;

texts_t no_texts(void);
/* Takes the text over. */
wool_slice_t add_text(texts_t *texts, char *owned);
/* All the texts of an option that may come several times. */
texts_t all_texts(const options_t *options, const char *key);
/* What is between the commas of an option. */
texts_t split_texts(const options_t *options, const char *key);
/* The text of an option, or nothing. */
wool_slice_t add_option(texts_t *texts, const options_t *options, const char *key);
/* The two sides of the colon of an option that may come several times, one after the other. */
texts_t all_pairs(const options_t *options, const char *key);
void free_texts(texts_t *texts);

#endif

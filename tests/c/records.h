/* Records of workers, as discoveries of the tests' own tell them. */
#ifndef RECORDS_H
#define RECORDS_H

#include "check.h"

/* A record with this address and uid; without one of them where that is NULL. Given back by wool_bytes_free. */
wool_bytes_t record_of(const char *address, const char *uid);

/* What the tests look at in a record. */
typedef struct {
  char uid[40], address[128], tag[32], extra_name[32], extra[32], language[16]; /* the first of each */
  int addresses, tags, extras;
} record_t;

record_t read_record(wool_slice_t record);

#endif

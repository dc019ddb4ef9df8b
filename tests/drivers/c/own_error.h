/* conf.OutOfStock, the registered error of PROTOCOL.md: in C, a type name and a value. */
#ifndef OWN_ERROR_H
#define OWN_ERROR_H

#include "driver.h"

/* The error as a fault, and what that borrows. */
typedef struct {
  wool_fault_t fault;
  char *message;
  wool_bytes_t data;
  wool_payload_t *value;
} own_error_t;

own_error_t new_own_error(wool_slice_t item, int64_t left);
void free_own_error(own_error_t *own);
/* The token OWN of an error's line. To be freed. */
char *own_token(const wool_error_t *error);

#endif

/* Certificates of the development CA, which run.sh has made in the folder WOOL_CERTS: "worker", for this machine; "caller",
 * for caller.wool.example; "named", for named.wool.example, and so for no address. */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include "check.h"

/* The path of a file of the folder: writes it to `path`. */
wool_slice_t certificate_file(char path[256], const char *name);

/* Where the parts of a certificate are. */
typedef struct {
  char ca[256], certificate[256], key[256];
} certificate_t;

/* Credentials of a name, as files. The options point into `certificate`. */
wool_credentials_options_t files_of(certificate_t *certificate, const char *name);
wool_credentials_t *credentials_of(const char *name);

#endif

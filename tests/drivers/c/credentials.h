/* The credentials of this process: PROTOCOL.md. */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include "driver.h"

/* The credentials of the options; NULL when they have none. They are this file's, until free_credentials. Of the thread that
 * reads commands. */
wool_status_t given_credentials(const options_t *options, const wool_credentials_t **credentials,
                                wool_error_t **error);
/* Those that this process was given first, or NULL. From any thread. */
wool_credentials_t *own_credentials(void);
/* At the end of the process. */
void free_credentials(void);

/* What the commands `reload` and `problem` do: NULL, or why not. The message is a token, to be freed. */
wool_error_t *reload_credentials(int32_t *renewed);
wool_error_t *problem_of_credentials(char **message);

/* For the files that make them: the paths of the ca, of the certificate and of the key, NULL for none. */
typedef struct {
  char *paths[3];
  int32_t one_way;
} credential_files_t;

void free_credential_files(credential_files_t *files);
/* By a function that reads the files. Takes the paths over. */
wool_status_t provided_credentials(credential_files_t files, uint64_t poll_ms, wool_credentials_t **credentials,
                                   wool_error_t **error);

#endif

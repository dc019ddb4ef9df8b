/* The credentials of PROTOCOL.md, and those that the process was given first. */
#include "credentials.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 50 };

/* All live as long as the process: what was made with them may be asked for again. */
typedef struct made {
  struct made *before;
  wool_credentials_t *credentials;
} made_t;

/* Of the thread that reads commands. */
static made_t *all;
/* The first; routines read it, too. */
static _Atomic(wool_credentials_t *) own;

wool_credentials_t *own_credentials(void) { return atomic_load(&own); }

void free_credentials(void) {
  atomic_store(&own, NULL);
  for (made_t *before; all != NULL; all = before) {
    before = all->before;
    wool_credentials_free(all->credentials);
    free(all);
  }
}

static wool_credentials_t *keep(wool_credentials_t *credentials) {
  made_t *made = allocate(sizeof *made);
  *made = (made_t){all, credentials};
  all = made;
  if (own_credentials() == NULL) atomic_store(&own, credentials);
  return credentials;
}

static int is_set(const options_t *options, const char *key) {
  const char *value = option(options, key);
  return value != NULL && strcmp(value, "1") == 0;
}

static char *path(const char *folder, const char *name, const char *ending) {
  size_t size = strlen(folder) + strlen(name) + strlen(ending) + 2;
  char *written = allocate(size);
  snprintf(written, size, "%s/%s%s", folder, name, ending);
  return written;
}

static credential_files_t files_of(const options_t *options, const char *folder) {
  const char *certificate = option(options, "certificate");
  char *name = plain_text(certificate == NULL ? "own" : certificate);
  credential_files_t files = {{path(folder, "ca", ".pem"), NULL, NULL}, is_set(options, "one_way")};
  if (*name != '\0') {
    files.paths[1] = path(folder, name, ".pem");
    files.paths[2] = path(folder, name, ".key");
  }
  free(name);
  return files;
}

void free_credential_files(credential_files_t *files) {
  for (size_t i = 0; i < 3; i++) free(files->paths[i]);
}

static wool_status_t by_files(credential_files_t files, wool_credentials_t **credentials, wool_error_t **error) {
  wool_credentials_options_t settings = WOOL_CREDENTIALS_OPTIONS_INIT;
  settings.ca_file = text(files.paths[0]);
  settings.certificate_file = text(files.paths[1]);
  settings.key_file = text(files.paths[2]);
  settings.one_way = files.one_way;
  settings.poll_ms = POLL_MS;
  wool_status_t status = wool_credentials_new(&settings, credentials, error);
  free_credential_files(&files);
  return status;
}

wool_status_t given_credentials(const options_t *options, const wool_credentials_t **credentials,
                                wool_error_t **error) {
  const char *token = option(options, "credentials");
  *credentials = NULL;
  if (token == NULL || strcmp(token, "-") == 0) return WOOL_OK;
  char *folder = plain_text(token);
  credential_files_t files = files_of(options, folder);
  free(folder);
  wool_credentials_t *made = NULL;
  wool_status_t status = is_set(options, "provided") ? provided_credentials(files, POLL_MS, &made, error)
                                                     : by_files(files, &made, error);
  if (status == WOOL_OK) *credentials = keep(made);
  return status;
}

wool_error_t *reload_credentials(int32_t *renewed) {
  wool_error_t *error = NULL;
  wool_credentials_reload(own_credentials(), renewed, &error);
  return error;
}

wool_error_t *problem_of_credentials(char **message) {
  wool_error_t *error = NULL;
  wool_credentials_t *credentials = own_credentials();
  if (wool_credentials_problem(credentials, &error) == WOOL_OK) {
    *message = text_token(text(""));
  } else if (credentials != NULL) {
    *message = text_token(wool_error_message(error));
    wool_error_free(error);
    error = NULL;
  }
  return error;
}

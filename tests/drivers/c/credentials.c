/* The credentials of PROTOCOL.md, by the files of a folder. */
#include "credentials.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "texts.h"

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

/* The path of a file in the folder. */
static wool_slice_t path(texts_t *texts, const char *folder, const char *name, const char *ending) {
  size_t size = strlen(folder) + strlen(name) + strlen(ending) + 2;
  char *written = allocate(size);
  snprintf(written, size, "%s/%s%s", folder, name, ending);
  return add_text(texts, written);
}

static wool_status_t by_files(const options_t *options, const char *folder, const char *name,
                              wool_credentials_t **credentials, wool_error_t **error) {
  texts_t texts = no_texts();
  const char *one_way = option(options, "one_way");
  wool_credentials_options_t settings = WOOL_CREDENTIALS_OPTIONS_INIT;
  settings.one_way = one_way != NULL && strcmp(one_way, "1") == 0;
  settings.poll_ms = POLL_MS;
  settings.ca_file = path(&texts, folder, "ca", ".pem");
  if (*name != '\0') {
    settings.certificate_file = path(&texts, folder, name, ".pem");
    settings.key_file = path(&texts, folder, name, ".key");
  }
  wool_status_t status = wool_credentials_new(&settings, credentials, error);
  free_texts(&texts);
  return status;
}

wool_status_t given_credentials(const options_t *options, const wool_credentials_t **credentials,
                                wool_error_t **error) {
  const char *token = option(options, "credentials"), *certificate = option(options, "certificate");
  *credentials = NULL;
  if (token == NULL || strcmp(token, "-") == 0) return WOOL_OK;
  char *folder = plain_text(token), *name = plain_text(certificate == NULL ? "own" : certificate);
  wool_credentials_t *made = NULL;
  wool_status_t status = by_files(options, folder, name, &made, error);
  if (status == WOOL_OK) *credentials = keep(made);
  free(folder);
  free(name);
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

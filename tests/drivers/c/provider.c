/* The provider of PROTOCOL.md: credentials by a function that reads the files itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"

/* What was provided stays until something else is. */
typedef struct {
  credential_files_t files;
  char *texts[3];
  char problem[512];
} provider_t;

static void free_texts_of(provider_t *provider) {
  for (size_t i = 0; i < 3; i++) {
    free(provider->texts[i]);
    provider->texts[i] = NULL;
  }
}

static void free_provider(void *data) {
  provider_t *provider = data;
  free_texts_of(provider);
  free_credential_files(&provider->files);
  free(provider);
}

/* The text of a file, or NULL. */
static char *read_file(const char *path) {
  enum { MOST = 256 * 1024 };
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  char *content = allocate(MOST + 1);
  content[fread(content, 1, MOST, file)] = '\0';
  fclose(file);
  return content;
}

static void provide(void *data, wool_credentials_options_t *parts, wool_slice_t *problem) {
  provider_t *provider = data;
  wool_slice_t *const given[] = {&parts->ca, &parts->certificate, &parts->key};
  free_texts_of(provider);
  for (size_t i = 0; i < 3; i++) {
    const char *path = provider->files.paths[i];
    if (path == NULL) continue;
    provider->texts[i] = read_file(path);
    if (provider->texts[i] == NULL) {
      snprintf(provider->problem, sizeof provider->problem, "cannot read %s: %s", path, strerror(errno));
      *problem = text(provider->problem);
      return;
    }
    *given[i] = text(provider->texts[i]);
  }
  parts->one_way = provider->files.one_way;
}

wool_status_t provided_credentials(credential_files_t files, uint64_t poll_ms, wool_credentials_t **credentials,
                                   wool_error_t **error) {
  provider_t *provider = allocate(sizeof *provider);
  *provider = (provider_t){.files = files};
  return wool_credentials_provided(provide, provider, free_provider, poll_ms, credentials, error);
}

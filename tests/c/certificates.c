#include "certificates.h"

wool_slice_t certificate_file(char path[256], const char *name) {
  const char *folder = getenv("WOOL_CERTS");
  CHECK(folder != NULL);
  CHECK(snprintf(path, 256, "%s/%s", folder, name) < 256);
  return text(path);
}

wool_credentials_options_t files_of(certificate_t *certificate, const char *name) {
  char file[64];
  wool_credentials_options_t options = WOOL_CREDENTIALS_OPTIONS_INIT;
  options.ca_file = certificate_file(certificate->ca, "ca.pem");
  snprintf(file, sizeof file, "%s.pem", name);
  options.certificate_file = certificate_file(certificate->certificate, file);
  snprintf(file, sizeof file, "%s.key", name);
  options.key_file = certificate_file(certificate->key, file);
  return options;
}

wool_credentials_t *credentials_of(const char *name) {
  certificate_t certificate;
  wool_credentials_options_t options = files_of(&certificate, name);
  wool_credentials_t *credentials = NULL;
  OK(wool_credentials_new(&options, &credentials, &error));
  return credentials;
}

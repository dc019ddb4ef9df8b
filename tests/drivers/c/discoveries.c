/* Discoveries by the options of PROTOCOL.md. */
#include <stdlib.h>

#include "pools.h"
#include "texts.h"

/* Several are one that is stacked. */
typedef struct {
  wool_discovery_t *each[5];
  size_t count;
} stack_t;

static wool_status_t add_local(stack_t *stack, const options_t *options, const char *key, wool_error_t **error) {
  const char *name_space = option(options, key), *directory = option(options, "directory");
  if (name_space == NULL) return WOOL_OK;
  return wool_discovery_new_local(text(name_space), text(directory), &stack->each[stack->count++], error);
}

static wool_status_t add_lan(stack_t *stack, const options_t *options, wool_error_t **error) {
  if (option(options, "lan") == NULL) return WOOL_OK;
  texts_t interfaces = all_texts(options, "interface"), others = no_texts();
  wool_lan_options_t settings = WOOL_LAN_OPTIONS_INIT;
  settings.name_space = add_option(&others, options, "lan");
  settings.interfaces = interfaces.slices;
  settings.interface_count = interfaces.count;
  wool_status_t status = wool_discovery_new_lan(&settings, &stack->each[stack->count++], error);
  free_texts(&interfaces);
  free_texts(&others);
  return status;
}

static wool_status_t add_static(stack_t *stack, const options_t *options, wool_error_t **error) {
  if (option(options, "static") == NULL) return WOOL_OK;
  texts_t addresses = split_texts(options, "static");
  wool_discovery_t **out = &stack->each[stack->count++];
  wool_status_t status = wool_discovery_new_static(addresses.slices, addresses.count, out, error);
  free_texts(&addresses);
  return status;
}

static wool_status_t add_dns(stack_t *stack, const options_t *options, wool_error_t **error) {
  if (option(options, "dns") == NULL) return WOOL_OK;
  texts_t servers = all_texts(options, "dns_server"), others = no_texts();
  wool_slice_t name = add_option(&others, options, "dns");
  wool_discovery_t **out = &stack->each[stack->count++];
  wool_status_t status = wool_discovery_new_dns(name, servers.slices, servers.count, out, error);
  free_texts(&servers);
  free_texts(&others);
  return status;
}

static wool_status_t add_custom(stack_t *stack, const options_t *options, wool_error_t **error) {
  const char *directory = option(options, "custom");
  if (directory == NULL) return WOOL_OK;
  return discovery_in_directory(directory, &stack->each[stack->count++], error);
}

wool_status_t given_discovery(const options_t *options, const char *local, wool_discovery_t **discovery,
                              wool_error_t **error) {
  stack_t stack = {{NULL}, 0};
  *discovery = NULL;
  wool_status_t status = add_local(&stack, options, local, error);
  if (status == WOOL_OK) status = add_lan(&stack, options, error);
  if (status == WOOL_OK) status = add_static(&stack, options, error);
  if (status == WOOL_OK) status = add_dns(&stack, options, error);
  if (status == WOOL_OK) status = add_custom(&stack, options, error);
  if (status == WOOL_OK && stack.count == 1) {
    *discovery = stack.each[0];
    return WOOL_OK;
  }
  if (status == WOOL_OK && stack.count > 1) {
    const wool_discovery_t *const *each = (const wool_discovery_t *const *)stack.each;
    status = wool_discovery_new_stacked(each, stack.count, discovery, error);
  }
  for (size_t i = 0; i < stack.count; i++) wool_discovery_free(stack.each[i]);
  return status;
}

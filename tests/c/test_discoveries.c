/* LAN, static, DNS and stacked discoveries: what they are given. */
#include "world.h"

TEST(discoveries_check_what_they_are_given) {
  wool_discovery_t *lan = NULL, *fixed = NULL, *dns = NULL, *stacked = NULL;
  wool_slice_t broken = {NULL, 1}, interface = text("lo"), address = text("127.0.0.1:1");
  wool_lan_options_t options = WOOL_LAN_OPTIONS_INIT;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_discovery_new_lan(NULL, NULL, &error));
  options.interfaces = &interface;
  options.interface_count = 1;
  char name[130];
  memset(name, 'n', sizeof name);
  options.name_space = (wool_slice_t){(const uint8_t *)name, 129};
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "129 bytes", wool_discovery_new_lan(&options, &lan, &error));
  options.name_space = (wool_slice_t){(const uint8_t *)name, 128};
  OK(wool_discovery_new_lan(&options, &lan, &error));
  wool_discovery_free(lan);
  options.interfaces = NULL;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "options.interfaces is NULL", wool_discovery_new_lan(&options, &lan, &error));
  OK(wool_discovery_new_lan(NULL, &lan, &error));

  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_discovery_new_static(&address, 1, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "addresses is NULL", wool_discovery_new_static(NULL, 1, &fixed, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "at least one", wool_discovery_new_static(NULL, 0, &fixed, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "", wool_discovery_new_static(&interface, 1, &fixed, &error));
  OK(wool_discovery_new_static(&address, 1, &fixed, &error));

  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_discovery_new_dns(address, NULL, 0, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "name is NULL", wool_discovery_new_dns(broken, NULL, 0, &dns, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "not the address",
        wool_discovery_new_dns(text("wool.test:7000"), &interface, 1, &dns, &error));
  OK(wool_discovery_new_dns(text("wool.test:7000"), &address, 1, &dns, &error));

  const wool_discovery_t *both[] = {lan, fixed, NULL};
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "out is NULL", wool_discovery_new_stacked(both, 2, NULL, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "discoveries is NULL", wool_discovery_new_stacked(NULL, 2, &stacked, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "a discovery is NULL", wool_discovery_new_stacked(both, 3, &stacked, &error));
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "at least one", wool_discovery_new_stacked(NULL, 0, &stacked, &error));
  OK(wool_discovery_new_stacked(both, 2, &stacked, &error));

  wool_runtime_t *runtime = world_runtime();
  wool_worker_options_t publishes = WOOL_WORKER_OPTIONS_INIT;
  wool_worker_t *worker = NULL;
  publishes.publish = fixed;
  FAILS(WOOL_ERR_UNSUPPORTED, "only finds workers", wool_worker_new(runtime, &publishes, &worker, &error));
  publishes.publish = NULL;
  publishes.extra = &address;
  publishes.extra_count = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "left over", wool_worker_new(runtime, &publishes, &worker, &error));
  publishes.extra_count = 0;
  publishes.advertise = &broken;
  publishes.advertise_count = 1;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "advertise is NULL", wool_worker_new(runtime, &publishes, &worker, &error));
  wool_slice_t anywhere = text("0.0.0.0:0");
  publishes.advertise = &anywhere;
  FAILS(WOOL_ERR_INVALID_ARGUMENT, "nobody can reach", wool_worker_new(runtime, &publishes, &worker, &error));
  OK(wool_runtime_close(runtime, -1, &error));
  wool_runtime_free(runtime);
  wool_discovery_free(lan);
  wool_discovery_free(fixed);
  wool_discovery_free(dns);
  wool_discovery_free(stacked);
}

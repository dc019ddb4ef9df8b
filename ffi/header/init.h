/* Options with everything at its default:
 *
 *   wool_worker_options_t options = WOOL_WORKER_OPTIONS_INIT;
 */
#ifdef __cplusplus
template <class Options>
inline Options wool_options_init() {
  Options options{};
  options.struct_size = sizeof(Options);
  return options;
}
#define WOOL_OPTIONS_INIT(type) wool_options_init<type>()
#else
#define WOOL_OPTIONS_INIT(type) { .struct_size = sizeof(type) }
#endif

#define WOOL_RUNTIME_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_runtime_options_t)
#define WOOL_QUEUE_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_queue_options_t)
#define WOOL_ROUTINE_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_routine_options_t)
#define WOOL_FAULT_INIT WOOL_OPTIONS_INIT(wool_fault_t)
#define WOOL_TASK_INFO_INIT WOOL_OPTIONS_INIT(wool_task_info_t)
#define WOOL_CREDENTIALS_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_credentials_options_t)
#define WOOL_LAN_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_lan_options_t)
#define WOOL_CUSTOM_DISCOVERY_INIT WOOL_OPTIONS_INIT(wool_custom_discovery_t)
#define WOOL_WORKER_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_worker_options_t)
#define WOOL_ADMISSION_INFO_INIT WOOL_OPTIONS_INIT(wool_admission_info_t)
#define WOOL_POOL_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_pool_options_t)
#define WOOL_PEER_INFO_INIT WOOL_OPTIONS_INIT(wool_peer_info_t)
#define WOOL_CHOICE_INFO_INIT WOOL_OPTIONS_INIT(wool_choice_info_t)
#define WOOL_CALL_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_call_options_t)
#define WOOL_TASK_EVENTS_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_task_events_options_t)
#define WOOL_MAP_OPTIONS_INIT WOOL_OPTIONS_INIT(wool_map_options_t)
#define WOOL_MAP_ITEM_INIT WOOL_OPTIONS_INIT(wool_map_item_t)
#define WOOL_MAP_PROGRESS_INIT WOOL_OPTIONS_INIT(wool_map_progress_t)
#define WOOL_BROADCAST_ITEM_INIT WOOL_OPTIONS_INIT(wool_broadcast_item_t)

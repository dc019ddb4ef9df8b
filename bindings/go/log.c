#include "shim.h"

#include "_cgo_export.h"

static void wool_go_log(void *sink, int32_t level, wool_slice_t target, wool_slice_t message) {
  target = wool_go_view(target);
  message = wool_go_view(message);
  woolGoLog((uint64_t)(uintptr_t)sink, level, (uint8_t *)target.ptr, target.len, (uint8_t *)message.ptr,
            message.len);
}

static void wool_go_log_destroy(void *sink) { woolGoLogDestroy((uint64_t)(uintptr_t)sink); }

void wool_go_use_log(wool_runtime_options_t *options, uint64_t sink) {
  options->log = wool_go_log;
  options->log_user_data = (void *)(uintptr_t)sink;
  options->log_destroy = wool_go_log_destroy;
}

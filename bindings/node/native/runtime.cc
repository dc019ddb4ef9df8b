#include "runtime.h"

#include "errors.h"
#include "values.h"

namespace wool_node {
namespace {

// How long the end of an environment waits for libwool's threads. Peers learn of the end in that time.
constexpr int64_t kEndMs = 1000;

// Log records that may wait for JavaScript; beyond that they are dropped.
constexpr size_t kMostLogRecords = 1024;

struct LogRecord {
  int32_t level;
  std::string target;
  std::string message;
};

// Calls JavaScript without arguments. Any status but napi_ok is left alone: either an exception is pending, which
// surfaces as uncaught, or the environment is being terminated.
void CallDoorbell(napi_env env, napi_value callback, void*, void*) {
  napi_value undefined = nullptr;
  if (env != nullptr && napi_get_undefined(env, &undefined) == napi_ok) {
    napi_call_function(env, undefined, callback, 0, nullptr, nullptr);
  }
}

void CallLog(napi_env env, napi_value callback, void*, void* data) {
  const std::unique_ptr<LogRecord> record(static_cast<LogRecord*>(data));
  if (env == nullptr) {
    return;
  }
  napi_value undefined = nullptr;
  napi_value arguments[3] = {};
  if (napi_get_undefined(env, &undefined) == napi_ok &&
      napi_create_int32(env, record->level, &arguments[0]) == napi_ok &&
      napi_create_string_utf8(env, record->target.data(), record->target.size(), &arguments[1]) == napi_ok &&
      napi_create_string_utf8(env, record->message.data(), record->message.size(), &arguments[2]) == napi_ok) {
    napi_call_function(env, undefined, callback, 3, arguments, nullptr);
  }
}

// A thread-safe function that does not keep the event loop running, or null.
napi_threadsafe_function MakeThreadSafe(napi_env env, napi_value callback, const char* name, size_t most,
                                        napi_threadsafe_function_call_js call) {
  napi_threadsafe_function function = nullptr;
  if (napi_create_threadsafe_function(env, callback, nullptr, TextValue(env, name), most, 1, nullptr, nullptr, nullptr,
                                      call, &function) == napi_ok) {
    napi_unref_threadsafe_function(env, function);
  }
  return function;
}

}  // namespace

int32_t TaskTable::Add(wool_task_t handle) {
  int32_t id;
  if (free_.empty()) {
    id = static_cast<int32_t>(handles_.size());
    handles_.push_back(handle);
  } else {
    id = free_.back();
    free_.pop_back();
    handles_[static_cast<size_t>(id)] = handle;
  }
  ids_.emplace(handle, id);
  return id;
}

int32_t TaskTable::Find(wool_task_t handle) const {
  const auto found = ids_.find(handle);
  return found == ids_.end() ? -1 : found->second;
}

wool_task_t TaskTable::Handle(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < handles_.size() ? handles_[static_cast<size_t>(id)] : 0;
}

void TaskTable::Remove(int32_t id) {
  const wool_task_t handle = Handle(id);
  if (handle != 0) {
    ids_.erase(handle);
    handles_[static_cast<size_t>(id)] = 0;
    free_.push_back(id);
  }
}

void CallTable::Set(int32_t tag, uint64_t handle, bool stream) {
  const size_t index = static_cast<size_t>(tag);
  if (index >= entries_.size()) {
    entries_.resize(index + 1, {0, false});
  }
  entries_[index] = {handle, stream};
}

uint64_t CallTable::Handle(int32_t tag) const {
  return tag >= 0 && static_cast<size_t>(tag) < entries_.size() ? entries_[static_cast<size_t>(tag)].handle : 0;
}

void CallTable::Cancel(int32_t tag) const {
  if (const uint64_t handle = Handle(tag); handle != 0) {
    if (entries_[static_cast<size_t>(tag)].stream) {
      wool_stream_cancel(handle);
    } else {
      wool_call_cancel(handle);
    }
  }
}

void LogSink::Write(void* sink, int32_t level, wool_slice_t target, wool_slice_t message) {
  LogSink* self = static_cast<std::shared_ptr<LogSink>*>(sink)->get();
  const std::lock_guard<std::mutex> lock(self->mutex_);
  if (self->function_ == nullptr) {
    return;
  }
  const auto text = [](wool_slice_t slice) {
    return slice.len == 0 ? std::string() : std::string(reinterpret_cast<const char*>(slice.ptr), slice.len);
  };
  auto* record = new LogRecord{level, text(target), text(message)};
  if (napi_call_threadsafe_function(self->function_, record, napi_tsfn_nonblocking) != napi_ok) {
    delete record;
  }
}

void LogSink::Destroy(void* sink) { delete static_cast<std::shared_ptr<LogSink>*>(sink); }

void LogSink::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (function_ != nullptr) {
    napi_release_threadsafe_function(function_, napi_tsfn_release);
    function_ = nullptr;
  }
}

bool Runtime::Open(int32_t log_level, napi_value slab, napi_value fields, napi_value on_doorbell, napi_value on_log) {
  napi_create_reference(env_, slab, 1, &slab_reference_);
  napi_create_reference(env_, fields, 1, &fields_reference_);
  const Memory slab_memory(env_, slab);
  const Memory fields_memory(env_, fields);
  slab_ = static_cast<uint8_t*>(slab_memory.data);
  slab_length_ = slab_memory.length;
  fields_ = static_cast<int32_t*>(fields_memory.data);
  doorbell_ = MakeThreadSafe(env_, on_doorbell, "wool doorbell", 0, CallDoorbell);
  if (doorbell_ == nullptr || slab_ == nullptr || fields_memory.length < kBatch * kEventFields) {
    ThrowError(env_, WOOL_ERR_INVALID_ARGUMENT, nullptr);
    Dispose();
    return false;
  }
  if (IsType(env_, on_log, napi_function)) {
    log_ = std::make_shared<LogSink>(MakeThreadSafe(env_, on_log, "wool log", kMostLogRecords, CallLog));
  }
  if (!Start(log_level)) {
    Dispose();
    return false;
  }
  // Hooks run last first: this one before that of the thread-safe functions, whose memory the doorbell uses.
  self_ = shared_from_this();
  napi_add_env_cleanup_hook(env_, OnEnvironmentEnd, this);
  return true;
}

bool Runtime::Start(int32_t log_level) {
  wool_runtime_options_t runtime_options = WOOL_RUNTIME_OPTIONS_INIT;
  const std::string language = "node";
  runtime_options.language = SliceOf(language);
  // Routines run on the JavaScript thread: libwool's own are idle.
  runtime_options.routine_threads = 1;
  if (log_ != nullptr) {
    runtime_options.log_level = log_level;
    runtime_options.log = LogSink::Write;
    runtime_options.log_user_data = new std::shared_ptr<LogSink>(log_);
    runtime_options.log_destroy = LogSink::Destroy;
  }
  wool_error_t* error = nullptr;
  wool_runtime_t* runtime = nullptr;
  wool_status_t status = wool_runtime_new(&runtime_options, &runtime, &error);
  if (status == WOOL_OK) {
    runtime_.reset(runtime, wool_runtime_free);
    wool_queue_options_t queue_options = WOOL_QUEUE_OPTIONS_INIT;
    queue_options.doorbell = Ring;
    queue_options.doorbell_user_data = this;
    wool_queue_t* queue = nullptr;
    status = wool_queue_new(runtime, &queue_options, &queue, &error);
    queue_.reset(queue, wool_queue_free);
  }
  if (status != WOOL_OK) {
    ThrowError(env_, status, error);
    return false;
  }
  return true;
}

void Runtime::Ring(void* self) {
  napi_call_threadsafe_function(static_cast<Runtime*>(self)->doorbell_, nullptr, napi_tsfn_nonblocking);
}

void Runtime::KeepAlive(bool alive) {
  if (doorbell_ == nullptr) {
    return;
  }
  if (alive) {
    napi_ref_threadsafe_function(env_, doorbell_);
  } else {
    napi_unref_threadsafe_function(env_, doorbell_);
  }
}

int32_t Runtime::Drain(wool_error_t** error, wool_status_t* status) {
  ReleaseBatch();
  if (queue_ == nullptr) {
    return -1;
  }
  size_t count = 0;
  *status = wool_queue_drain(queue_.get(), batch_.data(), sizeof(wool_event_t), batch_.size(), slab_, slab_length_, 0,
                             &count, error);
  if (*status != WOOL_OK) {
    return *status == WOOL_ERR_CLOSED ? -1 : 0;
  }
  batch_length_ = count;
  int32_t* field = fields_;
  for (size_t index = 0; index < count; index++, field += kEventFields) {
    const wool_event_t& event = batch_[index];
    int32_t task = -1;
    if (event.kind == WOOL_EVENT_TASK) {
      task = tasks_.Add(event.handle);
    } else if (event.kind == WOOL_EVENT_STEP || event.kind == WOOL_EVENT_CANCEL) {
      task = tasks_.Find(event.handle);
    }
    const bool in_slab = event.payload.owner == nullptr && event.payload.len > 0;
    field[0] = event.kind;
    field[1] = event.status;
    field[2] = static_cast<int32_t>(event.tag);
    field[3] = task;
    field[4] = in_slab ? static_cast<int32_t>(event.payload.ptr - slab_) : event.payload.len > 0 ? -1 : 0;
    field[5] = static_cast<int32_t>(event.payload.len);
    field[6] = event.codec;
    field[7] = event.step;
  }
  return static_cast<int32_t>(count);
}

wool_event_t* Runtime::Event(int32_t index) {
  return index >= 0 && static_cast<size_t>(index) < batch_length_ ? &batch_[static_cast<size_t>(index)] : nullptr;
}

void Runtime::ReleaseBatch() {
  for (size_t index = 0; index < batch_length_; index++) {
    wool_bytes_free(&batch_[index].payload);
    wool_error_free(batch_[index].error);
  }
  batch_length_ = 0;
}

void Runtime::Dispose() {
  // No doorbell starts after this, so that its function can go.
  if (queue_ != nullptr) {
    wool_queue_close(queue_.get(), nullptr);
  }
  if (doorbell_ != nullptr) {
    napi_release_threadsafe_function(doorbell_, napi_tsfn_abort);
    doorbell_ = nullptr;
  }
  if (log_ != nullptr) {
    log_->Close();
    log_.reset();
  }
  ReleaseBatch();
  queue_.reset();
  runtime_.reset();
  for (napi_ref* reference : {&slab_reference_, &fields_reference_}) {
    if (*reference != nullptr) {
      napi_delete_reference(env_, *reference);
      *reference = nullptr;
    }
  }
  if (self_ != nullptr) {
    napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
    // May be the last owner.
    const std::shared_ptr<Runtime> self = std::move(self_);
  }
}

void Runtime::OnEnvironmentEnd(void* self) {
  auto* runtime = static_cast<Runtime*>(self);
  const std::shared_ptr<Runtime> owner = std::move(runtime->self_);
  const std::shared_ptr<wool_runtime_t> handle = runtime->runtime_;
  runtime->Dispose();
  wool_runtime_close(handle.get(), kEndMs, nullptr);
}

}  // namespace wool_node

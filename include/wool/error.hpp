// Failures as exceptions: part of wool.hpp.
#ifndef WOOL_ERROR_HPP
#define WOOL_ERROR_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../wool.h"

namespace wool {

class Value;

// The numbers are those of wool.h: WOOL_ERR_CANCELLED and so on.
using Status = wool_status_t;

// Why something did not work: what every function of this face throws. Copies share one story and do not throw.
//
//   try {
//     pool.call<void>("farm.shear");
//   } catch (const wool::Error& error) {
//     if (error.status() == WOOL_ERR_TASK_FAILED) std::cerr << error.language() << ' ' << error.type() << '\n';
//     std::cerr << error.what() << '\n';
//   }
class Error : public std::runtime_error {
 public:
  // An error of one's own, e.g. WOOL_ERR_CODEC from a Codec. Thrown from a routine, its message and type reach the
  // caller, as WOOL_ERR_TASK_FAILED; or WOOL_ERR_CANCELLED, if it is that.
  explicit Error(Status status, const std::string& message, std::string type = {})
      : std::runtime_error(message) {
    auto story = std::make_shared<Story>();
    story->status = status;
    story->type = std::move(type);
    story_ = std::move(story);
  }

  // What `error` tells, which stays the caller's; `status` if it is NULL.
  static Error copy(Status status, const wool_error_t* error);

  // What kind of failure it is: a negative wool_status_t.
  Status status() const noexcept { return story_->status; }
  // Its name, e.g. "CANCELLED".
  std::string_view status_name() const noexcept { return wool_status_name(story_->status); }
  // The type of the routine's error in its own language, e.g. "ValueError"; empty when there is none.
  const std::string& type() const noexcept { return story_->type; }
  // The language of the worker whose routine failed, e.g. "go"; empty when the error arose in wool itself.
  const std::string& language() const noexcept { return story_->language; }
  // Where the routine's error was raised: lines, outermost first.
  const std::vector<std::string>& traceback() const noexcept { return story_->traceback; }
  // The error's own data; nothing when there is none. Throws WOOL_ERR_CODEC for data that is no value.
  std::optional<Value> value() const;
  // Its bytes, and a wool_codec_t: empty when there is none.
  const std::vector<std::uint8_t>& encoded_value() const noexcept { return story_->value; }
  std::int32_t codec() const noexcept { return story_->codec; }
  // What caused it, or nullptr. It lives as long as this error or a copy of it.
  const Error* cause() const noexcept { return story_->cause.get(); }
  // The task certainly never started: calling again cannot run it twice.
  bool retryable() const noexcept { return story_->retryable; }

 protected:
  Error(Status status, const std::string& message, std::string type, std::vector<std::uint8_t> value)
      : std::runtime_error(message) {
    auto story = std::make_shared<Story>();
    story->status = status;
    story->type = std::move(type);
    story->value = std::move(value);
    story->codec = WOOL_CODEC_MSGPACK;
    story_ = std::move(story);
  }

 private:
  struct Story {
    Status status = WOOL_ERR_INTERNAL;
    std::string type;
    std::string language;
    std::vector<std::string> traceback;
    std::vector<std::uint8_t> value;
    std::int32_t codec = 0;
    std::shared_ptr<const Error> cause;
    bool retryable = false;
  };

  Error(const std::string& message, std::shared_ptr<const Story> story)
      : std::runtime_error(message), story_(std::move(story)) {}

  std::shared_ptr<const Story> story_;
};

// A routine's failure, as its caller gets it: WOOL_ERR_TASK_FAILED, whatever the worker's language. A class of yours
// that the runtime knows (see Runtime::error) is thrown in its place.
//
// Thrown from a routine it is an error that has no class here: callers get the type and the data.
class TaskError : public Error {
 public:
  TaskError(std::string type, const std::string& message)
      : Error(WOOL_ERR_TASK_FAILED, message, std::move(type)) {}
  // Throws WOOL_ERR_CODEC for data that cannot be encoded.
  TaskError(std::string type, const std::string& message, const Value& value);

  // Of an error whose status is WOOL_ERR_TASK_FAILED.
  explicit TaskError(const Error& error) : Error(error) {}
};

// Whether the task of a call certainly never started, so that calling again cannot run it twice. Of any exception that a call
// throws: one that is no wool::Error is a routine's own.
inline bool retryable(const std::exception& error) noexcept {
  const auto* own = dynamic_cast<const Error*>(&error);
  return own != nullptr && own->retryable();
}

namespace detail {

inline wool_slice_t slice(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string string(wool_slice_t slice) {
  return slice.len == 0 ? std::string() : std::string(reinterpret_cast<const char*>(slice.ptr), slice.len);
}

// What a wool_..._new made, freed by its wool_..._free.
template <class T, void (*free)(T*)>
struct Free {
  void operator()(T* pointer) const noexcept { free(pointer); }
};
template <class T, void (*free)(T*)>
using Handle = std::unique_ptr<T, Free<T, free>>;
using ErrorHandle = Handle<wool_error_t, wool_error_free>;

// Throws what wool failed with.
[[noreturn]] inline void raise(Status status, const wool_error_t* error) {
  const Error copied = Error::copy(status, error);
  if (copied.status() == WOOL_ERR_TASK_FAILED) throw TaskError(copied);
  throw copied;
}

// Calls a function of wool.h, which is given its `error` argument, and throws what it fails with. Returns WOOL_OK,
// WOOL_END or WOOL_PENDING.
template <class Function>
Status checked(Function&& function) {
  wool_error_t* error = nullptr;
  const Status status = function(&error);
  if (status >= WOOL_OK) return status;
  const ErrorHandle owned(error);
  raise(status, error);
}

}  // namespace detail

inline Error Error::copy(Status status, const wool_error_t* error) {
  auto story = std::make_shared<Story>();
  story->status = status;
  if (error == nullptr) return Error(wool_status_name(status), std::move(story));
  story->status = wool_error_status(error);
  story->type = detail::string(wool_error_type(error));
  story->language = detail::string(wool_error_language(error));
  const std::size_t lines = wool_error_traceback_len(error);
  for (std::size_t i = 0; i < lines; i++) {
    story->traceback.push_back(detail::string(wool_error_traceback_line(error, i)));
  }
  wool_payload_t value{};
  if (wool_error_value(error, &value) == WOOL_OK) {
    story->value.assign(value.data.ptr, value.data.ptr + value.data.len);
    story->codec = value.codec;
  }
  story->retryable = wool_error_retryable(error) != 0;
  if (const wool_error_t* cause = wool_error_cause(error)) {
    story->cause = std::make_shared<const Error>(copy(WOOL_ERR_INTERNAL, cause));
  }
  return Error(detail::string(wool_error_message(error)), std::move(story));
}

}  // namespace wool

#endif

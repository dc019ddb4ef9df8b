// Faults, the way errors travel: part of wool.hpp.
#ifndef WOOL_FAULT_HPP
#define WOOL_FAULT_HPP

#include <cxxabi.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

#include "encoding.hpp"

namespace wool {
namespace detail {

// How a task fails, before it is told to wool.
struct Fault {
  Status status = WOOL_ERR_TASK_FAILED;
  std::string type;
  std::string message;
  std::vector<std::string> traceback;
  // The error's own data; without a codec there is none.
  Bytes value;
  std::int32_t codec = 0;
  std::shared_ptr<const Fault> cause;
};

inline std::string demangled(const std::type_info* type) {
  if (type == nullptr) return "unknown type";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status),
                                                    std::free);
  return status == 0 && name ? name.get() : type->name();
}

// An exception's text: one that has none is no reason to fail again.
inline std::string text_of(const char* what) { return what == nullptr ? std::string() : std::string(what); }

inline Fault fault_of(const Error& error) {
  Fault fault;
  if (error.status() == WOOL_ERR_CANCELLED) fault.status = WOOL_ERR_CANCELLED;
  fault.type = error.type().empty() ? "wool::Error" : error.type();
  fault.message = error.what();
  fault.traceback = error.traceback();
  fault.value = error.encoded_value();
  fault.codec = error.codec();
  if (error.cause() != nullptr) fault.cause = std::make_shared<const Fault>(fault_of(*error.cause()));
  return fault;
}

// A fault as wool takes it; valid as long as the fault it was made of.
class LentFault {
 public:
  explicit LentFault(const Fault& fault) {
    lines_.reserve(fault.traceback.size());
    for (const std::string& line : fault.traceback) lines_.push_back(slice(line));
    if (fault.cause) {
      const LentFault inner(*fault.cause);
      wool_error_t* cause = nullptr;
      // Without its cause the fault still says what happened.
      wool_error_new(&inner.get(), &cause, nullptr);
      cause_.reset(cause);
    }
    lent_.status = fault.status;
    lent_.type = slice(fault.type);
    lent_.message = slice(fault.message);
    lent_.traceback = lines_.data();
    lent_.traceback_len = lines_.size();
    if (fault.codec != 0) {
      value_ = {{fault.value.data(), fault.value.size()}, fault.codec};
      lent_.value = &value_;
    }
    lent_.cause = cause_.get();
  }
  LentFault(const LentFault&) = delete;
  LentFault& operator=(const LentFault&) = delete;

  const wool_fault_t& get() const noexcept { return lent_; }

 private:
  std::vector<wool_slice_t> lines_;
  wool_payload_t value_{};
  ErrorHandle cause_;
  wool_fault_t lent_ = WOOL_FAULT_INIT;
};

}  // namespace detail
}  // namespace wool

#endif

// Exceptions as faults, the way they travel to the caller: part of wool.hpp.
#ifndef WOOL_FAULT_HPP
#define WOOL_FAULT_HPP

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

#include "encoding.hpp"

namespace wool {
namespace detail {

inline constexpr int max_causes = 16;

// How a task fails, before it is told to wool.
struct Fault {
  Status status = WOOL_ERR_TASK_FAILED;
  std::string type;
  std::string message;
  std::vector<std::string> traceback;
  std::shared_ptr<const Fault> cause;
};

inline std::string demangled(const std::type_info* type) {
  if (type == nullptr) return "unknown type";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status),
                                                    std::free);
  return status == 0 && name ? name.get() : type->name();
}

inline Fault fault_of(const Error& error) {
  Fault fault;
  if (error.status() == WOOL_ERR_CANCELLED) fault.status = WOOL_ERR_CANCELLED;
  fault.type = error.type().empty() ? "wool::Error" : error.type();
  fault.message = error.what();
  fault.traceback = error.traceback();
  if (error.cause() != nullptr) fault.cause = std::make_shared<const Fault>(fault_of(*error.cause()));
  return fault;
}

// Describes an exception; what it nests (std::throw_with_nested) is its cause.
inline Fault fault_of(const std::exception_ptr& exception, int causes = max_causes) {
  Fault fault;
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    fault = fault_of(error);
  } catch (const std::exception& error) {
    fault.type = demangled(&typeid(error));
    fault.message = error.what();
  } catch (const std::string& text) {
    fault.type = "std::string";
    fault.message = text;
  } catch (const char* text) {
    fault.type = "const char*";
    fault.message = text == nullptr ? "" : text;
  } catch (...) {
    fault.type = demangled(abi::__cxa_current_exception_type());
    fault.message = "an exception of type " + fault.type + " was thrown";
  }
  try {
    std::rethrow_exception(exception);
  } catch (const std::nested_exception& outer) {
    // std::throw_with_nested throws a type of its own that derives from the one given.
    const std::string wrapper = "std::_Nested_exception<";
    if (fault.type.compare(0, wrapper.size(), wrapper) == 0) {
      fault.type = fault.type.substr(wrapper.size(), fault.type.size() - wrapper.size() - 1);
    }
    if (causes > 0 && outer.nested_ptr() != nullptr) {
      fault.cause = std::make_shared<const Fault>(fault_of(outer.nested_ptr(), causes - 1));
    }
  } catch (...) {
    // It nests nothing.
  }
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
    lent_.cause = cause_.get();
  }

  const wool_fault_t& get() const noexcept { return lent_; }

 private:
  std::vector<wool_slice_t> lines_;
  ErrorHandle cause_;
  wool_fault_t lent_ = WOOL_FAULT_INIT;
};

// Fails a task; a task that is over already stays so.
inline void fail(wool_task_t task, Status status, std::string_view type, std::string_view message) noexcept {
  wool_fault_t fault = WOOL_FAULT_INIT;
  fault.status = status;
  fault.type = slice(type);
  fault.message = slice(message);
  if (wool_task_fail(task, &fault, nullptr) == WOOL_OK) return;
  // A text that is not UTF-8 is refused, and the task still has to be answered.
  fault.type = slice("std::exception");
  fault.message = slice("the routine failed, with a message that is not UTF-8");
  wool_task_fail(task, &fault, nullptr);
}

inline void fail(wool_task_t task, const Fault& fault) noexcept {
  try {
    const LentFault lent(fault);
    if (wool_task_fail(task, &lent.get(), nullptr) != WOOL_OK) fail(task, fault.status, fault.type, fault.message);
  } catch (...) {
    fail(task, WOOL_ERR_TASK_FAILED, "std::bad_alloc", "no memory to tell how the routine failed");
  }
}

// Fails a task with the exception that is being handled.
inline void fail_with_current(wool_task_t task) noexcept {
  try {
    fail(task, fault_of(std::current_exception()));
  } catch (...) {
    fail(task, WOOL_ERR_TASK_FAILED, "std::bad_alloc", "no memory to tell how the routine failed");
  }
}

// Gives an answer. What wool does not take, too large or no value, fails the task instead.
template <class Give>
void answer(wool_task_t task, const Value& value, Give give) noexcept {
  try {
    const Encoded bytes = encoded(value);
    checked([&](wool_error_t** error) { return give(task, bytes.payload(), error); });
  } catch (const Error& error) {
    fail(task, error.status(), "wool::Error", error.what());
  } catch (...) {
    fail_with_current(task);
  }
}

}  // namespace detail
}  // namespace wool

#endif

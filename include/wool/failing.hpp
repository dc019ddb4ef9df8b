// Exceptions as the failures of tasks: part of wool.hpp.
#ifndef WOOL_FAILING_HPP
#define WOOL_FAILING_HPP

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include "application_error.hpp"

namespace wool {
namespace detail {

inline constexpr int max_causes = 16;

// Describes an exception of a class that nobody registered.
inline Fault unknown_fault(const std::exception_ptr& exception) {
  Fault fault;
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    fault = fault_of(error);
  } catch (const std::exception& error) {
    fault.type = demangled(&typeid(error));
    fault.message = text_of(error.what());
  } catch (const std::string& text) {
    fault.type = "std::string";
    fault.message = text;
  } catch (std::nullptr_t) {
    // Before pointers, which it would be taken for.
    fault.type = "std::nullptr_t";
    fault.message = "nullptr was thrown";
  } catch (const char* text) {
    fault.type = "const char*";
    fault.message = text_of(text);
  } catch (...) {
    fault.type = demangled(abi::__cxa_current_exception_type());
    fault.message = "an exception of type " + fault.type + " was thrown";
  }
  // std::throw_with_nested throws a type of its own that derives from the one given.
  const std::string wrapper = "std::_Nested_exception<";
  if (fault.type.compare(0, wrapper.size(), wrapper) == 0) {
    fault.type = fault.type.substr(wrapper.size(), fault.type.size() - wrapper.size() - 1);
  }
  return fault;
}

// What an exception nests; nullptr if nothing.
inline std::exception_ptr nested(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::nested_exception& outer) {
    return outer.nested_ptr();
  } catch (...) {
    return nullptr;
  }
}

// Describes an exception; what it nests (std::throw_with_nested) is its cause.
inline Fault fault_of(const std::exception_ptr& exception, const SharedErrors& errors, int causes = max_causes) {
  Fault fault;
  const bool known = errors->describe_known(exception, fault);
  if (!known) fault = unknown_fault(exception);
  const std::exception_ptr inner = nested(exception);
  if (inner == nullptr || causes == 0) return fault;
  Fault cause = fault_of(inner, errors, causes - 1);
  if (known && cause.type == fault.type) {
    // The story of the same error, with which a call gave it.
    fault.traceback = std::move(cause.traceback);
    fault.cause = std::move(cause.cause);
  } else {
    fault.cause = std::make_shared<const Fault>(std::move(cause));
  }
  return fault;
}

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
inline void fail_with_current(wool_task_t task, const SharedErrors& errors) noexcept {
  try {
    fail(task, fault_of(std::current_exception(), errors));
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
    fail(task, WOOL_ERR_TASK_FAILED, "std::bad_alloc", "no memory for the answer");
  }
}

}  // namespace detail
}  // namespace wool

#endif

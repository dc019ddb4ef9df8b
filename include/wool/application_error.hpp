// Exception classes of your own that travel with their data: part of wool.hpp.
#ifndef WOOL_APPLICATION_ERROR_HPP
#define WOOL_APPLICATION_ERROR_HPP

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "fault.hpp"

namespace wool {

// How an exception class of yours travels: its name, which is the contract between languages, and its data.
//
//   template <>
//   struct wool::ErrorTraits<OutOfStock> {
//     static constexpr std::string_view name = "shop.OutOfStock";
//     static Value encode(const OutOfStock& error) { return Map{{"item", error.item}, {"left", error.left}}; }
//     static OutOfStock decode(const TaskError& error) { ... error.value() ... error.what() ... }
//   };
//
// Its message is what(), if it has one. Data that cannot be encoded is left out; an error that cannot be decoded comes as
// the TaskError that it is.
template <class E>
struct ErrorTraits;

namespace detail {

template <class E>
std::string message_of(const E& error) {
  if constexpr (std::is_base_of_v<std::exception, E>) {
    return text_of(error.what());
  } else {
    return std::string(ErrorTraits<E>::name);
  }
}

// The exception classes that a runtime knows. From any thread.
class Errors {
 public:
  template <class E>
  void add() {
    const std::lock_guard<std::mutex> guard(mutex_);
    for (const Known& known : known_) {
      if (known.name != ErrorTraits<E>::name) continue;
      throw Error(WOOL_ERR_ALREADY_EXISTS, "an error " + detail::quoted(known.name) + " is registered already: names are unique");
    }
    known_.push_back({std::string(ErrorTraits<E>::name), raise<E>, describe<E>});
  }

  // Throws the error, which is being handled, as an exception of the class that has its type's name, if there is one.
  void raise_known(const TaskError& error) const {
    for (const Known& known : all()) {
      if (known.name == error.type()) known.raise(error);
    }
  }

  // Makes the fault of an exception of a class that is known; false for others.
  bool describe_known(const std::exception_ptr& exception, Fault& fault) const {
    const std::vector<Known> all = this->all();
    for (auto known = all.rbegin(); known != all.rend(); ++known) {
      if (known->describe(exception, fault)) return true;
    }
    return false;
  }

 private:
  struct Known {
    std::string name;
    void (*raise)(const TaskError&);
    bool (*describe)(const std::exception_ptr&, Fault&);
  };

  std::vector<Known> all() const {
    const std::lock_guard<std::mutex> guard(mutex_);
    return known_;
  }

  template <class E>
  static std::optional<E> decoded(const TaskError& error) {
    try {
      return ErrorTraits<E>::decode(error);
    } catch (...) {
      return std::nullopt;
    }
  }

  template <class E>
  static void raise(const TaskError& error) {
    std::optional<E> own = decoded<E>(error);
    if (!own) return;
    // One that is a wool::Error has its whole story; others nest it.
    if constexpr (std::is_base_of_v<Error, E>) {
      throw E(std::move(*own));
    } else {
      std::throw_with_nested(std::move(*own));
    }
  }

  template <class E>
  static bool describe(const std::exception_ptr& exception, Fault& fault) {
    try {
      std::rethrow_exception(exception);
    } catch (const E& error) {
      if constexpr (std::is_base_of_v<Error, E>) fault = fault_of(static_cast<const Error&>(error));
      fault.status = WOOL_ERR_TASK_FAILED;
      fault.type = ErrorTraits<E>::name;
      fault.message = message_of(error);
      try {
        fault.value = encode(ErrorTraits<E>::encode(error));
        fault.codec = WOOL_CODEC_MSGPACK;
      } catch (...) {
        // Type and message still tell what happened.
        fault.codec = 0;
      }
      return true;
    } catch (...) {
      return false;
    }
  }

  mutable std::mutex mutex_;
  std::vector<Known> known_;
};

using SharedErrors = std::shared_ptr<Errors>;

// As checked, for what a routine may have failed with: its error comes as its own class.
template <class Function>
Status checked(const SharedErrors& errors, Function&& function) {
  try {
    return checked(std::forward<Function>(function));
  } catch (const TaskError& error) {
    errors->raise_known(error);
    throw;
  }
}

// The exception that an error is here.
inline std::exception_ptr exception_of(const SharedErrors& errors, const wool_error_t* error) {
  try {
    try {
      raise(wool_error_status(error), error);
    } catch (const TaskError& failure) {
      errors->raise_known(failure);
      throw;
    }
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace detail
}  // namespace wool

#endif

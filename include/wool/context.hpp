// Values that ride along with a call: part of wool.hpp.
#ifndef WOOL_CONTEXT_HPP
#define WOOL_CONTEXT_HPP

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "encoding.hpp"

namespace wool {

// A value that rides along with a call, under a name in a namespace: the worker's admission hook and the routine see it.
struct ContextValue {
  std::string name_space;
  std::string name;
  Value value;
};

// Values that ride along with calls, each under a namespace and a name. A task has one (Task::context); outside of tasks it
// is made by hand, and given as CallOptions::bag. What a callee sets and unsets in its own is in its caller's when the answer
// is. Copies share the values. From any thread.
//
// The namespace "w3c" has two names, "traceparent" and "baggage", whose values are text and do not flow back.
class Context {
 public:
  // Without values.
  Context() {
    wool_context_t* context = nullptr;
    detail::checked([&](wool_error_t** error) { return wool_context_new(&context, error); });
    context_.reset(context, wool_context_free);
  }
  // Takes over what wool.h has made.
  explicit Context(wool_context_t* context) : context_(context, wool_context_free) {}

  // The value of this name, as a T; nothing if there is none. Throws WOOL_ERR_CODEC for what is no T.
  template <class T = Value>
  std::optional<T> get(std::string_view name_space, std::string_view name) const {
    detail::Encoded value;
    const Status status = detail::checked([&](wool_error_t** error) {
      return wool_context_get(get(), detail::slice(name_space), detail::slice(name), value.bytes(), error);
    });
    if (status == WOOL_END) return std::nullopt;
    return Codec<T>::decode(detail::decoded(value.payload()));
  }

  // Sets a value, of a type that has a Codec. Throws WOOL_ERR_PAYLOAD_TOO_LARGE when there would be more than 64 KiB,
  // WOOL_ERR_INVALID_ARGUMENT in "w3c" for another name or what is no text, WOOL_ERR_CODEC.
  template <class V>
  void set(std::string_view name_space, std::string_view name, V&& value) {
    const detail::Encoded given = detail::encoded(Codec<std::decay_t<V>>::encode(std::forward<V>(value)));
    detail::checked([&](wool_error_t** error) {
      return wool_context_set(get(), detail::slice(name_space), detail::slice(name), given.payload(), error);
    });
  }

  // Takes a value away: here, and where the context flows to.
  void unset(std::string_view name_space, std::string_view name) {
    detail::checked([&](wool_error_t** error) {
      return wool_context_unset(get(), detail::slice(name_space), detail::slice(name), error);
    });
  }

  // For what only wool.h offers. It stays this object's.
  wool_context_t* get() const noexcept { return context_.get(); }

 private:
  std::shared_ptr<wool_context_t> context_;
};

namespace detail {

// Context as wool takes it; valid as long as what it was made of.
class LentContext {
 public:
  explicit LentContext(const std::vector<ContextValue>& context) {
    encoded_.reserve(context.size());
    for (const ContextValue& entry : context) {
      encoded_.push_back(encoded(entry.value));
      lent_.push_back({slice(entry.name_space), slice(entry.name), encoded_.back().payload()});
    }
  }

  const wool_context_value_t* data() const noexcept { return lent_.data(); }
  std::size_t size() const noexcept { return lent_.size(); }

 private:
  std::vector<Encoded> encoded_;
  std::vector<wool_context_value_t> lent_;
};

inline std::string_view view(wool_slice_t text) noexcept {
  return text.len == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text.ptr), text.len);
}

// The value of this name: of two, the later counts.
inline std::optional<Value> find(const wool_context_value_t* context, std::size_t count, std::string_view name_space,
                                 std::string_view name) {
  for (std::size_t i = count; i > 0; i--) {
    const wool_context_value_t& entry = context[i - 1];
    if (view(entry.namespace_) == name_space && view(entry.name) == name) return decoded(entry.value);
  }
  return std::nullopt;
}

}  // namespace detail
}  // namespace wool

#endif

// Values that ride along with a call: part of wool.hpp.
#ifndef WOOL_CONTEXT_HPP
#define WOOL_CONTEXT_HPP

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encoding.hpp"

namespace wool {

// A value that rides along with a call, under a name in a namespace: the worker's admission hook and the routine see it.
struct ContextValue {
  std::string name_space;
  std::string name;
  Value value;
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

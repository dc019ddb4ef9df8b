// What is pulled, in a range-for: part of wool.hpp.
#ifndef WOOL_ITERATOR_HPP
#define WOOL_ITERATOR_HPP

#include <cstddef>
#include <iterator>
#include <optional>

namespace wool {
namespace detail {

// The items of a source, once: each increment pulls one by its next, and throws as that does.
template <class Source, class T>
class Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using pointer = T*;
  using reference = T&;

  // The end.
  Iterator() = default;
  explicit Iterator(Source& source) : source_(&source), item_(source.next()) {}

  T& operator*() noexcept { return *item_; }
  T* operator->() noexcept { return &*item_; }
  Iterator& operator++() {
    item_ = source_->next();
    return *this;
  }
  void operator++(int) { ++*this; }
  // Only whether both are at the end is of interest.
  friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
    return a.item_.has_value() == b.item_.has_value();
  }
  friend bool operator!=(const Iterator& a, const Iterator& b) noexcept { return !(a == b); }

 private:
  Source* source_ = nullptr;
  std::optional<T> item_;
};

}  // namespace detail
}  // namespace wool

#endif

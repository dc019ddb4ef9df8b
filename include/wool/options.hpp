// How options are handed to wool.h: part of wool.hpp.
#ifndef WOOL_OPTIONS_HPP
#define WOOL_OPTIONS_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "error.hpp"

namespace wool {

using std::chrono::milliseconds;

// As a time to wait: for ever.
inline constexpr milliseconds forever{-1};

namespace detail {

inline std::vector<wool_slice_t> slices(const std::vector<std::string>& texts) {
  std::vector<wool_slice_t> slices;
  slices.reserve(texts.size());
  for (const std::string& text : texts) slices.push_back(slice(text));
  return slices;
}

// A span as an option, where a negative one would become a very long one.
inline std::uint64_t option(milliseconds span, const char* name) {
  if (span.count() < 0) throw Error(WOOL_ERR_INVALID_ARGUMENT, std::string(name) + " is negative; 0 is the default");
  return static_cast<std::uint64_t>(span.count());
}

}  // namespace detail

}  // namespace wool

#endif

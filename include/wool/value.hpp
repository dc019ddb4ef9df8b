// Values, and C++ types as values: part of wool.hpp.
#ifndef WOOL_VALUE_HPP
#define WOOL_VALUE_HPP

#include <cstdint>
#include <cstddef>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "error.hpp"

namespace wool {

class Value;
struct Entry;

using Bytes = std::vector<std::uint8_t>;
using List = std::vector<Value>;
// In the order of the wire. Keys are any values; the same one twice, or NaN, is refused when it is encoded.
using Map = std::vector<Entry>;

// A value of a kind that C++ has no common type for, kept whole: what was received can be sent on. Which fields count
// is said at wool_value_kind_t; a tuple, a set and a named value have `contents`.
struct Extended {
  wool_value_kind_t kind = WOOL_VALUE_TUPLE;
  std::int64_t integer = 0;
  std::uint32_t nanos = 0;
  std::string bytes;
  List contents;
};

// A value as it travels. Decoded ints are std::int64_t, and std::uint64_t only beyond its range.
//
//   wool::Value dog = wool::Map{{"name", "Rex"}, {"age", 7}, {"toys", wool::List{"ball", nullptr}}};
//   dog.as<wool::Map>().at(0).key.as<std::string>();  // "name"
class Value {
 public:
  using Variant = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, List, Map,
                               Extended>;

  Value() noexcept;
  Value(std::nullptr_t) noexcept;
  // Only of a bool: a pointer is none.
  template <class T, std::enable_if_t<std::is_same_v<T, bool>, int> = 0>
  Value(T boolean) : Value(Made(), of(boolean)) {}
  template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0,
            class = std::enable_if_t<sizeof(T) <= 8>>
  Value(T integer)
      : Value(Made(), of(static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(integer))) {}
  // A float always stays one: 1.0 is not the int 1. A long double is refused: it would be cut.
  Value(double number);
  Value(float number);
  Value(long double) = delete;
  Value(const char* text);
  Value(std::string_view text);
  Value(std::string text);
  Value(Bytes bytes);
  Value(List list);
  Value(Map map);
  Value(Extended extended);

  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  // The value as a T, converted only where nothing is lost; see Codec. Throws WOOL_ERR_CODEC.
  template <class T>
  T as() const;

  bool is_null() const noexcept;
  // For std::visit and std::get_if.
  const Variant& variant() const noexcept { return variant_; }
  Variant& variant() noexcept { return variant_; }
  // What it is, in the words of the error messages: "int", "string", ...
  std::string_view kind_name() const noexcept;

 private:
  struct Made {};
  Value(Made, Variant&& variant) noexcept;
  static Variant of(bool boolean);
  static Variant of(std::int64_t integer);
  static Variant of(std::uint64_t integer);

  Variant variant_;
};

// A pair of a map.
struct Entry {
  Value key;
  Value value;
};

// Not in the class: a variant can be made and destroyed once an Entry is complete, and an Entry holds Values.
inline Value::Value() noexcept : variant_(nullptr) {}
inline Value::Value(std::nullptr_t) noexcept : variant_(nullptr) {}
inline Value::Value(Made, Variant&& variant) noexcept : variant_(std::move(variant)) {}
inline Value::Variant Value::of(bool boolean) { return boolean; }
inline Value::Variant Value::of(std::int64_t integer) { return integer; }
inline Value::Variant Value::of(std::uint64_t integer) {
  if (integer <= INT64_MAX) return static_cast<std::int64_t>(integer);
  return integer;
}
inline Value::Value(double number) : variant_(number) {}
inline Value::Value(float number) : variant_(double{number}) {}
inline Value::Value(const char* text) : variant_(std::string(text)) {}
inline Value::Value(std::string_view text) : variant_(std::string(text)) {}
inline Value::Value(std::string text) : variant_(std::move(text)) {}
inline Value::Value(Bytes bytes) : variant_(std::move(bytes)) {}
inline Value::Value(List list) : variant_(std::move(list)) {}
inline Value::Value(Map map) : variant_(std::move(map)) {}
inline Value::Value(Extended extended) : variant_(std::move(extended)) {}
inline Value::Value(const Value&) = default;
inline Value::Value(Value&&) noexcept = default;
inline Value& Value::operator=(const Value&) = default;
inline Value& Value::operator=(Value&&) noexcept = default;
inline Value::~Value() = default;
inline bool Value::is_null() const noexcept { return std::holds_alternative<std::nullptr_t>(variant_); }

// The arguments of a call: by position, and by name (whose keys are strings). A routine that takes it, as its only
// parameter, gets whatever comes; a call that is given it sends both.
struct Arguments {
  List positional;
  Map named;
};

namespace detail {

inline std::string_view kind_name(wool_value_kind_t kind) noexcept {
  switch (kind) {
    case WOOL_VALUE_NULL: return "null";
    case WOOL_VALUE_BOOL: return "bool";
    case WOOL_VALUE_INT:
    case WOOL_VALUE_UINT:
    case WOOL_VALUE_BIGINT: return "int";
    case WOOL_VALUE_FLOAT: return "float";
    case WOOL_VALUE_STRING: return "string";
    case WOOL_VALUE_BYTES: return "bytes";
    case WOOL_VALUE_LIST: return "list";
    case WOOL_VALUE_MAP: return "map";
    case WOOL_VALUE_TUPLE: return "tuple";
    case WOOL_VALUE_SET: return "set";
    case WOOL_VALUE_TIMESTAMP: return "timestamp";
    case WOOL_VALUE_DATE: return "date";
    case WOOL_VALUE_TIME: return "time";
    case WOOL_VALUE_DURATION: return "duration";
    case WOOL_VALUE_DECIMAL: return "decimal";
    case WOOL_VALUE_UUID: return "uuid";
    case WOOL_VALUE_NAMED: return "named value";
  }
  return "unknown value";
}

[[noreturn]] inline void mismatch(const std::string& expected, const Value& found) {
  throw Error(WOOL_ERR_CODEC, "expected " + expected + ", found " + std::string(found.kind_name()));
}

// Adds what `error` says about a part, e.g. "element 3", of the value that is converted.
[[noreturn]] inline void within(const std::string& part, const Error& error) {
  throw Error(error.status(), part + ": " + error.what());
}

// The elements of a list, a tuple or a set; nullptr of anything else.
inline const List* elements(const Value& value) noexcept {
  if (const auto* list = std::get_if<List>(&value.variant())) return list;
  const auto* extended = std::get_if<Extended>(&value.variant());
  if (extended == nullptr) return nullptr;
  return extended->kind == WOOL_VALUE_TUPLE || extended->kind == WOOL_VALUE_SET ? &extended->contents : nullptr;
}

}  // namespace detail

inline std::string_view Value::kind_name() const noexcept {
  static constexpr wool_value_kind_t kinds[] = {WOOL_VALUE_NULL,  WOOL_VALUE_BOOL,   WOOL_VALUE_INT,
                                                WOOL_VALUE_UINT,  WOOL_VALUE_FLOAT,  WOOL_VALUE_STRING,
                                                WOOL_VALUE_BYTES, WOOL_VALUE_LIST,   WOOL_VALUE_MAP};
  if (const auto* extended = std::get_if<Extended>(&variant_)) return detail::kind_name(extended->kind);
  return variant_.index() < std::size(kinds) ? detail::kind_name(kinds[variant_.index()]) : "unknown value";
}

// How a C++ type is a value: arithmetic types, strings, Bytes, Value and its parts, and std::optional (null or a
// value), std::vector, std::tuple and std::map of such types. Specialise it for types of your own:
//
//   template <>
//   struct wool::Codec<Point> {
//     static Value encode(const Point& point) { return List{point.x, point.y}; }
//     static Point decode(const Value& value) {  // throws wool::Error(WOOL_ERR_CODEC, "expected ...")
//       auto [x, y] = value.as<std::tuple<double, double>>();
//       return {x, y};
//     }
//   };
template <class T, class = void>
struct Codec;

template <>
struct Codec<Value> {
  static Value encode(Value value) { return value; }
  static Value decode(const Value& value) { return value; }
};

// The types that are kinds themselves.
template <class T>
struct Codec<T, std::enable_if_t<std::is_same_v<T, bool> || std::is_same_v<T, std::string> || std::is_same_v<T, Bytes> ||
                                 std::is_same_v<T, List> || std::is_same_v<T, Map> || std::is_same_v<T, Extended> ||
                                 std::is_same_v<T, std::nullptr_t>>> {
  static Value encode(T value) { return Value(std::move(value)); }
  static T decode(const Value& value) {
    if (const T* found = std::get_if<T>(&value.variant())) return *found;
    if constexpr (std::is_same_v<T, List>) {
      if (const List* found = detail::elements(value)) return *found;
    }
    if constexpr (std::is_same_v<T, Extended>) detail::mismatch("a value of an extended kind", value);
    detail::mismatch(std::string(Value(T()).kind_name()), value);
  }
};

// Text that is sent; what is received is a std::string.
template <>
struct Codec<std::string_view> {
  static Value encode(std::string_view text) { return text; }
};
template <>
struct Codec<const char*> {
  static Value encode(const char* text) { return text; }
};

template <class T>
struct Codec<T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
  static Value encode(T integer) { return integer; }
  static T decode(const Value& value) {
    if (const auto* found = std::get_if<std::int64_t>(&value.variant())) {
      if constexpr (std::is_signed_v<T>) {
        if (*found >= std::numeric_limits<T>::min() && *found <= std::numeric_limits<T>::max()) {
          return static_cast<T>(*found);
        }
      } else if (*found >= 0 && static_cast<std::uint64_t>(*found) <= std::numeric_limits<T>::max()) {
        return static_cast<T>(*found);
      }
      throw Error(WOOL_ERR_CODEC, "expected " + expected() + ", found the int " + std::to_string(*found));
    }
    if (const auto* found = std::get_if<std::uint64_t>(&value.variant())) {
      if (*found <= static_cast<std::make_unsigned_t<T>>(std::numeric_limits<T>::max())) return static_cast<T>(*found);
      throw Error(WOOL_ERR_CODEC, "expected " + expected() + ", found the int " + std::to_string(*found));
    }
    detail::mismatch(expected(), value);
  }

 private:
  static std::string expected() {
    return (std::is_signed_v<T> ? "int of " : "unsigned int of ") + std::to_string(8 * sizeof(T)) + " bits";
  }
};

// An int is taken for a float as long as it is exactly one.
template <>
struct Codec<double> {
  static Value encode(double number) { return number; }
  static double decode(const Value& value) {
    if (const auto* found = std::get_if<double>(&value.variant())) return *found;
    if (const auto* found = std::get_if<std::int64_t>(&value.variant())) {
      constexpr std::int64_t exact = std::int64_t{1} << 53;
      if (*found >= -exact && *found <= exact) return static_cast<double>(*found);
      throw Error(WOOL_ERR_CODEC, "expected float, found the int " + std::to_string(*found) + ", which is none exactly");
    }
    detail::mismatch("float", value);
  }
};
template <>
struct Codec<float> {
  static Value encode(float number) { return number; }
  static float decode(const Value& value) {
    const double wide = Codec<double>::decode(value);
    const bool fits = wide - wide != 0 || (wide >= -std::numeric_limits<float>::max() &&
                                           wide <= std::numeric_limits<float>::max());
    if (!fits) throw Error(WOOL_ERR_CODEC, "expected float of 32 bits, found " + std::to_string(wide));
    return static_cast<float>(wide);
  }
};

template <class T>
struct Codec<std::optional<T>> {
  static Value encode(std::optional<T> value) { return value ? Codec<T>::encode(std::move(*value)) : Value(); }
  static std::optional<T> decode(const Value& value) {
    if (value.is_null()) return std::nullopt;
    return Codec<T>::decode(value);
  }
};

template <class T>
struct Codec<std::vector<T>, std::enable_if_t<!std::is_same_v<T, std::uint8_t> && !std::is_same_v<T, Value> &&
                                              !std::is_same_v<T, Entry>>> {
  static Value encode(const std::vector<T>& values) {
    List list;
    list.reserve(values.size());
    for (const T& value : values) list.push_back(Codec<T>::encode(value));
    return list;
  }
  static std::vector<T> decode(const Value& value) {
    const List* list = detail::elements(value);
    if (list == nullptr) detail::mismatch("list", value);
    std::vector<T> values;
    values.reserve(list->size());
    for (const Value& element : *list) {
      try {
        values.push_back(Codec<T>::decode(element));
      } catch (const Error& error) {
        detail::within("element " + std::to_string(values.size()), error);
      }
    }
    return values;
  }
};

template <class K, class T>
struct Codec<std::map<K, T>> {
  static Value encode(const std::map<K, T>& values) {
    Map map;
    for (const auto& [key, value] : values) map.push_back({Codec<K>::encode(key), Codec<T>::encode(value)});
    return map;
  }
  static std::map<K, T> decode(const Value& value) {
    const auto* map = std::get_if<Map>(&value.variant());
    if (map == nullptr) detail::mismatch("map", value);
    std::map<K, T> values;
    for (std::size_t i = 0; i < map->size(); i++) {
      try {
        values.emplace(Codec<K>::decode((*map)[i].key), Codec<T>::decode((*map)[i].value));
      } catch (const Error& error) {
        detail::within("entry " + std::to_string(i), error);
      }
    }
    return values;
  }
};

template <class... T>
struct Codec<std::tuple<T...>> {
  static Value encode(std::tuple<T...> values) {
    Extended tuple;
    std::apply([&](auto&... value) { (tuple.contents.push_back(Codec<T>::encode(std::move(value))), ...); }, values);
    return tuple;
  }
  static std::tuple<T...> decode(const Value& value) {
    const List* list = detail::elements(value);
    if (list == nullptr || list->size() != sizeof...(T)) {
      if (list == nullptr) detail::mismatch("tuple", value);
      throw Error(WOOL_ERR_CODEC, "expected " + std::to_string(sizeof...(T)) + " elements, found " +
                                      std::to_string(list->size()));
    }
    return decode(*list, std::index_sequence_for<T...>());
  }

 private:
  template <std::size_t... I>
  static std::tuple<T...> decode([[maybe_unused]] const List& list, std::index_sequence<I...>) {
    return std::tuple<T...>{element<T>(list[I], I)...};
  }
  template <class E>
  static E element(const Value& value, std::size_t index) {
    try {
      return Codec<E>::decode(value);
    } catch (const Error& error) {
      detail::within("element " + std::to_string(index), error);
    }
  }
};

template <class T>
T Value::as() const {
  return Codec<T>::decode(*this);
}

}  // namespace wool

#endif

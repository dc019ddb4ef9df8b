// Values, and C++ types as values: part of wool.hpp.
#ifndef WOOL_VALUE_HPP
#define WOOL_VALUE_HPP

#include <cstdint>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
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

// A value that is not what was asked for: WOOL_ERR_CODEC, and where in the value. The message begins with the place,
// unless that is the whole: "$.items[3].name: expected string, found int".
class ValueError : public Error {
 public:
  explicit ValueError(const std::string& detail, const std::string& place = {})
      : Error(WOOL_ERR_CODEC, place.empty() ? detail : "$" + place + ": " + detail),
        story_(std::make_shared<const Story>(Story{detail, "$" + place})) {}

  // What is wrong, without the place.
  const std::string& detail() const noexcept { return story_->detail; }
  // Where: "$" is the value as a whole, "$.items[3].name" a part of it.
  const std::string& path() const noexcept { return story_->path; }

 private:
  struct Story {
    std::string detail;
    std::string path;
  };
  std::shared_ptr<const Story> story_;
};

// Arguments by name, after those by position:
//
//   pool.call<int>("calc.scaled", 1, 2, wool::Named{{"scale", 10}});
struct Named {
  Named(std::initializer_list<Entry> arguments);
  Map arguments;
};

// The arguments of a call: by position, and by name (whose keys are strings). A routine that takes it, as its only
// parameter, gets whatever comes; a call that is given it sends both.
struct Arguments {
  List positional;
  Map named;
};

inline Named::Named(std::initializer_list<Entry> given) : arguments(given) {}

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
  throw ValueError("expected " + expected + ", found " + std::string(found.kind_name()));
}

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

// Adds where the part is, e.g. "[3]", to what is wrong with a part of the value that is converted.
[[noreturn]] inline void within(const std::string& segment, const Error& error) {
  if (const auto* value = dynamic_cast<const ValueError*>(&error)) {
    throw ValueError(value->detail(), segment + value->path().substr(1));
  }
  throw ValueError(error.what(), segment);
}

inline std::string at_index(std::size_t index) { return "[" + std::to_string(index) + "]"; }

// A name in quotes, shortened: keys may be what a stranger has sent.
inline std::string quoted(std::string_view name) {
  constexpr std::size_t most = 64;
  if (name.size() <= most) return '"' + std::string(name) + '"';
  std::size_t end = most;
  // Not within a character.
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) end--;
  return '"' + std::string(name.substr(0, end)) + "\u2026\"";
}

inline std::string at_name(std::string_view name) {
  bool word = !name.empty() && name.size() <= 64 && !(name[0] >= '0' && name[0] <= '9');
  for (const char letter : name) {
    word = word && (letter == '_' || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                    (letter >= '0' && letter <= '9') || static_cast<unsigned char>(letter) >= 0x80);
  }
  return word ? "." + std::string(name) : "[" + detail::quoted(name) + "]";
}

// Of the value under `key`, the `index`th of a map.
inline std::string at_entry(const Value& key, std::size_t index) {
  if (const auto* name = std::get_if<std::string>(&key.variant())) return at_name(*name);
  if (const auto* number = std::get_if<std::int64_t>(&key.variant())) return "[" + std::to_string(*number) + "]";
  if (const auto* boolean = std::get_if<bool>(&key.variant())) return *boolean ? "[true]" : "[false]";
  if (key.is_null()) return "[null]";
  return "<value " + std::to_string(index) + ">";
}

inline std::string in_key(std::size_t index) { return "<key " + std::to_string(index) + ">"; }

// Runs `convert`, whose errors are about the part at `segment`.
template <class Convert, class Segment>
auto part(const Segment& segment, const Convert& convert) -> decltype(convert()) {
  try {
    return convert();
  } catch (const Error& error) {
    within(segment(), error);
  }
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
// value), std::vector, std::tuple and std::map of such types, and structs that list their Fields. Specialise it for other
// types of your own:
//
//   template <>
//   struct wool::Codec<Point> {
//     static Value encode(const Point& point) { return List{point.x, point.y}; }
//     static Point decode(const Value& value) {  // throws wool::ValueError("expected ...")
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
      throw ValueError("expected " + expected() + ", found the int " + std::to_string(*found));
    }
    if (const auto* found = std::get_if<std::uint64_t>(&value.variant())) {
      if (*found <= static_cast<std::make_unsigned_t<T>>(std::numeric_limits<T>::max())) return static_cast<T>(*found);
      throw ValueError("expected " + expected() + ", found the int " + std::to_string(*found));
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
      throw ValueError("expected float, found the int " + std::to_string(*found) + ", which is none exactly");
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
    if (!fits) throw ValueError("expected float of 32 bits, found " + std::to_string(wide));
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
      const auto place = [&] { return detail::at_index(values.size()); };
      values.push_back(detail::part(place, [&] { return Codec<T>::decode(element); }));
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
      const Entry& entry = (*map)[i];
      K key = detail::part([&] { return detail::in_key(i); }, [&] { return Codec<K>::decode(entry.key); });
      T found = detail::part([&] { return detail::at_entry(entry.key, i); }, [&] { return Codec<T>::decode(entry.value); });
      values.emplace(std::move(key), std::move(found));
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
      throw ValueError("expected " + std::to_string(sizeof...(T)) + " elements, found " +
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
    return detail::part([&] { return detail::at_index(index); }, [&] { return Codec<E>::decode(value); });
  }
};

// A member of a struct, and its name as a map's key. See Fields.
template <class T, class M>
struct Field {
  std::string_view name;
  M T::*member;
};

template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::*member) {
  return {name, member};
}

// A struct of yours is a map from names to values once its fields are listed:
//
//   template <>
//   struct wool::Fields<Point> {
//     static constexpr auto list = std::tuple(wool::field("x", &Point::x), wool::field("y", &Point::y));
//   };
//
// It must have a default constructor. Keys that it has no field for are passed over, so that one side can learn of a
// field before the other; a field without a key is an error, unless it is a std::optional.
template <class T>
struct Fields;

template <class T>
struct Codec<T, std::void_t<decltype(Fields<T>::list)>> {
  static Value encode(const T& from) {
    Map map;
    std::apply(
        [&](const auto&... field) {
          (map.push_back({field.name, encode_member(from.*(field.member))}), ...);
        },
        Fields<T>::list);
    return map;
  }

  static T decode(const Value& value) {
    const auto* map = std::get_if<Map>(&value.variant());
    if (map == nullptr) detail::mismatch("map", value);
    T to{};
    std::apply([&](const auto&... field) { (decode_member(*map, field, to), ...); }, Fields<T>::list);
    return to;
  }

 private:
  template <class M>
  static Value encode_member(const M& member) {
    return Codec<M>::encode(member);
  }

  template <class M>
  static void decode_member(const Map& map, const Field<T, M>& field, T& to) {
    const auto place = [&] { return detail::at_name(field.name); };
    for (const Entry& entry : map) {
      const auto* name = std::get_if<std::string>(&entry.key.variant());
      if (name == nullptr || *name != field.name) continue;
      to.*(field.member) = detail::part(place, [&] { return Codec<M>::decode(entry.value); });
      return;
    }
    if constexpr (!detail::is_optional<M>) throw ValueError("the field is missing", place());
  }
};

template <class T>
T Value::as() const {
  return Codec<T>::decode(*this);
}

}  // namespace wool

#endif

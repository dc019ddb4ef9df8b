// Values as bytes: part of wool.hpp.
#ifndef WOOL_ENCODING_HPP
#define WOOL_ENCODING_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "value.hpp"

namespace wool {
namespace detail {

// Bytes that wool made.
class Encoded {
 public:
  Encoded() = default;
  // Takes them over.
  Encoded(wool_bytes_t bytes, std::int32_t codec) noexcept : bytes_(bytes), codec_(codec) {}
  Encoded(Encoded&& other) noexcept : bytes_(std::exchange(other.bytes_, {})), codec_(other.codec_) {}
  Encoded& operator=(Encoded&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(codec_, other.codec_);
    return *this;
  }
  ~Encoded() { wool_bytes_free(&bytes_); }

  wool_payload_t payload() const noexcept { return {{bytes_.ptr, bytes_.len}, codec_}; }
  // For wool to write to, once.
  wool_bytes_t* bytes() noexcept { return &bytes_; }
  std::int32_t* codec() noexcept { return &codec_; }

 private:
  wool_bytes_t bytes_{};
  std::int32_t codec_ = WOOL_CODEC_MSGPACK;
};

class Builder {
 public:
  Builder() {
    wool_value_builder_t* builder = nullptr;
    checked([&](wool_error_t** error) { return wool_value_builder_new(&builder, error); });
    builder_.reset(builder);
  }

  // The builder's errors stick, and are told by finish.
  void add(const Value& value) {
    std::visit([this](const auto& found) { add_kind(found); }, value.variant());
  }

  void add(const Arguments& arguments) {
    wool_value_builder_arguments(get(), arguments.positional.size(), arguments.named.size(), nullptr);
    add_all(arguments.positional);
    add_pairs(arguments.named);
  }

  Encoded finish() {
    Encoded encoded;
    checked([&](wool_error_t** error) { return wool_value_builder_finish(get(), encoded.bytes(), error); });
    return encoded;
  }

 private:
  wool_value_builder_t* get() const noexcept { return builder_.get(); }

  void add_kind(std::nullptr_t) { wool_value_builder_null(get(), nullptr); }
  void add_kind(bool boolean) { wool_value_builder_bool(get(), boolean ? 1 : 0, nullptr); }
  void add_kind(std::int64_t integer) { wool_value_builder_int(get(), integer, nullptr); }
  void add_kind(std::uint64_t integer) { wool_value_builder_uint(get(), integer, nullptr); }
  void add_kind(double number) { wool_value_builder_float(get(), number, nullptr); }
  void add_kind(const std::string& text) { wool_value_builder_string(get(), slice(text), nullptr); }
  void add_kind(const Bytes& bytes) { wool_value_builder_bytes(get(), {bytes.data(), bytes.size()}, nullptr); }
  void add_kind(const List& list) {
    wool_value_builder_list(get(), list.size(), nullptr);
    add_all(list);
  }
  void add_kind(const Map& map) {
    wool_value_builder_map(get(), map.size(), nullptr);
    add_pairs(map);
  }
  void add_kind(const Extended& value);

  void add_all(const List& list) {
    for (const Value& value : list) add(value);
  }
  void add_pairs(const Map& map) {
    for (const Entry& entry : map) {
      add(entry.key);
      add(entry.value);
    }
  }

  Handle<wool_value_builder_t, wool_value_builder_free> builder_;
};

inline void Builder::add_kind(const Extended& value) {
  switch (value.kind) {
    case WOOL_VALUE_TUPLE: wool_value_builder_tuple(get(), value.contents.size(), nullptr); break;
    case WOOL_VALUE_SET: wool_value_builder_set(get(), value.contents.size(), nullptr); break;
    case WOOL_VALUE_TIMESTAMP: wool_value_builder_timestamp(get(), value.integer, value.nanos, nullptr); break;
    case WOOL_VALUE_DURATION: wool_value_builder_duration(get(), value.integer, value.nanos, nullptr); break;
    case WOOL_VALUE_DATE: wool_value_builder_date(get(), Codec<std::int32_t>::decode(value.integer), nullptr); break;
    case WOOL_VALUE_TIME: wool_value_builder_time(get(), Codec<std::uint64_t>::decode(value.integer), nullptr); break;
    case WOOL_VALUE_DECIMAL: wool_value_builder_decimal(get(), slice(value.bytes), nullptr); break;
    case WOOL_VALUE_UUID: wool_value_builder_uuid(get(), slice(value.bytes), nullptr); break;
    case WOOL_VALUE_BIGINT:
      wool_value_builder_bigint(get(), value.integer < 0 ? -1 : 1, slice(value.bytes), nullptr);
      break;
    case WOOL_VALUE_NAMED: wool_value_builder_named(get(), slice(value.bytes), nullptr); break;
    default:
      throw Error(WOOL_ERR_CODEC, "Extended does not hold a " + std::string(kind_name(value.kind)) +
                                      ": use the kind's own C++ type");
  }
  add_all(value.contents);
}

// Reads what the library has checked as a whole: depth and length are bounded.
class Reader {
 public:
  explicit Reader(wool_slice_t data) {
    wool_value_reader_t* reader = nullptr;
    checked([&](wool_error_t** error) { return wool_value_reader_new(data, &reader, error); });
    reader_.reset(reader);
  }

  Reader(wool_slice_t data, std::size_t& positional, std::size_t& named) {
    wool_value_reader_t* reader = nullptr;
    checked([&](wool_error_t** error) {
      return wool_value_reader_new_arguments(data, &reader, &positional, &named, error);
    });
    reader_.reset(reader);
  }

  Value value() {
    wool_value_t head{};
    const Status status =
        checked([&](wool_error_t** error) { return wool_value_reader_next(reader_.get(), &head, error); });
    if (status == WOOL_END) throw Error(WOOL_ERR_CODEC, "expected a value, found the end");
    switch (head.kind) {
      case WOOL_VALUE_NULL: return nullptr;
      case WOOL_VALUE_BOOL: return head.boolean != 0;
      case WOOL_VALUE_INT: return head.integer;
      case WOOL_VALUE_UINT: return head.unsigned_integer;
      case WOOL_VALUE_FLOAT: return head.number;
      case WOOL_VALUE_STRING: return string(head.bytes);
      case WOOL_VALUE_BYTES: return bytes(head.bytes);
      case WOOL_VALUE_LIST: return list(head.count);
      case WOOL_VALUE_MAP: return map(head.count);
      default: return extended(head);
    }
  }

  List list(std::size_t count) {
    List list;
    list.reserve(count);
    for (std::size_t i = 0; i < count; i++) list.push_back(value());
    return list;
  }

  Map map(std::size_t count) {
    Map map;
    map.reserve(count);
    for (std::size_t i = 0; i < count; i++) {
      Value key = value();
      map.push_back({std::move(key), value()});
    }
    return map;
  }

  static Bytes bytes(wool_slice_t slice) {
    return slice.len == 0 ? Bytes() : Bytes(slice.ptr, slice.ptr + slice.len);
  }

 private:
  Value extended(const wool_value_t& head) {
    Extended value;
    value.kind = static_cast<wool_value_kind_t>(head.kind);
    switch (head.kind) {
      case WOOL_VALUE_TUPLE:
      case WOOL_VALUE_SET: value.contents = list(head.count); break;
      case WOOL_VALUE_TIMESTAMP:
      case WOOL_VALUE_DURATION:
        value.integer = head.integer;
        value.nanos = head.nanos;
        break;
      case WOOL_VALUE_DATE:
      case WOOL_VALUE_TIME: value.integer = head.integer; break;
      case WOOL_VALUE_DECIMAL:
      case WOOL_VALUE_UUID: value.bytes = string(head.bytes); break;
      case WOOL_VALUE_BIGINT:
        value.integer = head.integer;
        value.bytes = string(head.bytes);
        break;
      case WOOL_VALUE_NAMED:
        value.bytes = string(head.bytes);
        value.contents = list(1);
        break;
      default:
        throw Error(WOOL_ERR_CODEC, "a value of kind " + std::to_string(head.kind) + " is newer than this header");
    }
    return value;
  }

  Handle<wool_value_reader_t, wool_value_reader_free> reader_;
};

}  // namespace detail

// The bytes of a value, in MessagePack. Throws WOOL_ERR_CODEC.
inline Bytes encode(const Value& value) {
  detail::Builder builder;
  builder.add(value);
  return detail::Reader::bytes(builder.finish().payload().data);
}

// The value that `size` bytes at `data` encode. Throws WOOL_ERR_CODEC for what is none.
inline Value decode(const std::uint8_t* data, std::size_t size) { return detail::Reader({data, size}).value(); }
inline Value decode(const Bytes& bytes) { return decode(bytes.data(), bytes.size()); }

namespace detail {

inline Encoded encoded(const Value& value) {
  Builder builder;
  builder.add(value);
  return builder.finish();
}

inline Encoded encoded(const Arguments& arguments) {
  Builder builder;
  builder.add(arguments);
  return builder.finish();
}

// Raw bytes mean themselves.
inline Value decoded(wool_payload_t payload) {
  if (payload.codec == WOOL_CODEC_RAW) return Reader::bytes(payload.data);
  return Reader(payload.data).value();
}

inline Arguments decoded_arguments(wool_payload_t payload) {
  Arguments arguments;
  if (payload.codec == WOOL_CODEC_RAW) {
    arguments.positional.push_back(Reader::bytes(payload.data));
    return arguments;
  }
  std::size_t positional = 0, named = 0;
  Reader reader(payload.data, positional, named);
  arguments.positional = reader.list(positional);
  arguments.named = reader.map(named);
  return arguments;
}

}  // namespace detail

inline std::optional<Value> Error::value() const {
  if (codec() == 0) return std::nullopt;
  return detail::decoded({{encoded_value().data(), encoded_value().size()}, codec()});
}

inline TaskError::TaskError(std::string type, const std::string& message, const Value& value)
    : Error(WOOL_ERR_TASK_FAILED, message, std::move(type), encode(value)) {}

}  // namespace wool

#endif

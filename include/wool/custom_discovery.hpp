// Discoveries of one's own: part of wool.hpp.
#ifndef WOOL_CUSTOM_DISCOVERY_HPP
#define WOOL_CUSTOM_DISCOVERY_HPP

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "discovery.hpp"

namespace wool {

// A pool that wants to be told of workers, from any thread. Copies stand for the same; telling one that does not listen any
// more does nothing.
class Subscription {
 public:
  explicit Subscription(wool_subscription_t handle) noexcept : handle_(handle) {}

  // There is a worker, or a newer record of it.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for a record without an address, or with a uid that is none.
  void found(const WorkerRecord& record) const {
    const detail::Encoded encoded = detail::encoded(Codec<WorkerRecord>::encode(record));
    detail::checked(
        [&](wool_error_t** error) { return wool_subscription_found(handle_, encoded.payload().data, error); });
  }
  // A worker has gone: its uid or, where its record has none, its first address.
  void gone(std::string_view key) const {
    detail::checked([&](wool_error_t** error) { return wool_subscription_gone(handle_, detail::slice(key), error); });
  }
  // All that was there at the beginning has been told; or, after `failed`, it works again. Until then calls wait for workers
  // that may still come.
  void scanned() const noexcept { wool_subscription_scanned(handle_, nullptr); }
  // Workers cannot be found at present, and why; those that are known stay.
  void failed(std::string_view message) const {
    detail::checked(
        [&](wool_error_t** error) { return wool_subscription_failed(handle_, detail::slice(message), error); });
  }

  // For what only wool.h offers, and to tell one from another.
  wool_subscription_t get() const noexcept { return handle_; }
  bool operator==(const Subscription& other) const noexcept { return handle_ == other.handle_; }
  bool operator<(const Subscription& other) const noexcept { return handle_ < other.handle_; }

 private:
  wool_subscription_t handle_;
};

// A worker that waits to be published or withdrawn. It has to be answered, now or later, from any thread. Copies stand for
// the same; the first answer counts.
class Publication {
 public:
  explicit Publication(wool_publication_t handle) noexcept : handle_(handle) {}

  // It is done.
  void done() const noexcept { wool_publication_answer(handle_, WOOL_OK, {}, nullptr); }
  // It could not be done, and why: a worker that could not be published does not start.
  void failed(std::string_view message, Status status = WOOL_ERR_DISCOVERY) const noexcept {
    if (wool_publication_answer(handle_, status, detail::slice(message), nullptr) == WOOL_OK) return;
    // A message that is not UTF-8, or a status that is none, and it still has to be answered.
    wool_publication_answer(handle_, WOOL_ERR_DISCOVERY, detail::slice("it failed, and its error cannot be told"), nullptr);
  }

  // For what only wool.h offers.
  wool_publication_t get() const noexcept { return handle_; }

 private:
  wool_publication_t handle_;
};

// A way of your own to announce workers and to find them. The functions are called on wool's threads and on those that make
// pools and start workers, several at once, and must not block. What they throw is told to the pool or worker.
class CustomDiscovery {
 public:
  virtual ~CustomDiscovery() = default;

  // A pool wants to be told of workers, from now on.
  virtual void subscribe(Subscription subscription) = 0;
  // It does not any more.
  virtual void unsubscribe(Subscription subscription) { static_cast<void>(subscription); }
  // A worker serves and wants to be found, or has a newer record. It waits for the answer, up to 30 s.
  virtual void publish(const WorkerRecord& record, Publication publication) {
    static_cast<void>(record);
    publication.failed("this discovery only finds workers: it has no way to publish them", WOOL_ERR_UNSUPPORTED);
  }
  // A worker that was published, under its uid, takes no more calls.
  virtual void withdraw(const std::string& uid, Publication publication) {
    static_cast<void>(uid);
    publication.done();
  }
};

namespace detail {

// Calls a discovery, and tells what it throws.
template <class Call, class Tell>
void guarded(Call call, Tell tell) noexcept {
  try {
    try {
      call();
    } catch (const Error& error) {
      tell(error.what(), error.status());
    } catch (const std::exception& error) {
      tell(error.what() == nullptr ? "" : error.what(), WOOL_ERR_DISCOVERY);
    } catch (...) {
      tell("it threw what is no std::exception", WOOL_ERR_DISCOVERY);
    }
  } catch (...) {
    // There is no way to tell it.
  }
}

struct Custom {
  std::shared_ptr<CustomDiscovery> discovery;

  static CustomDiscovery& of(void* user_data) noexcept { return *static_cast<Custom*>(user_data)->discovery; }
  static void destroy(void* user_data) noexcept { delete static_cast<Custom*>(user_data); }

  static void subscribe(void* user_data, wool_subscription_t handle) noexcept {
    const Subscription subscription(handle);
    guarded([&] { of(user_data).subscribe(subscription); }, [&](const char* message, Status) { subscription.failed(message); });
  }
  static void unsubscribe(void* user_data, wool_subscription_t handle) noexcept {
    guarded([&] { of(user_data).unsubscribe(Subscription(handle)); }, [](const char*, Status) {});
  }
  static void publish(void* user_data, wool_publication_t handle, wool_slice_t, wool_slice_t record) noexcept {
    const Publication publication(handle);
    const auto call = [&] {
      of(user_data).publish(decode(record.ptr, record.len).as<WorkerRecord>(), publication);
    };
    guarded(call, [&](const char* message, Status status) { publication.failed(message, status); });
  }
  static void withdraw(void* user_data, wool_publication_t handle, wool_slice_t uid) noexcept {
    const Publication publication(handle);
    guarded([&] { of(user_data).withdraw(string(uid), publication); },
            [&](const char* message, Status status) { publication.failed(message, status); });
  }
};

}  // namespace detail

inline Discovery Discovery::custom(std::shared_ptr<CustomDiscovery> discovery) {
  if (discovery == nullptr) throw Error(WOOL_ERR_INVALID_ARGUMENT, "the discovery is nullptr");
  wool_custom_discovery_t given = WOOL_CUSTOM_DISCOVERY_INIT;
  given.subscribe = detail::Custom::subscribe;
  given.unsubscribe = detail::Custom::unsubscribe;
  given.publish = detail::Custom::publish;
  given.withdraw = detail::Custom::withdraw;
  // wool's from here on, also when this fails.
  given.user_data = new detail::Custom{std::move(discovery)};
  given.destroy = detail::Custom::destroy;
  return made([&](wool_discovery_t** out, wool_error_t** error) { return wool_discovery_new_custom(&given, out, error); });
}

}  // namespace wool

#endif

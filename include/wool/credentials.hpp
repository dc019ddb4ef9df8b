// Credentials: what a process presents to its peers, and whom it believes: part of wool.hpp.
#ifndef WOOL_CREDENTIALS_HPP
#define WOOL_CREDENTIALS_HPP

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "options.hpp"

namespace wool {

// What credentials are made of. Each part is PEM: as text, or in a file, which is read again when it changes; not both.
struct CredentialsOptions {
  // Certificates of the authorities that peers' certificates must lead to. A worker whose callers need none may leave it out.
  std::string ca = {};
  // The own certificate, followed by those between it and its authority. A caller may leave it out, with its key, where
  // workers ask for none.
  std::string certificate = {};
  // Its private key, not encrypted: PKCS #8, PKCS #1 or SEC 1.
  std::string key = {};
  // Lists of certificates that are revoked. With one, every certificate of a peer must be covered by a list that is not over.
  std::string crl = {};
  // The same, each as the path of a file.
  std::string ca_file = {};
  std::string certificate_file = {};
  std::string key_file = {};
  std::string crl_file = {};
  // A worker with these asks its callers for no certificate.
  bool one_way = false;
  // Instead of all that is above: provides them, such as from a store of secrets. It is asked when the credentials are made, on that
  // thread, then every `poll` on a thread of wool's, and by Credentials::reload; never twice at once. It may block. What it
  // throws leaves the parts of before in use, and is what Credentials::problem tells. It must not use these credentials itself.
  // The `poll` and `provide` of what it provides do not count.
  std::function<CredentialsOptions()> provide = nullptr;
  // How often files are looked at, or `provide` is asked. 0 = 10 s.
  milliseconds poll{0};
};

namespace detail {

// The parts as wool.h takes them. They borrow.
inline void lend(const CredentialsOptions& options, wool_credentials_options_t& given) {
  given.ca = slice(options.ca);
  given.certificate = slice(options.certificate);
  given.key = slice(options.key);
  given.crl = slice(options.crl);
  given.ca_file = slice(options.ca_file);
  given.certificate_file = slice(options.certificate_file);
  given.key_file = slice(options.key_file);
  given.crl_file = slice(options.crl_file);
  given.one_way = options.one_way ? 1 : 0;
}

// A function that provides parts, and what it said last, which wool borrows until it asks again.
class Provider {
 public:
  explicit Provider(std::function<CredentialsOptions()> function) : function_(std::move(function)) {}

  static void provide(void* user_data, wool_credentials_options_t* parts, wool_slice_t* problem) noexcept {
    static_cast<Provider*>(user_data)->ask(*parts, *problem);
  }
  static void destroy(void* user_data) noexcept { delete static_cast<Provider*>(user_data); }

 private:
  void ask(wool_credentials_options_t& parts, wool_slice_t& problem) noexcept {
    try {
      provided_ = function_();
      lend(provided_, parts);
    } catch (const std::exception& error) {
      problem = keep(error.what());
    } catch (...) {
      problem = slice("it threw what is no std::exception");
    }
  }

  wool_slice_t keep(const char* message) noexcept {
    try {
      problem_ = message == nullptr || *message == '\0' ? "it threw an exception without a message" : message;
      return slice(problem_);
    } catch (...) {
      return slice("it threw an exception, and there is no memory for its message");
    }
  }

  std::function<CredentialsOptions()> function_;
  CredentialsOptions provided_;
  std::string problem_;
};

}  // namespace detail

// What a process presents to its peers, and whom it believes. Given to workers and pools, which keep what they need of it.
// Copies are the same credentials: what is renewed is renewed for all of them. From any thread.
//
//   wool::CredentialsOptions files;
//   files.ca_file = "ca.pem";
//   files.certificate_file = "worker.pem";
//   files.key_file = "worker.key";
//   options.credentials = wool::Credentials(files);
class Credentials {
 public:
  // Reads and checks them.
  //
  // Throws WOOL_ERR_INVALID_ARGUMENT for a part that is left out, given twice or no PEM, for a key that is not that of the
  // certificate; WOOL_ERR_IO for a file that cannot be read, and when `provide` throws. Each names the part.
  explicit Credentials(const CredentialsOptions& options) {
    wool_credentials_t* credentials = nullptr;
    if (options.provide) {
      provided(options, &credentials);
    } else {
      with_parts(options, [&](const wool_credentials_options_t& given, wool_error_t** error) {
        return wool_credentials_new(&given, &credentials, error);
      });
    }
    credentials_.reset(credentials, wool_credentials_free);
  }

  // Takes others instead, for all workers and pools that have these: connections that are made from now on are by them,
  // sessions of before are drained, and what runs there goes on to its end. True when they are others than before; the same
  // again disturb nobody. Files need no call: they are looked at over and over. Instead of those that were provided, too, whose
  // function is then asked no more.
  //
  // Throws as the constructor, and WOOL_ERR_INVALID_ARGUMENT for `provide`; the ones before stay.
  bool update(const CredentialsOptions& options) {
    if (options.provide) throw Error(WOOL_ERR_INVALID_ARGUMENT, "provide is for new credentials, not for an update");
    std::int32_t renewed = 0;
    with_parts(options, [&](const wool_credentials_options_t& given, wool_error_t** error) {
      return wool_credentials_update(get(), &given, &renewed, error);
    });
    return renewed != 0;
  }

  // Looks at the files now, or asks `provide`. True when there is something new, which is used from now on.
  //
  // Throws as the constructor; the ones before stay.
  bool reload() {
    std::int32_t renewed = 0;
    detail::checked([&](wool_error_t** error) { return wool_credentials_reload(get(), &renewed, error); });
    return renewed != 0;
  }

  // Why what came last - the files as they are now, an update, what was provided - cannot be used: then what was before is
  // still in use. Nothing when all is well.
  std::optional<Error> problem() const {
    wool_error_t* error = nullptr;
    const Status status = wool_credentials_problem(get(), &error);
    if (status == WOOL_OK) return std::nullopt;
    const detail::ErrorHandle owned(error);
    return Error::copy(status, error);
  }

  // For what only wool.h offers. It stays this object's.
  wool_credentials_t* get() const noexcept { return credentials_.get(); }

 private:
  template <class Function>
  static void with_parts(const CredentialsOptions& options, Function function) {
    wool_credentials_options_t given = WOOL_CREDENTIALS_OPTIONS_INIT;
    detail::lend(options, given);
    given.poll_ms = detail::option(options.poll, "poll");
    detail::checked([&](wool_error_t** error) { return function(given, error); });
  }

  static void provided(const CredentialsOptions& options, wool_credentials_t** out) {
    for (const std::string* part : {&options.ca, &options.certificate, &options.key, &options.crl, &options.ca_file,
                                    &options.certificate_file, &options.key_file, &options.crl_file}) {
      if (!part->empty()) throw Error(WOOL_ERR_INVALID_ARGUMENT, "parts and provide are both given: one of them");
    }
    if (options.one_way) throw Error(WOOL_ERR_INVALID_ARGUMENT, "one_way and provide are both given: it is what is provided that says so");
    const std::uint64_t poll = detail::option(options.poll, "poll");
    // wool's from here on, also when this fails.
    auto* provider = new detail::Provider(options.provide);
    detail::checked([&](wool_error_t** error) {
      return wool_credentials_provided(detail::Provider::provide, provider, detail::Provider::destroy, poll, out, error);
    });
  }

  std::shared_ptr<wool_credentials_t> credentials_;
};

}  // namespace wool

#endif

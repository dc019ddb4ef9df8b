#pragma once

#include <node_api.h>
#include <wool.h>

#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "errors.h"
#include "runtime.h"
#include "values.h"

namespace wool_node {

// A call of libwool that may block, on a thread of its own; its outcome is a promise. Deletes itself when done.
//
// Not on a thread of libuv's pool: what it waits for may be JavaScript's to do, such as publishing a worker, and that
// needs the pool for files and names. Jobs that hold all of its threads would wait for themselves.
//
// An environment that ends does not wait for it: nobody hears of the outcome then.
class Job {
 public:
  Job(napi_env env, std::shared_ptr<Runtime> runtime)
      : env_(env), runtime_(std::move(runtime)), handle_(runtime_->handle()) {}
  virtual ~Job() { wool_error_free(error_); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Gives the promise, or nullptr: an exception is pending, or the environment is ending.
  static napi_value Start(std::unique_ptr<Job> job) {
    const napi_env env = job->env_;
    std::shared_ptr<Way> way = Way::Open(env);
    napi_value promise = nullptr;
    if (way == nullptr || napi_create_promise(env, &job->deferred_, &promise) != napi_ok) {
      return nullptr;
    }
    job->way_ = way;
    try {
      // Holds the job until it is on its way back.
      std::thread(Execute, job.get()).detach();
    } catch (const std::system_error&) {
      way->Close();
      return ThrowError(env, WOOL_ERR_IO, nullptr);
    }
    static_cast<void>(job.release());
    return promise;
  }

 protected:
  // On the job's thread.
  virtual wool_status_t Run(wool_runtime_t* runtime, wool_error_t** error) = 0;
  // On the JavaScript thread, after success.
  virtual napi_value Result(napi_env env) {
    napi_value undefined = nullptr;
    napi_get_undefined(env, &undefined);
    return undefined;
  }

  const std::shared_ptr<Runtime>& runtime() const { return runtime_; }

 private:
  // From the job's thread to JavaScript, for as long as there is one.
  class Way {
   public:
    // Null if the environment is ending. Keeps the event loop running until it is closed.
    static std::shared_ptr<Way> Open(napi_env env) {
      auto way = std::make_shared<Way>(env);
      if (napi_create_threadsafe_function(env, nullptr, nullptr, TextValue(env, "wool"), 0, 1, nullptr, nullptr, nullptr,
                                          Arrived, &way->function_) != napi_ok) {
        return nullptr;
      }
      // Hooks run last first: this one before that of the thread-safe function, whose memory is gone then.
      way->self_ = way;
      napi_add_env_cleanup_hook(env, OnEnvironmentEnd, way.get());
      return way;
    }

    explicit Way(napi_env env) : env_(env) {}
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;

    // On any thread. False: there is no JavaScript any more, and the job stays the caller's.
    bool Send(Job* job) {
      const std::lock_guard<std::mutex> lock(mutex_);
      return function_ != nullptr && napi_call_threadsafe_function(function_, job, napi_tsfn_nonblocking) == napi_ok;
    }

    // On the JavaScript thread, once.
    void Close() {
      const std::shared_ptr<Way> self = std::move(self_);
      napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
      const std::lock_guard<std::mutex> lock(mutex_);
      napi_release_threadsafe_function(function_, napi_tsfn_release);
      function_ = nullptr;
    }

   private:
    static void OnEnvironmentEnd(void* way) {
      const std::shared_ptr<Way> self = std::move(static_cast<Way*>(way)->self_);
      const std::lock_guard<std::mutex> lock(self->mutex_);
      self->function_ = nullptr;
    }

    napi_env env_;
    std::mutex mutex_;
    // Null once closed. Guarded by `mutex_`.
    napi_threadsafe_function function_ = nullptr;
    // While the clean-up hook is registered.
    std::shared_ptr<Way> self_;
  };

  static void Execute(Job* job) {
    job->status_ = job->Run(job->handle_.get(), &job->error_);
    // It may be deleted as soon as it is sent.
    const std::shared_ptr<Way> way = job->way_;
    if (!way->Send(job)) {
      delete job;
    }
  }

  // On the JavaScript thread; without an environment when that ends.
  static void Arrived(napi_env env, napi_value, void*, void* data) {
    const std::unique_ptr<Job> job(static_cast<Job*>(data));
    if (env == nullptr) {
      return;
    }
    job->way_->Close();
    if (job->status_ == WOOL_OK) {
      napi_resolve_deferred(env, job->deferred_, job->Result(env));
    } else {
      napi_reject_deferred(env, job->deferred_, DescribeError(env, job->status_, job->error_));
    }
  }

  napi_env env_;
  std::shared_ptr<Runtime> runtime_;
  std::shared_ptr<wool_runtime_t> handle_;
  std::shared_ptr<Way> way_;
  napi_deferred deferred_ = nullptr;
  wool_status_t status_ = WOOL_OK;
  wool_error_t* error_ = nullptr;
};

}  // namespace wool_node

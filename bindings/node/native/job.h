#pragma once

#include <node_api.h>
#include <wool.h>

#include <memory>

#include "errors.h"
#include "runtime.h"
#include "values.h"

namespace wool_node {

// A call of libwool that may block, on a thread of libuv's pool; its outcome is a promise. Deletes itself when done.
// An environment that ends waits for it first.
class Job {
 public:
  Job(napi_env env, std::shared_ptr<Runtime> runtime)
      : env_(env), runtime_(std::move(runtime)), handle_(runtime_->handle()) {}
  virtual ~Job() { wool_error_free(error_); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Gives the promise, or nullptr if the environment is ending.
  static napi_value Start(std::unique_ptr<Job> job) {
    const napi_env env = job->env_;
    napi_value promise = nullptr;
    if (napi_create_promise(env, &job->deferred_, &promise) != napi_ok ||
        napi_create_async_work(env, nullptr, TextValue(env, "wool"), Execute, Complete, job.get(), &job->work_) !=
            napi_ok) {
      return nullptr;
    }
    if (napi_queue_async_work(env, job->work_) != napi_ok) {
      napi_delete_async_work(env, job->work_);
      return nullptr;
    }
    // Complete deletes it.
    static_cast<void>(job.release());
    return promise;
  }

 protected:
  // On the pool's thread.
  virtual wool_status_t Run(wool_runtime_t* runtime, wool_error_t** error) = 0;
  // On the JavaScript thread, after success.
  virtual napi_value Result(napi_env env) {
    napi_value undefined = nullptr;
    napi_get_undefined(env, &undefined);
    return undefined;
  }

  const std::shared_ptr<Runtime>& runtime() const { return runtime_; }

 private:
  static void Execute(napi_env, void* data) {
    auto* job = static_cast<Job*>(data);
    job->status_ = job->Run(job->handle_.get(), &job->error_);
  }

  static void Complete(napi_env env, napi_status status, void* data) {
    const std::unique_ptr<Job> job(static_cast<Job*>(data));
    if (status == napi_ok && job->status_ == WOOL_OK) {
      napi_resolve_deferred(env, job->deferred_, job->Result(env));
    } else if (status == napi_ok) {
      napi_reject_deferred(env, job->deferred_, DescribeError(env, job->status_, job->error_));
    }
    napi_delete_async_work(env, job->work_);
  }

  napi_env env_;
  std::shared_ptr<Runtime> runtime_;
  std::shared_ptr<wool_runtime_t> handle_;
  napi_deferred deferred_ = nullptr;
  napi_async_work work_ = nullptr;
  wool_status_t status_ = WOOL_OK;
  wool_error_t* error_ = nullptr;
};

}  // namespace wool_node

// libwool for C++17: wool.h with types, exceptions and RAII. Header-only; link with -lwool.
//
//   wool::Runtime runtime;
//   runtime.unary("calc.add", [](std::int64_t a, std::int64_t b) { return a + b; });
//   runtime.stream("calc.countdown", [](std::int64_t from) {
//     return [n = from]() mutable { return n > 0 ? std::optional(n--) : std::nullopt; };
//   });
//   if (wool::serve_if_spawned(runtime)) return 0;
//
//   wool::WorkerPool pool(runtime);
//   auto sum = pool.call<std::int64_t>("calc.add", 1, 2);
//   for (std::int64_t n : pool.stream<std::int64_t>("calc.countdown", 3)) std::cout << n << '\n';
//
// A pool with no options starts this program again, once per core, to be its workers; in those it is serve_if_spawned
// that does the work. wool::Worker serves in this process instead, and wool::run_worker is a program that is a worker.
//
// A routine calls others through its task: task.call<std::int64_t>("calc.add", 1, 2).
//
// Ownership. Runtime, Worker, WorkerPool, Stream, Mapping, Broadcast and TaskEvents are moved, not copied; one that was
// moved from can only be assigned to or destroyed. Whatever is given is copied or moved in; whatever is returned belongs
// to the caller. Destroying a worker, a pool or a stream lets go of it and never waits; destroying a runtime closes it
// and waits.
//
// Threads. Runtimes, workers and pools may be used from any thread. A stream is for one thread at a time, but cancel
// is for any. Routines run on wool's threads, several at once, and may block and call wool.
//
// Exceptions. Every failure throws wool::Error, unless a function says otherwise; that of a routine, wool::TaskError, or
// the class of yours that it is (Runtime::error). Whatever a routine throws fails its task and nothing else: the caller
// gets the exception's type, what() and nested exceptions. No exception crosses into the library. Destructors of what a routine captures must not throw, as ever.
#ifndef WOOL_HPP
#define WOOL_HPP

#include "wool/admission.hpp"
#include "wool/application_error.hpp"
#include "wool/balancer.hpp"
#include "wool/call.hpp"
#include "wool/context.hpp"
#include "wool/credentials.hpp"
#include "wool/custom_discovery.hpp"
#include "wool/discovery.hpp"
#include "wool/encoding.hpp"
#include "wool/error.hpp"
#include "wool/fan_out.hpp"
#include "wool/generator.hpp"
#include "wool/options.hpp"
#include "wool/peers.hpp"
#include "wool/pool.hpp"
#include "wool/record.hpp"
#include "wool/routine.hpp"
#include "wool/runtime.hpp"
#include "wool/status.hpp"
#include "wool/stream.hpp"
#include "wool/task_event.hpp"
#include "wool/value.hpp"
#include "wool/worker.hpp"

#endif

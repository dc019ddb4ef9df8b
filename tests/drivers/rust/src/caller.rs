//! `driver caller`: one pool, and what the runner asks of it.
//!
//! Calls that the runner follows one by one go through [`WorkerPool::submit`], the face that bindings use; all else is
//! written as a Rust program would be.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use wool::value::{Arguments, Value};
use wool::{
    ApplicationError, CallHandle, CallObserver, CallRequest, Error, ErrorKind, Fault, Outcome,
    Payload, Runtime, RuntimeOptions, Worker, WorkerPool, serve_if_spawned,
};

use crate::bags::Bags;
use crate::events::Events;
use crate::failures::{OutOfStock, too_deep};
use crate::fan_out::{self, Maps};
use crate::finding;
use crate::pools;
use crate::protocol::{self, Failure, Options, Tokens, log, say};
use crate::routines::{self, Counters};
use crate::streams::{Step, Streams};
use crate::worker;

/// How long a listing waits without a timeout of its own.
const LIST_WAIT: Duration = Duration::from_secs(5);

/// Calls until the runner says `exit` or goes away.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let counters = Arc::new(Counters::default());
    routines::register(&runtime, &counters)?;
    if serve_if_spawned(&runtime)? {
        return Ok(runtime.close_blocking(None)?);
    }
    let pool = match pools::open_pool(&runtime, &counters, options)? {
        Ok(pool) => pool,
        Err(error) => {
            say(&protocol::not_ready(&error));
            return Ok(runtime.close_blocking(None)?);
        }
    };
    let events = Events::listen(&runtime, options)?;
    let (reporter, reports) = Reporter::start()?;
    let program = Program::start()?;
    let mut caller = Caller {
        runtime: runtime.clone(),
        counters,
        pool,
        pools: HashMap::new(),
        workers: HashMap::new(),
        reports,
        program,
        handles: HashMap::new(),
        streams: Streams::default(),
        maps: Maps::default(),
        bags: Bags::default(),
        events,
    };
    say("ready");
    protocol::serve_commands(|line| caller.serve(line))?;
    caller.counters.barrier.close();
    runtime.close_blocking(None)?;
    drop(caller);
    reporter
        .join()
        .map_err(|_| Failure::new("the reporting thread panicked"))
}

/// What happened to a request, on its way from wool's I/O thread to the thread that writes it down.
enum Report {
    Value {
        kind: &'static str,
        id: String,
        payload: Payload,
    },
    Error(String, Error),
    /// A pool or worker has closed or stopped.
    Done(&'static str, String),
}

/// Decodes and writes on a thread of its own: observers are called on the I/O thread, which must not block.
struct Reporter;

impl Reporter {
    fn start() -> Result<(JoinHandle<()>, mpsc::Sender<Report>), Failure> {
        let (reports, written) = mpsc::channel::<Report>();
        let thread = std::thread::Builder::new()
            .name("driver-reports".to_owned())
            .spawn(move || {
                for report in written {
                    say(&line(report));
                }
            })?;
        Ok((thread, reports))
    }
}

fn line(report: Report) -> String {
    match report {
        Report::Value { kind, id, payload } => match payload.to_value() {
            Ok(value) => reported(kind, &id, &value),
            Err(error) => protocol::error(&id, &error),
        },
        Report::Error(id, error) => protocol::error(&id, &error),
        Report::Done(what, id) => format!("{what} {id}"),
    }
}

pub(crate) fn reported(kind: &str, id: &str, value: &Value) -> String {
    match protocol::report(value) {
        Ok(token) => format!("{kind} {id} {token}"),
        Err(failure) => {
            log(&failure.to_string());
            format!("{kind} {id} -")
        }
    }
}

/// Reports the outcome of one call.
struct Observer {
    id: String,
    reports: mpsc::Sender<Report>,
}

impl Observer {
    fn tell(&self, report: Report) {
        // The reporter ends only after the runtime has.
        let _ = self.reports.send(report);
    }
}

impl CallObserver for Observer {
    /// A unary call has none.
    fn item(&mut self, _payload: Payload) {}

    fn finish(self: Box<Self>, outcome: Outcome) {
        let id = self.id.clone();
        self.tell(match outcome {
            Outcome::Result(payload) => Report::Value {
                kind: "result",
                id,
                payload,
            },
            Outcome::Error(error) => Report::Error(id, error),
            Outcome::End => Report::Error(
                id,
                Error::new(ErrorKind::Internal, "a call ended as a stream"),
            ),
        });
    }
}

/// The Rust program that this driver plays: a tokio runtime on a thread of its own.
struct Program {
    handle: tokio::runtime::Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Program {
    fn start() -> Result<Program, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("driver-program".to_owned())
            .spawn(move || {
                // Ends when the sender is used or dropped.
                let _ = runtime.block_on(ended);
            })?;
        Ok(Program {
            handle,
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log("the program's thread panicked");
        }
    }
}

struct Caller {
    runtime: Runtime,
    counters: Arc<Counters>,
    pool: WorkerPool,
    /// What was opened and started later, by the ids of the commands.
    pools: HashMap<String, WorkerPool>,
    workers: HashMap<String, Worker>,
    reports: mpsc::Sender<Report>,
    program: Program,
    handles: HashMap<String, CallHandle>,
    streams: Streams,
    maps: Maps,
    bags: Bags,
    events: Events,
}

impl Caller {
    fn serve(&mut self, line: &str) -> Result<(), Failure> {
        let mut tokens = Tokens::of(line);
        let command = tokens.next("command")?;
        let id = tokens.next("request id")?;
        match command {
            "call" => self.call(id, tokens)?,
            "open" => self.open(id, tokens)?,
            "iterate" => self.iterate(id, tokens)?,
            "burst" => self.burst(id, tokens)?,
            "bad" => self.bad(id, tokens)?,
            // What was never asked for, or could not be, is left alone.
            "cancel" => {
                if let Some(call) = self.handles.get(id) {
                    call.cancel();
                }
                self.streams.cancel(id);
                self.maps.leave(id);
            }
            "next" => self.streams.step(id, Step::Next),
            "send" => {
                let value = protocol::value(tokens.next("value")?)?;
                self.streams.step(id, Step::Send(value));
            }
            "throw" => {
                let type_name = protocol::untext(tokens.next("type")?)?;
                let message = protocol::untext(tokens.next("message")?)?;
                let fault = if type_name == OutOfStock::NAME {
                    Fault::of(&OutOfStock {
                        item: message,
                        left: 1,
                    })
                } else {
                    Fault::new(type_name, message)
                };
                self.streams.step(id, Step::Throw(fault));
            }
            "closestream" => self.streams.step(id, Step::Close),
            "map" => self
                .maps
                .map(id, tokens, &self.pool, &self.program.handle)?,
            "broadcast" => fan_out::broadcast(id, tokens, &self.pool, &self.program.handle)?,
            "bag" => self.bags.make(id, tokens)?,
            "bagset" => self.bags.set(id, tokens)?,
            "bagget" => self.bags.tell(id, tokens)?,
            "events" => say(&format!("events {id} {}", self.events.report())),
            "reload" => say(&match self.counters.credentials.reload() {
                Ok(renewed) => format!("reloaded {id} {renewed}"),
                Err(error) => protocol::error(id, &error),
            }),
            "problem" => say(&match self.counters.credentials.problem() {
                Ok(problem) => format!("problem {id} {problem}"),
                Err(error) => protocol::error(id, &error),
            }),
            "status" => self.status(id, tokens)?,
            "list" => self.list(id, tokens)?,
            "pool" => self.open_pool(id, tokens)?,
            "worker" => self.start_worker(id, tokens)?,
            "stopworker" => self.stop_worker(id, tokens)?,
            "closepool" => self.close_pool(id, tokens)?,
            other => say(&format!(
                "error {id} UNSUPPORTED - no%20command%20{} 0 - 0 - 0",
                protocol::text(other)
            )),
        }
        Ok(())
    }

    fn call(&mut self, id: &str, mut tokens: Tokens<'_>) -> Result<(), Failure> {
        let routine = tokens.next("routine")?;
        let (arguments, options) = tokens.arguments()?;
        let timeout = options.number("timeout")?.map(Duration::from_millis);
        let tag = options.texts("tag")?.pop().unwrap_or_default();
        let worker = options.text("worker").map(Arc::from);
        let pool = self.pool(&options)?;
        let observer = Observer {
            id: id.to_owned(),
            reports: self.reports.clone(),
        };
        let (values, context) = (protocol::context(&options)?, self.bags.of(&options)?);
        let encoded = arguments.and_then(|arguments| Payload::arguments(&arguments));
        let submitted = encoded.and_then(|arguments| {
            let request = CallRequest {
                context,
                values: values?,
                timeout,
                tag,
                worker,
                ..CallRequest::unary(routine, arguments)
            };
            pool.submit(request, Box::new(observer))
        });
        match submitted {
            Ok(handle) => drop(self.handles.insert(id.to_owned(), handle)),
            Err(error) => drop(self.reports.send(Report::Error(id.to_owned(), error))),
        }
        Ok(())
    }

    fn open(&mut self, id: &str, mut tokens: Tokens<'_>) -> Result<(), Failure> {
        let routine = tokens.next("routine")?;
        let (arguments, options) = tokens.arguments()?;
        let milliseconds =
            |name| Ok::<_, Failure>(options.number(name)?.map(Duration::from_millis));
        let (timeout, step_timeout) = (milliseconds("timeout")?, milliseconds("step_timeout")?);
        let prefetch = options.number("prefetch")?.unwrap_or(0);
        let pool = self.pool(&options)?;
        let context = self.bags.of(&options)?;
        let opened = arguments.and_then(|arguments| {
            let mut stream = pool.stream(routine, arguments).prefetch(prefetch);
            if let Some(timeout) = timeout {
                stream = stream.timeout(timeout);
            }
            if let Some(timeout) = step_timeout {
                stream = stream.step_timeout(timeout);
            }
            if let Some(context) = &context {
                stream = stream.context(context);
            }
            if let Some(uid) = options.text("worker") {
                stream = stream.worker(uid);
            }
            stream.open()
        });
        self.streams.open(id, opened, &self.program.handle);
        Ok(())
    }

    /// The pool that a command names, or the caller's own.
    fn pool(&self, options: &Options) -> Result<&WorkerPool, Failure> {
        match options.text("pool") {
            None => Ok(&self.pool),
            Some(id) => {
                let pool = self.pools.get(id);
                pool.ok_or_else(|| Failure::new(format!("there is no pool {id:?}")))
            }
        }
    }

    fn status(&self, id: &str, tokens: Tokens<'_>) -> Result<(), Failure> {
        let status = self.pool(&tokens.options())?.status().to_value();
        say(&match status {
            Ok(value) => reported("status", id, &value),
            Err(error) => protocol::error(id, &error),
        });
        Ok(())
    }

    fn list(&self, id: &str, tokens: Tokens<'_>) -> Result<(), Failure> {
        let options = tokens.options();
        let wait = options
            .number("timeout")?
            .map_or(LIST_WAIT, Duration::from_millis);
        let discovery = finding::discovery(&options, "discovery")?;
        let (id, runtime) = (id.to_owned(), self.runtime.clone());
        let list = move || {
            let listed = discovery.and_then(|discovery| {
                let discovery = discovery.ok_or_else(|| {
                    Error::new(ErrorKind::InvalidArgument, "no discovery was named")
                })?;
                discovery.list(&runtime, wait)?.to_value()
            });
            say(&match listed {
                Ok(value) => reported("listing", &id, &value),
                Err(error) => protocol::error(&id, &error),
            });
        };
        // It blocks, and the next command does not wait for it.
        std::thread::Builder::new()
            .name("driver-list".to_owned())
            .spawn(list)?;
        Ok(())
    }

    fn open_pool(&mut self, id: &str, tokens: Tokens<'_>) -> Result<(), Failure> {
        match pools::open_pool(&self.runtime, &self.counters, &tokens.options())? {
            Ok(pool) => {
                self.pools.insert(id.to_owned(), pool);
                say(&format!("opened {id}"));
            }
            Err(error) => say(&protocol::error(id, &error)),
        }
        Ok(())
    }

    fn close_pool(&self, id: &str, tokens: Tokens<'_>) -> Result<(), Failure> {
        let (id, reports) = (id.to_owned(), self.reports.clone());
        // The reporter ends only after the runtime has.
        self.pool(&tokens.options())?
            .close(move || drop(reports.send(Report::Done("closed", id))));
        Ok(())
    }

    fn start_worker(&mut self, id: &str, tokens: Tokens<'_>) -> Result<(), Failure> {
        match worker::start(&self.runtime, &self.counters, &tokens.options())? {
            Ok(worker) => {
                say(&format!(
                    "serving {id} {} {}",
                    worker.address(),
                    worker.uid()
                ));
                self.workers.insert(id.to_owned(), worker);
            }
            Err(error) => say(&protocol::error(id, &error)),
        }
        Ok(())
    }

    fn stop_worker(&self, id: &str, mut tokens: Tokens<'_>) -> Result<(), Failure> {
        let worker = tokens.next("worker")?;
        let grace = pools::grace(tokens.number("grace")?);
        let worker = self
            .workers
            .get(worker)
            .ok_or_else(|| Failure::new(format!("there is no worker {worker:?}")))?;
        let (id, reports) = (id.to_owned(), self.reports.clone());
        worker.stop(grace, move || {
            drop(reports.send(Report::Done("stopped", id)))
        });
        Ok(())
    }

    fn iterate(&self, id: &str, mut tokens: Tokens<'_>) -> Result<(), Failure> {
        let routine = tokens.next("routine")?.to_owned();
        let limit: usize = tokens.number("limit")?;
        let arguments = Arguments::new(tokens.values()?);
        let prefetch = tokens.options().number("prefetch")?.unwrap_or(0);
        let (id, pool) = (id.to_owned(), self.pool.clone());
        drop(self.program.handle.spawn(async move {
            let (mut count, mut last, mut outcome) = (0, "-".to_owned(), "end".to_owned());
            match pool.stream(&routine, arguments).prefetch(prefetch).open() {
                Err(error) => outcome = format!("error:{}", error.kind().name()),
                Ok(mut items) => {
                    while let Some(item) = items.next().await {
                        match item {
                            Ok(item) => {
                                count += 1;
                                last = protocol::report(&item)
                                    .unwrap_or_else(|failure| failure.to_string());
                                if count == limit {
                                    outcome = "break".to_owned();
                                    break;
                                }
                            }
                            Err(error) => outcome = format!("error:{}", error.kind().name()),
                        }
                    }
                }
            }
            say(&format!("items {id} {count} {last} {outcome}"));
        }));
        Ok(())
    }

    fn burst(&self, id: &str, mut tokens: Tokens<'_>) -> Result<(), Failure> {
        let routine = tokens.next("routine")?.to_owned();
        let count: usize = tokens.number("count")?;
        let values = tokens.values()?;
        let (id, pool, program) = (
            id.to_owned(),
            self.pool.clone(),
            self.program.handle.clone(),
        );
        drop(self.program.handle.spawn(async move {
            let first = values.first().cloned().unwrap_or_default();
            let calls: Vec<_> = (0..count)
                .map(|_| {
                    let (pool, routine) = (pool.clone(), routine.clone());
                    let arguments = Arguments::new(values.clone());
                    program.spawn(async move { pool.call(&routine, arguments).await })
                })
                .collect();
            let (mut ok, mut errors, mut same) = (0, 0, 0);
            for call in calls {
                match call.await {
                    Ok(Ok(value)) => {
                        ok += 1;
                        same += usize::from(value.identical(&first));
                    }
                    Ok(Err(_)) | Err(_) => errors += 1,
                }
            }
            say(&format!("burst {id} ok={ok} errors={errors} same={same}"));
        }));
        Ok(())
    }

    fn bad(&self, id: &str, mut tokens: Tokens<'_>) -> Result<(), Failure> {
        let argument = match tokens.next("what")? {
            "unsupported" => too_deep(),
            "afterclose" => Value::Null,
            other => return Err(Failure::new(format!("there is no misuse {other:?}"))),
        };
        let (id, pool) = (id.to_owned(), self.pool.clone());
        drop(self.program.handle.spawn(async move {
            let answer = match pool.call("conf.echo", Arguments::new(vec![argument])).await {
                Ok(value) => reported("result", &id, &value),
                Err(error) => protocol::error(&id, &error),
            };
            say(&answer);
        }));
        Ok(())
    }
}

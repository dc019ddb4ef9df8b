//! `driver worker`: serves the standard routines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wool::{Error, Grace, Runtime, RuntimeOptions, Worker};

use crate::events::Events;
use crate::pools;
use crate::protocol::{self, Failure, Options, Tokens, say};
use crate::routines::{self, Counters};

/// Serves until the runner says `exit` or goes away.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let runtime = Runtime::new(RuntimeOptions {
        routine_threads: options.number("threads")?.unwrap_or(0),
        ..RuntimeOptions::default()
    })?;
    let counters = Arc::new(Counters::default());
    routines::register(&runtime, &counters)?;
    let events = Events::listen(&runtime, options)?;
    if let Some(grace) = options.number("run")? {
        return run_program(&runtime, &counters, events, options, pools::grace(grace));
    }
    match start(&runtime, &counters, options)? {
        Ok(worker) => {
            say(&format!("ready {} {}", worker.address(), worker.uid()));
            protocol::serve_commands(|line| serve(line, Some(&worker), &counters, &events))?;
        }
        Err(error) => say(&protocol::not_ready(&error)),
    }
    // What is still held would keep its thread.
    counters.barrier.close();
    Ok(runtime.close_blocking(None)?)
}

/// Is a worker program until a signal ends it, or the runner.
fn run_program(
    runtime: &Runtime,
    counters: &Arc<Counters>,
    events: Events,
    options: &Options,
    grace: Grace,
) -> Result<(), Failure> {
    let told_to_exit = Arc::new(AtomicBool::new(false));
    let ran = match pools::worker_options(counters, options)? {
        Err(error) => Err(error),
        Ok(settings) => {
            let (closing, counters, told) = (
                runtime.clone(),
                Arc::clone(counters),
                Arc::clone(&told_to_exit),
            );
            let serve_runner = move || {
                let served = protocol::serve_commands(|line| serve(line, None, &counters, &events));
                told.store(true, Ordering::SeqCst);
                counters.barrier.close();
                if let Err(failure) = served.and_then(|()| Ok(closing.close_blocking(None)?)) {
                    protocol::log(&failure.to_string());
                }
            };
            Worker::run_with(runtime, settings, grace, |worker| {
                say(&format!("ready {} {}", worker.address(), worker.uid()));
                // Not waited for: it may be reading yet when a signal has ended the worker.
                drop(std::thread::spawn(serve_runner));
            })
        }
    };
    match ran {
        Err(error) => say(&protocol::not_ready(&error)),
        Ok(()) if !told_to_exit.load(Ordering::SeqCst) => say("ran"),
        Ok(()) => {}
    }
    counters.barrier.close();
    Ok(runtime.close_blocking(None)?)
}

/// A worker with the options of `driver worker`. The inner error is for the runner.
pub(crate) fn start(
    runtime: &Runtime,
    counters: &Arc<Counters>,
    options: &Options,
) -> Result<Result<Worker, Error>, Failure> {
    if options.text("register") == Some("dup")
        && let Err(error) = routines::register_echo(runtime, counters)
    {
        return Ok(Err(error));
    }
    pools::start_worker(runtime, counters, options)
}

/// `worker`: the one that may be stopped by the runner.
fn serve(
    line: &str,
    worker: Option<&Worker>,
    counters: &Counters,
    events: &Events,
) -> Result<(), Failure> {
    let mut tokens = Tokens::of(line);
    match (tokens.next("command")?, worker) {
        ("count", _) => say(&counters.report()),
        ("events", _) => say(&format!("events {}", events.report())),
        ("reload", _) => say(&match counters.credentials.reload() {
            Ok(renewed) => format!("reloaded {renewed}"),
            Err(error) => protocol::not_ready(&error),
        }),
        ("problem", _) => say(&match counters.credentials.problem() {
            Ok(problem) => format!("problem {problem}"),
            Err(error) => protocol::not_ready(&error),
        }),
        ("stop", Some(worker)) => {
            let grace = pools::grace(tokens.number("grace")?);
            worker.stop(grace, || say("stopped"));
        }
        (other, _) => return Err(Failure::new(format!("a worker has no command {other:?}"))),
    }
    Ok(())
}

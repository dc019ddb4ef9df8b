//! `driver worker`: serves the standard routines.

use std::sync::Arc;

use wool::{Error, Runtime, RuntimeOptions, Worker};

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
    match start(&runtime, &counters, options)? {
        Ok(worker) => {
            say(&format!("ready {} {}", worker.address(), worker.uid()));
            protocol::serve_commands(|line| serve(line, &worker, &counters, &events))?;
        }
        Err(error) => say(&protocol::not_ready(&error)),
    }
    // What is still held would keep its thread.
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

fn serve(line: &str, worker: &Worker, counters: &Counters, events: &Events) -> Result<(), Failure> {
    let mut tokens = Tokens::of(line);
    match tokens.next("command")? {
        "count" => say(&counters.report()),
        "events" => say(&format!("events {}", events.report())),
        "stop" => {
            let grace = pools::grace(tokens.number("grace")?);
            worker.stop(grace, || say("stopped"));
        }
        other => return Err(Failure::new(format!("a worker has no command {other:?}"))),
    }
    Ok(())
}

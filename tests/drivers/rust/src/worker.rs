//! `driver worker`: serves the standard routines.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wool::{Error, Grace, Runtime, RuntimeOptions, Worker, WorkerOptions};

use crate::protocol::{self, Failure, Options, Tokens, say};
use crate::routines::{self, Counters};

/// Serves until the runner says `exit` or goes away.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let counters = Arc::new(Counters::default());
    let concurrency = options.number("concurrency")?.unwrap_or(0);
    match start(&runtime, &counters, options, concurrency) {
        Ok(worker) => {
            say(&format!("ready {} {}", worker.address(), worker.uid()));
            protocol::serve_commands(|line| serve(line, &worker, &counters))?;
        }
        Err(error) => say(&format!(
            "error {} {}",
            error.kind().name(),
            protocol::text(error.message())
        )),
    }
    Ok(runtime.close_blocking(None)?)
}

fn start(
    runtime: &Runtime,
    counters: &Arc<Counters>,
    options: &Options,
    concurrency: u32,
) -> Result<Worker, Error> {
    routines::register(runtime, counters)?;
    if options.text("register") == Some("dup") {
        routines::register_echo(runtime, counters)?;
    }
    Worker::start(
        runtime,
        WorkerOptions {
            socket_path: options.text("socket").map(PathBuf::from),
            concurrency,
            secret: options
                .text("secret")
                .map(|secret| secret.as_bytes().to_vec()),
            ..WorkerOptions::default()
        },
    )
}

fn serve(line: &str, worker: &Worker, counters: &Counters) -> Result<(), Failure> {
    let mut tokens = Tokens::of(line);
    match tokens.next("command")? {
        "count" => say(&counters.report()),
        "stop" => {
            let grace = match tokens.number::<i64>("grace")? {
                0 => Grace::Now,
                grace => u64::try_from(grace).map_or(Grace::Forever, |grace| {
                    Grace::For(Duration::from_millis(grace))
                }),
            };
            worker.stop(grace, || say("stopped"));
        }
        other => return Err(Failure::new(format!("a worker has no command {other:?}"))),
    }
    Ok(())
}

//! `driver spawned`: becomes a worker where a pool started it.

use std::process::ExitCode;
use std::sync::Arc;

use wool::{Error, ErrorKind, Runtime, RuntimeOptions, serve_if_spawned};

use crate::protocol::{self, Failure, Options, log, say};
use crate::routines::{self, Counters};

const CRASHED: u8 = 3;

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    if let Some(last_words) = options.texts("crash")?.first() {
        log(last_words);
        return Ok(ExitCode::from(CRASHED));
    }
    let runtime = Runtime::new(RuntimeOptions::default())?;
    routines::register(&runtime, &Arc::new(Counters::default()))?;
    if !serve_if_spawned(&runtime)? {
        say(&protocol::not_ready(&Error::new(
            ErrorKind::Unsupported,
            "no pool started this process: give a pool this command",
        )));
    }
    runtime.close_blocking(None)?;
    Ok(ExitCode::SUCCESS)
}

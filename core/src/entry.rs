//! The main function of a program whose processes may be workers.

use std::process::{ExitCode, Termination};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::log::Level;
use crate::runtime::{Runtime, RuntimeOptions};
use crate::spawn::serve_if_spawned;

/// For routines that do not stop when the program ends.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);

/// What `#[wool::main]` makes of a plain main function: starts a runtime, registers the routines, becomes a
/// worker if this process was spawned to be one, else runs the program; then closes the runtime.
///
/// Errors of wool end the program as its own do: they go to stderr, and the exit code tells.
pub fn run_main<R: Termination>(
    register: impl FnOnce(&Runtime) -> Result<()>,
    program: impl FnOnce(Runtime) -> R,
) -> ExitCode {
    match start(register) {
        Err(error) => Err::<(), Error>(error).report(),
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(runtime)) => {
            let code = program(runtime.clone()).report();
            close(&runtime);
            code
        }
    }
}

/// As [`run_main`], for an async main: it runs on a tokio runtime of its own, with as many threads as there
/// are cores.
pub fn run_main_async<R: Termination, F: Future<Output = R>>(
    register: impl FnOnce(&Runtime) -> Result<()>,
    program: impl FnOnce(Runtime) -> F,
) -> ExitCode {
    run_main(register, |runtime| {
        let executor = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        match executor {
            Ok(executor) => {
                let code = executor.block_on(program(runtime)).report();
                // What the program left running is no reason to stay.
                executor.shutdown_background();
                code
            }
            Err(error) => {
                let message = format!("the threads for an async main cannot be started: {error}");
                Err::<(), Error>(Error::new(ErrorKind::Io, message)).report()
            }
        }
    })
}

/// `None`: this process was a worker, and has ended.
fn start(register: impl FnOnce(&Runtime) -> Result<()>) -> Result<Option<Runtime>> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    register(&runtime)?;
    if serve_if_spawned(&runtime)? {
        close(&runtime);
        return Ok(None);
    }
    Ok(Some(runtime))
}

fn close(runtime: &Runtime) {
    if let Err(error) = runtime.close_blocking(Some(CLOSE_WITHIN)) {
        runtime.log(Level::Warn, "main", error.message());
    }
}

//! The Rust driver of the conformance suite: `tests/drivers/PROTOCOL.md`.

mod caller;
mod protocol;
mod routines;
mod worker;

use std::process::ExitCode;

use protocol::Failure;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let role = arguments.next().unwrap_or_default();
    let options = protocol::Options::parse(arguments);
    let done = match role.as_str() {
        "worker" => worker::run(&options),
        "caller" => caller::run(&options),
        other => Err(Failure::new(format!(
            "the role is worker or caller, not {other:?}"
        ))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            protocol::log(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

//! The Rust driver of the conformance suite: `tests/drivers/PROTOCOL.md`.

mod admission;
mod bags;
mod blocking;
mod caller;
mod credentials;
mod events;
mod failures;
mod fan_out;
mod finding;
mod generators;
mod nested;
mod pools;
mod process_routines;
mod protocol;
mod routines;
mod spawned;
mod streams;
mod worker;

use std::process::ExitCode;

use protocol::Failure;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let role = arguments.next().unwrap_or_default();
    let options = protocol::Options::parse(arguments);
    let done = match role.as_str() {
        "worker" => worker::run(&options).map(|()| ExitCode::SUCCESS),
        "caller" => caller::run(&options).map(|()| ExitCode::SUCCESS),
        "spawned" => spawned::run(&options),
        other => Err(Failure::new(format!(
            "the role is worker, caller or spawned, not {other:?}"
        ))),
    };
    done.unwrap_or_else(|failure| {
        protocol::log(&failure.to_string());
        ExitCode::FAILURE
    })
}

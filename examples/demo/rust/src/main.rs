//! The demo in Rust: a worker and a caller, as in the other languages, and the coordinator that runs them all.

mod call;
mod command_line;
mod failure;
mod loss;
mod mapping;
mod pairs;
mod pipeline;
mod process;
mod progress;
mod run;
mod screen;
mod serve;
mod team;
mod text;
mod view;
mod words;

use std::process::ExitCode;

use command_line::Command;

fn main() -> ExitCode {
    let done = match command_line::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(roles)) => serve::serve(&roles).map(|()| ExitCode::SUCCESS),
        Ok(Command::Call { namespace, calls }) => {
            call::call(&namespace, calls).map(|()| ExitCode::SUCCESS)
        }
        Ok(Command::Run(plan)) => run::run(plan),
        Err(failure) => Err(failure),
    };
    done.unwrap_or_else(|failure| {
        failure::report(&failure);
        failure.exit_code()
    })
}

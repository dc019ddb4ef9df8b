//! `wool-certs FOLDER [NAME [SAN...]]`: see USAGE.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal"
)]

use std::io::Result;
use std::path::Path;
use std::process::ExitCode;

use wool_certs::{DAYS, Request, authority_in, save};

const USAGE: &str = "\
wool-certs FOLDER                 makes an authority (ca.pem, ca.key) in FOLDER, if there is none, and certificates of it:
                                  worker.pem, worker.key and caller.pem, caller.key, for this machine
wool-certs FOLDER NAME SAN...     makes NAME.pem and NAME.key for these names: DNS names, addresses, URIs (spiffe://...)

--days=N, before these            they are good for N days instead of 7; with a negative N they have expired, to try that out

For development: the keys are for this user only. Run it again for new ones.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let said = arguments
        .first()
        .and_then(|first| first.strip_prefix("--days="));
    let rest = &arguments[usize::from(said.is_some())..];
    let done = match (said.map_or(Ok(DAYS), str::parse), rest) {
        (Ok(days), [folder]) if !folder.starts_with('-') => {
            for_this_machine(Path::new(folder), days)
        }
        (Ok(days), [folder, name, names @ ..]) if !folder.starts_with('-') && !names.is_empty() => {
            let request = Request::for_days(days, names.to_vec());
            issue(Path::new(folder), name, request)
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wool-certs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn for_this_machine(folder: &Path, days: i64) -> Result<()> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    // Where it cannot be read, localhost is enough.
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        names.push(host.trim().to_owned());
    }
    // A worker's tasks call others: it is a caller, too.
    issue(folder, "worker", Request::for_days(days, names))?;
    let caller = Request::for_days(days, vec!["caller.wool.example".to_owned()]);
    issue(
        folder,
        "caller",
        Request {
            server: false,
            ..caller
        },
    )
}

fn issue(folder: &Path, name: &str, request: Request) -> Result<()> {
    let request = Request {
        common_name: name.to_owned(),
        ..request
    };
    let issued = authority_in(folder)?.issue(&request)?;
    let [certificate, _] = save(folder, name, &issued)?;
    println!("{} for {}", certificate.display(), request.names.join(", "));
    Ok(())
}

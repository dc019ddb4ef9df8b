//! `wool-certs FOLDER [NAME [SAN...]]`: see USAGE.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal"
)]

use std::io::Result;
use std::path::Path;
use std::process::ExitCode;

use wool_certs::{Request, authority_in, save};

const USAGE: &str = "\
wool-certs FOLDER                 makes an authority (ca.pem, ca.key) in FOLDER, if there is none, and certificates of it:
                                  worker.pem, worker.key and caller.pem, caller.key, for this machine
wool-certs FOLDER NAME SAN...     makes NAME.pem and NAME.key for these names: DNS names, addresses, URIs (spiffe://...)

For development: they are good for 7 days, the keys are for this user only. Run it again for new ones.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments[..] {
        [folder] if !folder.starts_with('-') => for_this_machine(Path::new(folder)),
        [folder, name, names @ ..] if !names.is_empty() => {
            issue(Path::new(folder), name, names.to_vec(), true, true)
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

fn for_this_machine(folder: &Path) -> Result<()> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    // Where it cannot be read, localhost is enough.
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        names.push(host.trim().to_owned());
    }
    // A worker's tasks call others: it is a caller, too.
    issue(folder, "worker", names, true, true)?;
    issue(
        folder,
        "caller",
        vec!["caller.wool.example".to_owned()],
        false,
        true,
    )
}

fn issue(folder: &Path, name: &str, names: Vec<String>, server: bool, client: bool) -> Result<()> {
    let request = Request {
        names,
        server,
        client,
        common_name: name.to_owned(),
        ..Request::default()
    };
    let issued = authority_in(folder)?.issue(&request)?;
    let [certificate, _] = save(folder, name, &issued)?;
    println!("{} for {}", certificate.display(), request.names.join(", "));
    Ok(())
}

//! Measures libwool beside a rival, in the same run: `make bench`. `benches/README.md` says what is
//! measured, how, and how to read it.
//!
//! The program is its own worker and caller: it starts itself once for each side of each contender.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    missing_docs,
    reason = "a program"
)]

mod job;
mod options;
mod ours;
mod peers;
mod place;
mod plan;
mod report;
mod rival;
mod rounds;
mod secure;

use std::process::ExitCode;

use job::Failure;
use options::Options;
use secure::Certificates;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let certificates = words.iter().copied().find_map(secure::folder);
    words.retain(|word| secure::folder(word).is_none());
    let done = match words[..] {
        ["worker", "rival"] => rival::worker(false, certificates),
        ["worker", "rival", "unix"] => rival::worker(true, None),
        ["worker", "ours"] => ours::worker(ours::Routines::OnTaskThreads, false, certificates),
        ["worker", "ours", "io"] => ours::worker(ours::Routines::OnIoThread, false, certificates),
        ["worker", "ours", "unix"] => ours::worker(ours::Routines::OnTaskThreads, true, None),
        ["caller", "rival", address] => rival::caller(address, certificates),
        ["caller", "ours", address] => ours::caller(address, certificates),
        ["caller", "io", address] => ours::caller_on_io_thread(address, certificates),
        ["caller", "submit", address] => ours::submitter(address, certificates),
        _ => Options::parse(&words).and_then(|options| bench(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wool-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism()?;
    println!(
        "{cores} cores, {} paired rounds of {} ms; medians; CPU of both processes per call; ratios within a round\n",
        options.effort.rounds,
        options.effort.time.as_millis(),
    );
    let mut parts = Vec::new();
    let certificates = Certificates::new()?;
    for section in plan::sections(&options.others, &certificates)? {
        if !options.wants(section.word) {
            continue;
        }
        let (cells, missing) = rounds::measure(&section, options.effort);
        println!("{}", report::table(&section, &cells, &missing));
        parts.push(report::json(&section, &cells, &missing));
    }
    for name in options.missing() {
        println!("wool, {name} is missing: its program was not given");
    }
    if let Some(file) = &options.json {
        std::fs::write(file, format!("[{}]\n", parts.join(",\n")))
            .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    Ok(())
}

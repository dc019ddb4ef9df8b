//! A soak: worker processes are killed, or told to drain, while calls are under way, and what ran is counted against what
//! the callers were told. `WOOL_SOAK_KILLED` says how many calls (2,000), `WOOL_SOAK_SEED` which order; a failure names it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test: a panic is a failure, and what it prints tells how to have it again"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/dice.rs"]
mod dice;
mod round;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dice::{Dice, drawn, number};
use round::{Round, Tally};
use wool::{Arguments, Routine, Runtime, serve_if_spawned};

const CALLS: usize = 2_000;
const CALLS_OF_A_ROUND: usize = 250;

#[test]
fn no_call_runs_twice_and_none_is_lost_whoever_is_killed() {
    let calls = number("WOOL_SOAK_KILLED").map_or(CALLS, |calls| calls as usize);
    let seed = number("WOOL_SOAK_SEED").unwrap_or_else(drawn);
    println!("{calls} calls, WOOL_SOAK_SEED={seed}");
    // A process that was not spawned may start this program again once it has come past here.
    let runtime = Runtime::new(Default::default()).unwrap();
    assert!(!serve_if_spawned(&runtime).unwrap());
    let (mut dice, mut tally, mut made) = (Dice::new(seed), Tally::default(), 0);
    while made < calls {
        let round = Round::draw(&mut dice, made, CALLS_OF_A_ROUND.min(calls - made));
        made += CALLS_OF_A_ROUND.min(calls - made);
        tally.add(&round.play(&runtime));
    }
    println!("{tally:?}");
    assert_eq!(tally.calls, calls);
    // Else nobody was killed in the middle of anything.
    assert!(tally.ok > 0 && (tally.unknown > 0 || calls < CALLS));
    runtime
        .close_blocking(Some(Duration::from_secs(60)))
        .unwrap();
}

/// What the worker processes of the soak do: this program, started for this test alone.
#[test]
fn worker() {
    let Ok(folder) = std::env::var(round::FOLDER) else {
        return;
    };
    let runtime = Runtime::new(Default::default()).unwrap();
    runtime.register(once(Path::new(&folder))).unwrap();
    assert!(serve_if_spawned(&runtime).unwrap());
}

/// Writes down that it runs: a number, in one write, in the file of its process.
fn once(folder: &Path) -> Routine {
    let path = folder.join(std::process::id().to_string());
    let book = OpenOptions::new().create(true).append(true).open(path);
    let book = Arc::new(book.unwrap());
    Routine::unary("soak.once", move |_task, arguments: Arguments| {
        let book = Arc::clone(&book);
        async move {
            let (number,): (u64,) = arguments.extract()?;
            let written = (&*book).write(&number.to_le_bytes())?;
            assert_eq!(written, 8);
            // Work that a kill finds under way.
            tokio::time::sleep(Duration::from_micros(number % 5 * 500)).await;
            Ok(number)
        }
    })
}

//! The library's races, tried in every interleaving by loom. What is tried are the library's own source files: they are
//! compiled here once more, with loom's types where they name `crate::sync`. Nothing else of the library is built.

#![cfg(test)]

mod sync;

#[path = "../../../core/src/session/due.rs"]
mod due;
#[path = "../../../ffi/src/queue/wakeup.rs"]
mod wakeup;

mod test_due;
mod test_wakeup;

/// Tries a model in every interleaving with up to so many threads taken off the processor against their will. Races that
/// need more are not known to exist; without the bound a model takes hours.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(run);
}

const PREEMPTIONS: usize = 3;

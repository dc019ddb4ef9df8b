//! How far the work is: counters that the work writes and the view reads.

use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::team::Role;

/// Different errors that are kept to be told.
const KEPT_TROUBLES: usize = 3;

/// The tasks of one role.
#[derive(Default)]
pub(crate) struct Tally {
    done: AtomicUsize,
    failed: AtomicUsize,
    in_flight: AtomicUsize,
    words: AtomicU64,
    again: AtomicUsize,
}

/// A moment of a [`Tally`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Snapshot {
    pub(crate) done: usize,
    pub(crate) failed: usize,
    pub(crate) in_flight: usize,
    /// Words in what was done.
    pub(crate) words: u64,
    /// Tasks that there will be.
    pub(crate) total: usize,
}

/// The whole work.
pub(crate) struct Progress {
    began: Instant,
    took: OnceLock<Duration>,
    tallies: [Tally; Role::ALL.len()],
    totals: [usize; Role::ALL.len()],
    pieces: Tally,
    pieces_total: usize,
    troubles: Mutex<Vec<String>>,
    note: Mutex<Option<String>>,
}

impl Progress {
    /// `totals` says how many tasks a role will have.
    pub(crate) fn new(pieces_total: usize, totals: impl Fn(Role) -> usize) -> Progress {
        Progress {
            began: Instant::now(),
            took: OnceLock::new(),
            tallies: Default::default(),
            totals: Role::ALL.map(totals),
            pieces: Tally::default(),
            pieces_total,
            troubles: Mutex::default(),
            note: Mutex::default(),
        }
    }

    /// Runs a task of a role, counting it.
    pub(crate) async fn task<T>(
        &self,
        role: Role,
        task: impl Future<Output = wool::Result<T>>,
    ) -> Option<T> {
        let tally = &self.tallies[role as usize];
        tally.in_flight.fetch_add(1, Ordering::Relaxed);
        let outcome = task.await;
        tally.in_flight.fetch_sub(1, Ordering::Relaxed);
        match outcome {
            Ok(value) => {
                tally.done.fetch_add(1, Ordering::Relaxed);
                Some(value)
            }
            Err(error) => {
                tally.failed.fetch_add(1, Ordering::Relaxed);
                self.trouble(format!("{}: {error}", role.name()));
                None
            }
        }
    }

    /// A task of a role is made again: its worker was lost.
    pub(crate) fn again(&self, role: Role) {
        self.tallies[role as usize]
            .again
            .fetch_add(1, Ordering::Relaxed);
    }

    /// How many tasks were made again.
    pub(crate) fn made_again(&self) -> usize {
        let again = self.tallies.iter().map(|tally| &tally.again);
        again.map(|again| again.load(Ordering::Relaxed)).sum()
    }

    /// What has just happened; shown below the work.
    pub(crate) fn note(&self, what: String) {
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// What has happened last.
    pub(crate) fn noted(&self) -> Option<String> {
        let note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        note.clone()
    }

    /// A role has dealt with so many words.
    pub(crate) fn words(&self, role: Role, words: u64) {
        self.tallies[role as usize]
            .words
            .fetch_add(words, Ordering::Relaxed);
    }

    /// A piece has been tokenised and counted, or not.
    pub(crate) fn piece(&self, done: bool) {
        let counter = if done {
            &self.pieces.done
        } else {
            &self.pieces.failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn trouble(&self, what: String) {
        let mut troubles = self.lock_troubles();
        if troubles.len() < KEPT_TROUBLES && !troubles.contains(&what) {
            troubles.push(what);
        }
    }

    pub(crate) fn troubles(&self) -> Vec<String> {
        self.lock_troubles().clone()
    }

    /// Stops the clock; only the first time counts.
    pub(crate) fn finish(&self) {
        self.took.get_or_init(|| self.began.elapsed());
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.took
            .get()
            .copied()
            .unwrap_or_else(|| self.began.elapsed())
    }

    /// The tasks of several roles together.
    pub(crate) fn of(&self, roles: &[Role]) -> Snapshot {
        let mut sum = Snapshot::default();
        for &role in roles {
            let one = self.tallies[role as usize].snapshot(self.totals[role as usize]);
            sum.done += one.done;
            sum.failed += one.failed;
            sum.in_flight += one.in_flight;
            sum.words += one.words;
            sum.total += one.total;
        }
        sum
    }

    /// The pieces of text.
    pub(crate) fn pieces(&self) -> Snapshot {
        self.pieces.snapshot(self.pieces_total)
    }

    fn lock_troubles(&self) -> MutexGuard<'_, Vec<String>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn snapshot(&self, total: usize) -> Snapshot {
        Snapshot {
            done: self.done.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            words: self.words.load(Ordering::Relaxed),
            total,
        }
    }
}

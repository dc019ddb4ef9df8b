//! Which of the workers that can take a call gets it.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

/// How a pool spreads its calls over its workers.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Balancer {
    /// One after the other.
    #[default]
    RoundRobin,
    /// Of two that are drawn by lot, the one with fewer calls of this pool in flight ("power of two choices").
    LeastLoaded,
    /// The host's own.
    Custom(Arc<dyn LoadBalancer>),
}

/// A way of the host's own to spread calls.
pub trait LoadBalancer: Send + Sync {
    /// Is asked for each call, and again when the worker that it chose did not take it. It may answer within, or later from
    /// any thread; the call waits, up to its dispatch timeout. It must not block: it is asked on the thread of whoever makes
    /// the call, and on wool's.
    fn choose(&self, choice: Choice);
}

/// A call that waits for a worker to be chosen. Dropped without an answer, the call is given to the next in turn.
pub struct Choice {
    routine: Arc<str>,
    tag: Arc<str>,
    workers: Vec<ChoiceWorker>,
    answer: Option<Answer>,
}

type Answer = Box<dyn FnOnce(Chosen) + Send>;

/// How a choice ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// Of the workers, by index.
    One(usize),
    /// Wait until something changes.
    None,
    /// The balancer has failed: take the next in turn.
    Unanswered,
}

/// A worker that can take a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceWorker {
    /// Its UUID.
    pub uid: Arc<str>,
    /// Where this pool reaches it.
    pub address: String,
    /// Its labels.
    pub tags: Vec<String>,
    /// Calls of this pool that it has and has not answered.
    pub in_flight: usize,
    /// How many of them it takes.
    pub capacity: usize,
}

impl Choice {
    pub(crate) fn new(
        (routine, tag): (Arc<str>, Arc<str>),
        workers: Vec<ChoiceWorker>,
        answer: impl FnOnce(Chosen) + Send + 'static,
    ) -> Choice {
        Choice {
            routine,
            tag,
            workers,
            answer: Some(Box::new(answer)),
        }
    }

    /// The routine that is called.
    pub fn routine(&self) -> &str {
        &self.routine
    }

    /// The call's label.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Those that can take it, at least one, in no order that means anything.
    pub fn workers(&self) -> &[ChoiceWorker] {
        &self.workers
    }

    /// The worker with this index gets the call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for an index beyond the workers; then the next in turn gets it.
    pub fn choose(mut self, index: usize) -> Result<()> {
        let count = self.workers.len();
        if index >= count {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("worker {index} was chosen of {count}, which are counted from 0"),
            ));
        }
        self.end(Chosen::One(index));
        Ok(())
    }

    /// None of them gets it: the call waits, and is asked about again when something has changed.
    pub fn none(mut self) {
        self.end(Chosen::None);
    }

    fn end(&mut self, chosen: Chosen) {
        if let Some(answer) = self.answer.take() {
            answer(chosen);
        }
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        self.end(Chosen::Unanswered);
    }
}

impl fmt::Debug for Balancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Balancer::RoundRobin => "RoundRobin",
            Balancer::LeastLoaded => "LeastLoaded",
            Balancer::Custom(_) => "Custom",
        })
    }
}

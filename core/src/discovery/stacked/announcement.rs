//! A worker's place in each of several discoveries.

use std::future::poll_fn;
use std::path::Path;
use std::task::Poll;

use super::{Part, by};
use crate::discovery::{Announced, Withdrawn};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::WorkerRecord;

pub(super) struct Announcement {
    parts: Vec<Part>,
}

impl Announcement {
    /// # Errors
    /// [`ErrorKind::Unsupported`] when there are none.
    pub(super) fn new(parts: Vec<Part>) -> Result<Announcement> {
        if parts.is_empty() {
            return Err(none_publishes());
        }
        Ok(Announcement { parts })
    }
}

impl Announced for Announcement {
    fn socket_path(&self) -> Option<&Path> {
        let mut parts = self.parts.iter();
        parts.find_map(|part| part.announced.socket_path())
    }

    /// Only if all do: those who find the worker elsewhere would be asked for a secret that they cannot know.
    fn holds_secret(&self) -> bool {
        self.parts.iter().all(|part| part.announced.holds_secret())
    }

    /// One that answers that it only finds workers is left out. When another fails, the worker is in none of them.
    fn publish(&mut self, record: &WorkerRecord) -> Result<()> {
        let elsewhere = WorkerRecord {
            local: None,
            socket_path: String::new(),
            ..record.clone()
        };
        let mut at = 0;
        while let Some(part) = self.parts.get_mut(at) {
            let record = if part.announced.holds_secret() {
                record
            } else {
                &elsewhere
            };
            match part.announced.publish(record) {
                Ok(()) => at += 1,
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    self.parts.remove(at);
                }
                Err(error) => {
                    let error = by(&part.title, &error);
                    self.parts.clear();
                    return Err(error);
                }
            }
        }
        if self.parts.is_empty() {
            return Err(none_publishes());
        }
        Ok(())
    }

    fn withdraw(self: Box<Self>) -> Withdrawn {
        let parts = self.parts.into_iter();
        let mut waiting: Vec<Withdrawn> = parts.map(|part| part.announced.withdraw()).collect();
        Box::pin(poll_fn(move |context| {
            waiting.retain_mut(|withdrawn| withdrawn.as_mut().poll(context).is_pending());
            if waiting.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }))
    }
}

fn none_publishes() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "none of the stacked discoveries publishes workers: add a local, LAN or custom one, or do not publish",
    )
}

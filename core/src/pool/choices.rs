//! Calls about which the host's own balancer is asked.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::balancer::{Choice, ChoiceWorker, Chosen, LoadBalancer};
use super::dispatch::{Seen, end_as_closed};
use super::member::{Link, Member};
use super::{PoolShared, lock};
use crate::log::Level;
use crate::session::Dispatch;

/// The calls that their balancer has and has not answered.
#[derive(Default)]
pub(super) struct Choices {
    next: u64,
    asked: HashMap<u64, Asked>,
}

/// A call that belongs to a choice.
struct Asked {
    dispatch: Box<Dispatch>,
    workers: Vec<Arc<Member>>,
    counts: Counts,
    /// The balancer has not returned: whoever asked goes on with the answer.
    within: bool,
    answer: Option<Chosen>,
}

/// What has happened in the pool until it was asked: a call that waits in vain would miss the next.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) changes: u64,
    pub(super) freed: u64,
}

impl Choices {
    fn add(&mut self, asked: Asked) -> u64 {
        self.next += 1;
        self.asked.insert(self.next, asked);
        self.next
    }

    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }

    /// Takes calls back from their choices, whose answers then do nothing.
    pub(super) fn take(&mut self, such: impl Fn(&Dispatch) -> bool) -> Vec<Dispatch> {
        let taken = self.asked.extract_if(|_, asked| such(&asked.dispatch));
        taken.map(|(_, asked)| *asked.dispatch).collect()
    }

    /// The earliest time of all.
    pub(super) fn first(&self, time: impl Fn(&Dispatch) -> Instant) -> Option<Instant> {
        self.asked.values().map(|asked| time(&asked.dispatch)).min()
    }
}

impl PoolShared {
    pub(super) fn counts(&self) -> Counts {
        Counts {
            changes: self.changes.load(Ordering::Acquire),
            freed: self.freed.load(Ordering::SeqCst),
        }
    }

    /// Gives a call to the worker that the balancer chooses, which it may do later.
    pub(super) fn ask(
        self: &Arc<Self>,
        balancer: &Arc<dyn LoadBalancer>,
        mut dispatch: Box<Dispatch>,
    ) {
        loop {
            let counts = self.counts();
            let mut seen = Seen::default();
            let mut workers = Vec::new();
            let mut able = Vec::new();
            {
                let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
                for member in members.iter() {
                    if let Some(worker) = member.able(&dispatch, &mut seen) {
                        workers.push(Arc::clone(member));
                        able.push(worker);
                    }
                }
            }
            if able.is_empty() {
                self.nobody_took(dispatch, seen, counts);
                return;
            }
            let about = (Arc::clone(&dispatch.routine), dispatch.tag.as_str().into());
            let id = lock(&self.choices).add(Asked {
                dispatch,
                workers,
                counts,
                within: true,
                answer: None,
            });
            let pool = Arc::downgrade(self);
            let choice = Choice::new(about, able, move |chosen| {
                if let Some(pool) = pool.upgrade() {
                    pool.answered(id, chosen);
                }
            });
            // A choice that it has not kept is dropped on the way, and so unanswered.
            if catch_unwind(AssertUnwindSafe(|| balancer.choose(choice))).is_err() {
                self.log(Level::Warn, || {
                    "the balancer panicked: the next worker in turn gets the call".to_owned()
                });
            }
            let Some((asked, chosen)) = self.asked_within(id) else {
                return;
            };
            match self.carry_out_choice(asked, chosen) {
                // It did not take it after all.
                Some(back) => dispatch = back,
                None => return,
            }
        }
    }

    /// The balancer has returned. `None`: it answers later, or the call has ended.
    fn asked_within(&self, id: u64) -> Option<(Asked, Chosen)> {
        let mut choices = lock(&self.choices);
        let asked = choices.asked.get_mut(&id)?;
        if let Some(chosen) = asked.answer.take() {
            let asked = choices.asked.remove(&id)?;
            return Some((asked, chosen));
        }
        asked.within = false;
        if self.is_closing.load(Ordering::Acquire) {
            // The keeper may have ended those that it has seen.
            let asked = choices.asked.remove(&id)?;
            drop(choices);
            end_as_closed(&asked.dispatch);
            return None;
        }
        drop(choices);
        // The keeper's timer may be too late for it.
        self.parked_one.notify_one();
        None
    }

    fn answered(self: &Arc<Self>, id: u64, chosen: Chosen) {
        let mut choices = lock(&self.choices);
        let Some(asked) = choices.asked.get_mut(&id) else {
            return;
        };
        if asked.within {
            asked.answer = Some(chosen);
            return;
        }
        let Some(asked) = choices.asked.remove(&id) else {
            return;
        };
        drop(choices);
        if let Some(back) = self.carry_out_choice(asked, chosen) {
            // Not on the thread that answers, which may hold what the balancer needs to choose.
            let shared = Arc::clone(self);
            self.runtime.spawn_io(async move { shared.offer(back) });
        }
    }

    /// Gives the call back when the chosen worker did not take it.
    fn carry_out_choice(&self, asked: Asked, chosen: Chosen) -> Option<Box<Dispatch>> {
        let Asked {
            mut dispatch,
            workers,
            counts,
            ..
        } = asked;
        if dispatch.flight.is_over() {
            return None;
        }
        match chosen {
            Chosen::One(index) => {
                let worker = &workers[index];
                let mut back = worker.take(dispatch, &mut Seen::default())?;
                back.refused_by.push(worker.id);
                Some(back)
            }
            Chosen::None => {
                self.decline(dispatch, counts);
                None
            }
            Chosen::Unanswered => {
                let mut seen = Seen::default();
                dispatch = self.give_in_turn(dispatch, &mut seen)?;
                self.nobody_took(dispatch, seen, counts);
                None
            }
        }
    }
}

impl Member {
    /// How it is shown to a balancer, if it can take this call; otherwise notes why not.
    fn able(&self, dispatch: &Dispatch, seen: &mut Seen) -> Option<ChoiceWorker> {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        let (_, state) = self.fits(&link, dispatch, seen)?;
        let Link::Up { address, .. } = &*link else {
            return None;
        };
        if !state.has_place() {
            seen.full = true;
            return None;
        }
        Some(ChoiceWorker {
            uid: state.peer().worker_uid.as_str().into(),
            address: address.to_string(),
            tags: self.about().tags.clone(),
            in_flight: state.in_flight(),
            capacity: state.peer().limits.max_open_calls,
        })
    }
}

//! The lives of a pool's worker processes, apart from processes: events and the time go in, what is to be
//! done comes out. A slot has one process after the other.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, Instant};

use crate::worker::Grace;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpawnTimes {
    /// From the start of a process until its worker serves.
    pub(crate) start: Duration,
    /// From the end of a worker, or the end of its grace, until its process has ended.
    pub(crate) end: Duration,
    /// Before a process is replaced; doubled while that does not help.
    pub(crate) shortest_pause: Duration,
    pub(crate) longest_pause: Duration,
}

impl Default for SpawnTimes {
    fn default() -> SpawnTimes {
        SpawnTimes {
            start: Duration::from_secs(30),
            end: Duration::from_secs(5),
            shortest_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(10),
        }
    }
}

/// A worker that has served this many times the last pause has shown that it can: the next pause is the
/// shortest again.
const STEADY: u32 = 10;
/// So many deaths without a worker that serves, and none in between, are a crash loop.
const CRASH_LOOP: u32 = 3;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start a process; answered by [`Slots::ended`] if that fails.
    Start { slot: usize },
    /// Tell the worker to stop.
    Stop { slot: usize, grace: Grace },
    /// End the process now, also one that is still being started.
    Kill { slot: usize, why: Why },
    /// Processes die before they serve; the last one was this slot's.
    CrashLoop { slot: usize },
    /// After a crash loop: one serves.
    Recovered,
    /// After a stop: nothing is left, and nothing happens any more.
    AllEnded,
}

/// Why a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its worker did not serve within this time.
    Late(Duration),
    /// It had not ended within this time after its worker.
    Lingering(Duration),
    Unwanted,
    Distrusted,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Late(time) => write!(
                f,
                "its worker did not serve within {time:?}; does its program pass wool's main \
                 (serve_if_spawned)?"
            ),
            Why::Lingering(time) => {
                write!(f, "it had not ended {time:?} after its worker was to stop")
            }
            Why::Unwanted => f.write_str("it was told to stop before its worker served"),
            Why::Distrusted => f.write_str("it did not behave as a worker process does"),
        }
    }
}

/// What a slot's process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// Started, and has not served yet.
    Starting,
    /// Its worker serves.
    Serving,
    /// There is none: the last one has ended, and the next one is started after a pause.
    Backoff,
    /// Its worker stops or has stopped, or it has been killed.
    Stopping,
    /// There is none, and none will be.
    Ended,
}

#[derive(Clone, Copy, Debug)]
enum Life {
    Starting { kill_at: Instant },
    Serving { since: Instant },
    Backoff { until: Instant },
    Stopping { kill_at: Option<Instant> },
    Killed(Why),
    Ended,
}

#[derive(Debug)]
struct Slot {
    life: Life,
    pause: Duration,
    /// Whether this process has served.
    served: bool,
    /// Processes that were started after the first one.
    restarts: u64,
}

pub(super) struct Slots {
    slots: Vec<Slot>,
    times: SpawnTimes,
    /// Since a worker last served.
    deaths: u32,
    looping: bool,
    stopping: bool,
    ended: bool,
}

impl Slots {
    /// Starts a process in every slot.
    pub(super) fn new(count: usize, times: SpawnTimes, now: Instant) -> (Slots, Vec<Action>) {
        let slot = || Slot {
            life: Life::Starting {
                kill_at: now + times.start,
            },
            pause: Duration::ZERO,
            served: false,
            restarts: 0,
        };
        let slots = Slots {
            slots: (0..count).map(|_| slot()).collect(),
            times,
            deaths: 0,
            looping: false,
            stopping: false,
            ended: false,
        };
        let actions = (0..count).map(|slot| Action::Start { slot }).collect();
        (slots, actions)
    }

    pub(super) fn state(&self, slot: usize) -> SlotState {
        match self.slots[slot].life {
            Life::Starting { .. } => SlotState::Starting,
            Life::Serving { .. } => SlotState::Serving,
            Life::Backoff { .. } => SlotState::Backoff,
            Life::Stopping { .. } | Life::Killed(_) => SlotState::Stopping,
            Life::Ended => SlotState::Ended,
        }
    }

    pub(super) fn restarts(&self, slot: usize) -> u64 {
        self.slots[slot].restarts
    }

    /// Why the process is not to live, perhaps since before it was there.
    pub(super) fn killed(&self, slot: usize) -> Option<Why> {
        match self.slots[slot].life {
            Life::Killed(why) => Some(why),
            _ => None,
        }
    }

    /// The slot's worker serves.
    pub(super) fn ready(&mut self, slot: usize, now: Instant) -> Vec<Action> {
        if !matches!(self.slots[slot].life, Life::Starting { .. }) {
            return Vec::new();
        }
        self.slots[slot].life = Life::Serving { since: now };
        self.slots[slot].served = true;
        self.deaths = 0;
        if !std::mem::take(&mut self.looping) {
            return Vec::new();
        }
        // What was wrong is right now: the others need not wait for their turn.
        for slot in &mut self.slots {
            if let Life::Backoff { until } = &mut slot.life {
                *until = now;
                slot.pause = Duration::ZERO;
            }
        }
        let mut actions = vec![Action::Recovered];
        actions.extend(self.tick(now));
        actions
    }

    /// The worker has stopped, failed to start, or cannot be reached: its process has to end soon.
    pub(super) fn leaving(&mut self, slot: usize, now: Instant) -> Vec<Action> {
        let soon = now + self.times.end;
        let life = &mut self.slots[slot].life;
        match *life {
            Life::Starting { .. } | Life::Serving { .. } | Life::Stopping { kill_at: None } => {
                self.pause_longer(slot, now);
                self.slots[slot].life = Life::Stopping {
                    kill_at: Some(soon),
                };
            }
            Life::Stopping {
                kill_at: Some(before),
            } => {
                *life = Life::Stopping {
                    kill_at: Some(before.min(soon)),
                };
            }
            Life::Backoff { .. } | Life::Killed(_) | Life::Ended => {}
        }
        Vec::new()
    }

    /// The process is not to be trusted.
    pub(super) fn distrust(&mut self, slot: usize, now: Instant) -> Vec<Action> {
        match self.slots[slot].life {
            Life::Backoff { .. } | Life::Killed(_) | Life::Ended => Vec::new(),
            _ => {
                self.pause_longer(slot, now);
                self.slots[slot].life = Life::Killed(Why::Distrusted);
                vec![Action::Kill {
                    slot,
                    why: Why::Distrusted,
                }]
            }
        }
    }

    /// The process has ended and is no more, or could not be started.
    pub(super) fn ended(&mut self, slot: usize, now: Instant) -> Vec<Action> {
        if matches!(
            self.slots[slot].life,
            Life::Starting { .. } | Life::Serving { .. }
        ) {
            self.pause_longer(slot, now);
        }
        if self.stopping {
            self.slots[slot].life = Life::Ended;
            return self.all_ended().into_iter().collect();
        }
        let mut actions = Vec::new();
        if !self.slots[slot].served && !self.any_serves() {
            self.deaths = self.deaths.saturating_add(1);
            if self.deaths >= CRASH_LOOP && !self.looping {
                self.looping = true;
                actions.push(Action::CrashLoop { slot });
            }
        }
        let pause = match self.looping {
            true => self.times.longest_pause,
            false => self.slots[slot].pause,
        };
        self.slots[slot].life = Life::Backoff { until: now + pause };
        actions
    }

    /// Ends them all. Asking again can shorten the grace, never lengthen it.
    pub(super) fn stop(&mut self, grace: Grace, now: Instant) -> Vec<Action> {
        self.stopping = true;
        let kill_at = match grace {
            Grace::Now => now.checked_add(self.times.end),
            Grace::For(time) => now
                .checked_add(time)
                .and_then(|over| over.checked_add(self.times.end)),
            Grace::Forever => None,
        };
        let mut actions = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            match slot.life {
                Life::Starting { .. } => {
                    slot.life = Life::Killed(Why::Unwanted);
                    actions.push(Action::Kill {
                        slot: index,
                        why: Why::Unwanted,
                    });
                }
                Life::Serving { .. } => {
                    slot.life = Life::Stopping { kill_at };
                    actions.push(Action::Stop { slot: index, grace });
                }
                Life::Stopping { kill_at: before } if sooner(kill_at, before) => {
                    slot.life = Life::Stopping { kill_at };
                    actions.push(Action::Stop { slot: index, grace });
                }
                Life::Backoff { .. } => slot.life = Life::Ended,
                Life::Stopping { .. } | Life::Killed(_) | Life::Ended => {}
            }
        }
        actions.extend(self.all_ended());
        actions
    }

    /// When [`Slots::tick`] is due.
    pub(super) fn next_tick(&self) -> Option<Instant> {
        let due = |slot: &Slot| match slot.life {
            Life::Starting { kill_at } => Some(kill_at),
            Life::Backoff { until } => Some(until),
            Life::Stopping { kill_at } => kill_at,
            Life::Serving { .. } | Life::Killed(_) | Life::Ended => None,
        };
        self.slots.iter().filter_map(due).min()
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        for index in 0..self.slots.len() {
            match self.slots[index].life {
                Life::Backoff { until } if until <= now => {
                    let slot = &mut self.slots[index];
                    slot.life = Life::Starting {
                        kill_at: now + self.times.start,
                    };
                    slot.served = false;
                    slot.restarts += 1;
                    actions.push(Action::Start { slot: index });
                }
                Life::Starting { kill_at: due } if due <= now => {
                    self.pause_longer(index, now);
                    self.slots[index].life = Life::Killed(Why::Late(self.times.start));
                    actions.push(Action::Kill {
                        slot: index,
                        why: Why::Late(self.times.start),
                    });
                }
                Life::Stopping { kill_at: Some(due) } if due <= now => {
                    self.slots[index].life = Life::Killed(Why::Lingering(self.times.end));
                    actions.push(Action::Kill {
                        slot: index,
                        why: Why::Lingering(self.times.end),
                    });
                }
                _ => {}
            }
        }
        actions
    }

    fn any_serves(&self) -> bool {
        self.slots
            .iter()
            .any(|slot| matches!(slot.life, Life::Serving { .. }))
    }

    /// Chooses the pause that follows this process.
    fn pause_longer(&mut self, slot: usize, now: Instant) {
        let SpawnTimes {
            shortest_pause,
            longest_pause,
            ..
        } = self.times;
        let slot = &mut self.slots[slot];
        let steady = match slot.life {
            Life::Serving { since } => now.saturating_duration_since(since) >= slot.pause * STEADY,
            _ => false,
        };
        slot.pause = match steady {
            true => shortest_pause,
            false => (slot.pause * 2).clamp(shortest_pause, longest_pause),
        };
    }

    fn all_ended(&mut self) -> Option<Action> {
        let all = self
            .slots
            .iter()
            .all(|slot| matches!(slot.life, Life::Ended));
        (all && !std::mem::replace(&mut self.ended, all)).then_some(Action::AllEnded)
    }
}

fn sooner(now: Option<Instant>, before: Option<Instant>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => now < before,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

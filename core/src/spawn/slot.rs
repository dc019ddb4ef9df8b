//! The lives of a pool's worker processes, apart from processes: events and the time go in, what is to be
//! done comes out. A slot has one process after the other.

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

#[cfg(test)]
mod tests {
    use super::*;

    const START_WITHIN: Duration = Duration::from_secs(30);
    const END_WITHIN: Duration = Duration::from_secs(5);
    const LATE: Why = Why::Late(START_WITHIN);
    const LINGERING: Why = Why::Lingering(END_WITHIN);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn kill(slot: usize, why: Why) -> Action {
        Action::Kill { slot, why }
    }

    fn starts(count: usize) -> Vec<Action> {
        (0..count).map(|slot| Action::Start { slot }).collect()
    }

    fn new(count: usize) -> (Slots, Instant) {
        let now = Instant::now();
        let (slots, actions) = Slots::new(count, SpawnTimes::default(), now);
        assert_eq!(actions, starts(count));
        (slots, now)
    }

    /// The time that passes until the next tick, which is then done.
    fn wait(slots: &mut Slots, now: &mut Instant) -> (Duration, Vec<Action>) {
        let due = slots.next_tick().expect("nothing is due");
        let passed = due - *now;
        *now = due;
        (passed, slots.tick(due))
    }

    #[test]
    fn a_dead_worker_is_replaced_after_a_pause() {
        let (mut slots, mut now) = new(2);
        assert_eq!(slots.ready(0, now), []);
        assert_eq!(slots.ready(1, now), []);
        assert_eq!(slots.next_tick(), None);
        now += seconds(60.0);
        assert_eq!(slots.ended(1, now), []);
        assert_eq!(slots.state(1), SlotState::Backoff);
        assert_eq!(
            wait(&mut slots, &mut now),
            (seconds(0.1), vec![Action::Start { slot: 1 }])
        );
        assert_eq!((slots.restarts(0), slots.restarts(1)), (0, 1));
        assert_eq!(slots.ready(1, now), []);
        assert_eq!(slots.state(1), SlotState::Serving);
    }

    #[test]
    fn the_pause_doubles_up_to_ten_seconds_until_a_worker_serves_steadily() {
        let (mut slots, mut now) = new(2);
        slots.ready(0, now);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            slots.ready(1, now);
            assert_eq!(slots.ended(1, now), []);
            pauses.push(wait(&mut slots, &mut now).0.as_millis());
        }
        assert_eq!(
            pauses,
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        slots.ready(1, now);
        now += seconds(99.0);
        slots.ended(1, now);
        assert_eq!(wait(&mut slots, &mut now).0, seconds(10.0));
        slots.ready(1, now);
        now += seconds(100.0);
        slots.ended(1, now);
        assert_eq!(wait(&mut slots, &mut now).0, seconds(0.1));
    }

    #[test]
    fn three_deaths_without_service_are_a_crash_loop_until_one_serves() {
        let (mut slots, mut now) = new(1);
        assert_eq!(slots.ended(0, now), []);
        assert_eq!(wait(&mut slots, &mut now), (seconds(0.1), starts(1)));
        assert_eq!(slots.ended(0, now), []);
        assert_eq!(wait(&mut slots, &mut now), (seconds(0.2), starts(1)));
        assert_eq!(slots.ended(0, now), [Action::CrashLoop { slot: 0 }]);
        // It is tried again, but not told again.
        for _ in 0..3 {
            assert_eq!(wait(&mut slots, &mut now), (seconds(10.0), starts(1)));
            assert_eq!(slots.ended(0, now), []);
        }
        assert_eq!(wait(&mut slots, &mut now), (seconds(10.0), starts(1)));
        assert_eq!(slots.ready(0, now), [Action::Recovered]);
        // Counted from the beginning.
        for _ in 0..2 {
            slots.ended(0, now);
            wait(&mut slots, &mut now);
        }
        // This one had served.
        assert_eq!(slots.deaths, 1);
    }

    #[test]
    fn deaths_beside_a_worker_that_serves_are_no_crash_loop() {
        let (mut slots, mut now) = new(2);
        slots.ready(0, now);
        for _ in 0..10 {
            assert_eq!(slots.ended(1, now), []);
            wait(&mut slots, &mut now);
        }
        assert_eq!(slots.ended(0, now), []);
        assert_eq!(slots.ended(1, now), []);
    }

    #[test]
    fn the_others_start_at_once_when_one_has_recovered() {
        let (mut slots, mut now) = new(3);
        slots.ended(0, now);
        slots.ended(1, now);
        assert_eq!(slots.ended(2, now), [Action::CrashLoop { slot: 2 }]);
        let (_, started) = wait(&mut slots, &mut now);
        assert_eq!(
            started,
            [Action::Start { slot: 0 }, Action::Start { slot: 1 }]
        );
        assert_eq!(
            slots.ready(1, now),
            [Action::Recovered, Action::Start { slot: 2 }]
        );
    }

    #[test]
    fn a_process_that_does_not_serve_in_time_is_killed() {
        let (mut slots, mut now) = new(1);
        let (waited, actions) = wait(&mut slots, &mut now);
        assert_eq!(waited, START_WITHIN);
        assert_eq!(actions, [kill(0, LATE)]);
        assert_eq!(slots.killed(0), Some(LATE));
        // Too late.
        assert_eq!(slots.ready(0, now), []);
        assert_eq!(slots.next_tick(), None);
        assert_eq!(slots.ended(0, now), []);
        assert_eq!(slots.deaths, 1);
        assert_eq!(wait(&mut slots, &mut now), (seconds(0.1), starts(1)));
    }

    #[test]
    fn a_worker_that_left_has_its_process_killed_and_replaced() {
        let (mut slots, mut now) = new(1);
        slots.ready(0, now);
        assert_eq!(slots.leaving(0, now), []);
        assert_eq!(slots.leaving(0, now + seconds(1.0)), []);
        assert_eq!(
            wait(&mut slots, &mut now),
            (END_WITHIN, vec![kill(0, LINGERING)])
        );
        assert_eq!(slots.ended(0, now), []);
        assert_eq!(wait(&mut slots, &mut now), (seconds(0.1), starts(1)));
        assert_eq!(slots.distrust(0, now), [kill(0, Why::Distrusted)]);
        assert_eq!(slots.distrust(0, now), []);
    }

    #[test]
    fn a_stop_waits_for_the_grace_then_kills() {
        let (mut slots, mut now) = new(3);
        slots.ready(0, now);
        slots.ended(1, now);
        let grace = Grace::For(seconds(7.0));
        assert_eq!(
            slots.stop(grace, now),
            [Action::Stop { slot: 0, grace }, kill(2, Why::Unwanted)]
        );
        assert_eq!(slots.ended(2, now), []);
        assert_eq!(
            wait(&mut slots, &mut now),
            (seconds(12.0), vec![kill(0, LINGERING)])
        );
        assert_eq!(slots.ended(0, now), [Action::AllEnded]);
        assert_eq!(slots.stop(Grace::Now, now), []);
        assert_eq!(slots.next_tick(), None);
    }

    #[test]
    fn a_stop_can_be_shortened_and_not_lengthened() {
        let (mut slots, mut now) = new(1);
        slots.ready(0, now);
        let stop = |grace| vec![Action::Stop { slot: 0, grace }];
        assert_eq!(slots.stop(Grace::Forever, now), stop(Grace::Forever));
        assert_eq!(slots.next_tick(), None);
        let grace = Grace::For(seconds(9.0));
        assert_eq!(slots.stop(grace, now), stop(grace));
        assert_eq!(slots.stop(Grace::Forever, now), []);
        assert_eq!(slots.stop(Grace::Now, now), stop(Grace::Now));
        assert_eq!(slots.stop(grace, now), []);
        assert_eq!(
            wait(&mut slots, &mut now),
            (END_WITHIN, vec![kill(0, LINGERING)])
        );
    }

    #[test]
    fn a_worker_told_to_stop_in_its_own_time_has_five_seconds_after_it_has() {
        let (mut slots, mut now) = new(1);
        slots.ready(0, now);
        slots.stop(Grace::Forever, now);
        now += seconds(1000.0);
        slots.leaving(0, now);
        assert_eq!(wait(&mut slots, &mut now).0, END_WITHIN);
    }

    #[test]
    fn nothing_to_stop_has_ended() {
        let (mut slots, now) = new(0);
        assert_eq!(slots.stop(Grace::Forever, now), [Action::AllEnded]);
    }
}

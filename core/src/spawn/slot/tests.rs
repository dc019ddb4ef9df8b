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

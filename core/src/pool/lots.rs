//! The two workers of which the one with fewer calls gets the next.

use std::sync::atomic::{AtomicU64, Ordering};

/// Draws until two that fit are found. So many find two of a quarter that fits nearly always.
const DRAWS: usize = 16;

/// Lots that nobody needs to keep secret: SplitMix64, from any thread. The same seed draws the same lots.
pub(super) struct Lots(AtomicU64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Lots {
    pub(super) fn new(seed: u64) -> Lots {
        Lots(AtomicU64::new(seed))
    }

    /// One of 0 to `bound` - 1; `bound` > 0.
    fn below(&self, bound: usize) -> usize {
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

/// Of `count`, one with little load, and another that is the next choice. `load` is `None` for those that do not fit.
///
/// Two that are drawn are compared. Where so few fit that two are not drawn, all are looked at: to take those that
/// come next after a lot would give all to the few that come after many that do not fit.
pub(super) fn two_choices(
    count: usize,
    lots: &Lots,
    load: impl Fn(usize) -> Option<usize>,
) -> [Option<usize>; 2] {
    let mut drawn: Option<(usize, usize)> = None;
    if count > 2 {
        for _ in 0..DRAWS {
            let index = lots.below(count);
            let (Some(load), other) = (load(index), drawn) else {
                continue;
            };
            match other {
                None => drawn = Some((index, load)),
                Some((other, _)) if other == index => {}
                Some((other, lower)) if load < lower => return [Some(index), Some(other)],
                Some((other, _)) => return [Some(other), Some(index)],
            }
        }
    }
    [least(count, lots, load), None]
}

/// The one with the least load; of several one by lot.
fn least(count: usize, lots: &Lots, load: impl Fn(usize) -> Option<usize>) -> Option<usize> {
    let mut least: Option<(usize, usize)> = None;
    let mut equals = 0;
    for index in 0..count {
        let Some(load) = load(index) else {
            continue;
        };
        match least {
            Some((_, lower)) if lower < load => {}
            Some((_, lower)) if lower == load => {
                equals += 1;
                if lots.below(equals) == 0 {
                    least = Some((index, load));
                }
            }
            _ => {
                equals = 1;
                least = Some((index, load));
            }
        }
    }
    least.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    /// Gives `calls` to those of the workers that fit, none of which ends, and returns their loads.
    fn spread(fit: &[bool], calls: usize, seed: u64) -> Vec<usize> {
        let lots = Lots::new(seed);
        let mut loads = vec![0; fit.len()];
        for _ in 0..calls {
            let [first, _] =
                two_choices(fit.len(), &lots, |index| fit[index].then_some(loads[index]));
            loads[first.unwrap()] += 1;
        }
        loads
    }

    fn fit(count: usize, share: usize) -> Vec<bool> {
        let lots = Lots::new(share as u64);
        (0..count).map(|_| lots.below(100) < share).collect()
    }

    #[test]
    fn a_thousand_workers_carry_nearly_the_same() {
        for (share, above) in [(100, 5), (50, 5), (20, 5), (3, 5)] {
            let fit = fit(1000, share);
            let able = fit.iter().filter(|fit| **fit).count();
            let loads = spread(&fit, able * 20, 7);
            let most = loads.iter().max().unwrap();
            assert!(*most <= 20 + above, "{most} with {share} %");
            for (load, fit) in loads.iter().zip(&fit) {
                assert!(*fit || *load == 0);
            }
        }
    }

    #[test]
    fn those_behind_many_that_do_not_fit_get_no_more_than_others() {
        let mut fit = vec![false; 1000];
        fit[500..510].fill(true);
        let loads = spread(&fit, 1000, 7);
        assert!(loads[500..510].iter().all(|load| *load == 100));
    }

    #[test]
    fn few_are_looked_at_for_a_call() {
        let lots = Lots::new(7);
        let looked = Cell::new(0);
        for _ in 0..1000 {
            two_choices(1000, &lots, |index| {
                looked.set(looked.get() + 1);
                (index % 2 == 0).then_some(0)
            });
        }
        assert!(looked.get() < 10_000, "{}", looked.get());
    }

    #[test]
    fn calls_that_end_leave_room_for_the_next() {
        let lots = Lots::new(7);
        let mut loads = vec![0_usize; 1000];
        let mut running = Vec::new();
        for round in 0..50_000 {
            let [first, _] = two_choices(loads.len(), &lots, |index| Some(loads[index]));
            let first = first.unwrap();
            loads[first] += 1;
            running.push(first);
            if round >= 4000 {
                let ended = running.swap_remove(lots.below(running.len()));
                loads[ended] -= 1;
            }
            assert!(loads.iter().all(|load| *load <= 12));
        }
    }

    proptest! {
        #[test]
        fn what_is_chosen_fits_and_is_the_better_of_two(
            loads in proptest::collection::vec(proptest::option::of(0_usize..9), 0..40),
            seed: u64,
        ) {
            let chosen = two_choices(loads.len(), &Lots::new(seed), |index| loads[index]);
            let fit = loads.iter().flatten().count();
            match chosen {
                [None, None] => prop_assert_eq!(fit, 0),
                [Some(one), None] => prop_assert_eq!(loads[one], loads.iter().flatten().min().copied()),
                [Some(one), Some(other)] => {
                    prop_assert!(one != other && loads[one].is_some() && loads[one] <= loads[other]);
                }
                [None, Some(_)] => prop_assert!(false),
            }
        }
    }
}

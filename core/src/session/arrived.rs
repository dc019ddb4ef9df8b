//! A batch that has come, taken in parts: what comes of one part is on its way to the peer before the next is looked at.
//! Otherwise each side waits while the other works through a whole batch, and of 64 calls in flight all lie on one side.

use crate::wire::frame::Kind;
use crate::wire::{Batch, Frame};

/// Into how many parts a batch is cut ...
const PARTS: usize = 4;
/// ... but of so few turns a part would cost more writes than it saves waiting,
const FEWEST_TURNS: usize = 8;
/// and from so many on the peer waits again.
const MOST_TURNS: usize = 64;

pub(super) struct Arrived {
    frames: std::vec::IntoIter<Frame>,
    is_turn: fn(&Kind) -> bool,
    /// Turns of a part.
    turns: usize,
    /// Frames left of the part that was begun.
    left: usize,
}

impl Arrived {
    /// `is_turn` tells the frames after which the peer will soon hear something: calls that start, calls that end.
    pub(super) fn new(is_turn: fn(&Kind) -> bool) -> Arrived {
        Arrived {
            frames: Vec::new().into_iter(),
            is_turn,
            turns: 0,
            left: 0,
        }
    }

    /// Puts a batch in the place of the one before, which is used up.
    pub(super) fn put(&mut self, batch: Batch) {
        let turns = batch.frames.iter().filter(|frame| self.is_turn(frame));
        self.turns = turns
            .count()
            .div_ceil(PARTS)
            .clamp(FEWEST_TURNS, MOST_TURNS);
        self.frames = batch.frames.into_iter();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.as_slice().is_empty()
    }

    pub(super) fn begin_part(&mut self) {
        let frames = self.frames.as_slice();
        let turns = frames.iter().enumerate();
        let mut turns = turns.filter(|(_, frame)| self.is_turn(frame));
        self.left = match turns.nth(self.turns.saturating_sub(1)) {
            Some((last, _)) => last + 1,
            None => frames.len(),
        };
    }

    /// The next frame of the part.
    pub(super) fn next_of_part(&mut self) -> Option<Frame> {
        self.left = self.left.checked_sub(1)?;
        self.frames.next()
    }

    fn is_turn(&self, frame: &Frame) -> bool {
        frame.kind.as_ref().is_some_and(self.is_turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    /// Of each part how many frames it has, where every second frame is a turn.
    fn parts(frames: u64) -> Vec<usize> {
        let kind = |number: u64| match number % 2 {
            0 => Kind::Window(wire::Window { bytes: number }),
            _ => Kind::End(wire::End::default()),
        };
        let mut arrived = Arrived::new(|kind| matches!(kind, Kind::End(_)));
        arrived.put(Batch {
            frames: (0..frames).map(|n| Frame::new(n, kind(n))).collect(),
        });
        let mut next = 0;
        let mut parts = Vec::new();
        while !arrived.is_empty() {
            arrived.begin_part();
            let before = next;
            while let Some(frame) = arrived.next_of_part() {
                assert_eq!(frame.call, next, "in order, and none is lost");
                next += 1;
            }
            parts.push(usize::try_from(next - before).unwrap());
        }
        assert_eq!(next, frames);
        parts
    }

    #[test]
    fn parts_are_a_quarter_of_the_turns_neither_few_nor_many() {
        assert_eq!(parts(0), [0; 0]);
        assert_eq!(parts(1), [1]);
        assert_eq!(parts(16), [16]);
        assert_eq!(parts(40), [16, 16, 8]);
        assert_eq!(parts(129), [32, 32, 32, 32, 1]);
        assert_eq!(parts(2000), [[128; 15].as_slice(), &[80]].concat());
    }
}

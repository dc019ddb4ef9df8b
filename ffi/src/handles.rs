//! The handles of calls, streams, tasks and of what the host is asked: numbers that go stale, never wrong.
//!
//! ```text
//! 63           32 31                4 3    0
//! +--------------+-------------------+------+
//! | generation   | place in shard    | shard|     generation >= 1, so 0 is no handle
//! +--------------+-------------------+------+
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wool_core::{Error, ErrorKind};

use crate::admission::Question;
use crate::balancer::Asked;
use crate::call::Call;
use crate::custom_discovery::{Publishing, Subscription};
use crate::guard::{Failure, Result, invalid};
use crate::peer_check::Claim;
use crate::stream::Stream;
use crate::task::TaskEntry;

/// What a handle stands for.
#[derive(Clone)]
pub(crate) enum Entry {
    Call(Arc<Call>),
    Stream(Arc<Stream>),
    Task(Arc<TaskEntry>),
    Admission(Arc<Question>),
    Subscription(Arc<Subscription>),
    Publication(Arc<Publishing>),
    Choice(Arc<Asked>),
    PeerCheck(Arc<Claim>),
}

impl From<Arc<Call>> for Entry {
    fn from(call: Arc<Call>) -> Entry {
        Entry::Call(call)
    }
}

impl From<Arc<Stream>> for Entry {
    fn from(stream: Arc<Stream>) -> Entry {
        Entry::Stream(stream)
    }
}

impl From<Arc<TaskEntry>> for Entry {
    fn from(task: Arc<TaskEntry>) -> Entry {
        Entry::Task(task)
    }
}

impl From<Arc<Question>> for Entry {
    fn from(question: Arc<Question>) -> Entry {
        Entry::Admission(question)
    }
}

impl From<Arc<Subscription>> for Entry {
    fn from(subscription: Arc<Subscription>) -> Entry {
        Entry::Subscription(subscription)
    }
}

impl From<Arc<Publishing>> for Entry {
    fn from(publication: Arc<Publishing>) -> Entry {
        Entry::Publication(publication)
    }
}

impl From<Arc<Asked>> for Entry {
    fn from(choice: Arc<Asked>) -> Entry {
        Entry::Choice(choice)
    }
}

impl From<Arc<Claim>> for Entry {
    fn from(claim: Arc<Claim>) -> Entry {
        Entry::PeerCheck(claim)
    }
}

/// The process's handles: one table, so that a handle means one thing whatever it is given to.
static HANDLES: Table<Entry> = Table::new();

/// Makes what has a handle, and is told it.
///
/// # Errors
/// [`ErrorKind::Busy`] when there are as many handles as there can be; nothing is made then.
pub(crate) fn insert<T>(make: impl FnOnce(u64) -> Arc<T>) -> Result<Arc<T>, Error>
where
    Arc<T>: Into<Entry>,
{
    let mut made = None;
    HANDLES.insert(|handle| made.insert(make(handle)).clone().into());
    made.ok_or_else(|| {
        Error::new(
            ErrorKind::Busy,
            "there are as many calls, streams and tasks as there can be",
        )
    })
}

/// Makes the handle stale. False: it was.
pub(crate) fn remove(handle: u64) -> bool {
    HANDLES.remove(handle).is_some()
}

pub(crate) fn call(handle: u64) -> Option<Arc<Call>> {
    match HANDLES.get(handle) {
        Some(Entry::Call(call)) => Some(call),
        _ => None,
    }
}

pub(crate) fn stream(handle: u64) -> Result<Arc<Stream>> {
    match HANDLES.get(handle) {
        Some(Entry::Stream(stream)) => Ok(stream),
        entry => Err(other("stream", handle, entry.as_ref())),
    }
}

/// A stale handle is no stream; one of something else is an error.
pub(crate) fn stream_unless_stale(handle: u64) -> Result<Option<Arc<Stream>>> {
    match HANDLES.get(handle) {
        None => Ok(None),
        Some(Entry::Stream(stream)) => Ok(Some(stream)),
        entry => Err(other("stream", handle, entry.as_ref())),
    }
}

pub(crate) fn task(handle: u64) -> Result<Arc<TaskEntry>> {
    match HANDLES.get(handle) {
        Some(Entry::Task(task)) => Ok(task),
        entry => Err(other("task", handle, entry.as_ref())),
    }
}

pub(crate) fn admission(handle: u64) -> Result<Arc<Question>> {
    match HANDLES.get(handle) {
        Some(Entry::Admission(question)) => Ok(question),
        entry => Err(other("admission", handle, entry.as_ref())),
    }
}

/// A stale handle is no subscription; one of something else is an error.
pub(crate) fn subscription_unless_stale(handle: u64) -> Result<Option<Arc<Subscription>>> {
    match HANDLES.get(handle) {
        None => Ok(None),
        Some(Entry::Subscription(subscription)) => Ok(Some(subscription)),
        entry => Err(other("subscription", handle, entry.as_ref())),
    }
}

/// As [`subscription_unless_stale`].
pub(crate) fn publication_unless_stale(handle: u64) -> Result<Option<Arc<Publishing>>> {
    match HANDLES.get(handle) {
        None => Ok(None),
        Some(Entry::Publication(publication)) => Ok(Some(publication)),
        entry => Err(other("publication", handle, entry.as_ref())),
    }
}

pub(crate) fn choice(handle: u64) -> Result<Arc<Asked>> {
    match HANDLES.get(handle) {
        Some(Entry::Choice(choice)) => Ok(choice),
        entry => Err(other("choice", handle, entry.as_ref())),
    }
}

pub(crate) fn peer_check(handle: u64) -> Result<Arc<Claim>> {
    match HANDLES.get(handle) {
        Some(Entry::PeerCheck(claim)) => Ok(claim),
        entry => Err(other("peer check", handle, entry.as_ref())),
    }
}

/// Everything that `wanted` picks, as of now.
pub(crate) fn collect(wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    HANDLES.collect(wanted)
}

fn other(wanted: &str, handle: u64, entry: Option<&Entry>) -> Failure {
    let is = match entry {
        None => "stale: what it stood for is over",
        Some(Entry::Call(_)) => "a call's",
        Some(Entry::Stream(_)) => "a stream's",
        Some(Entry::Task(_)) => "a task's",
        Some(Entry::Admission(_)) => "an admission's",
        Some(Entry::Subscription(_)) => "a subscription's",
        Some(Entry::Publication(_)) => "a publication's",
        Some(Entry::Choice(_)) => "a choice's",
        Some(Entry::PeerCheck(_)) => "a peer check's",
    };
    invalid(format!(
        "the handle {handle:#x}, wanted as a {wanted}'s, is {is}"
    ))
}

const SHARD_BITS: u32 = 4;
const SHARDS: usize = 1 << SHARD_BITS;
const PLACE_BITS: u32 = 28;
const MOST_PLACES: usize = 1 << PLACE_BITS;

/// Sharded, so that threads seldom wait for one another.
struct Table<T> {
    shards: [Mutex<Shard<T>>; SHARDS],
    /// Where the next insertion goes.
    turn: AtomicUsize,
}

struct Shard<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

struct Place<T> {
    /// Of the entry that is here, or else of the next.
    generation: u32,
    entry: Option<T>,
}

impl<T: Clone> Table<T> {
    const fn new() -> Table<T> {
        Table {
            shards: [const {
                Mutex::new(Shard {
                    places: Vec::new(),
                    free: Vec::new(),
                })
            }; SHARDS],
            turn: AtomicUsize::new(0),
        }
    }

    /// `None`: the shard whose turn it is has no place left.
    fn insert(&self, make: impl FnOnce(u64) -> T) -> Option<u64> {
        let number = self.turn.fetch_add(1, Ordering::Relaxed) % SHARDS;
        let mut shard = self.lock(number);
        let index = match shard.free.pop() {
            Some(index) => index as usize,
            None if shard.places.len() < MOST_PLACES => {
                shard.places.push(Place {
                    generation: 1,
                    entry: None,
                });
                shard.places.len() - 1
            }
            None => return None,
        };
        let place = &mut shard.places[index];
        let handle = u64::from(place.generation) << (SHARD_BITS + PLACE_BITS)
            | (index as u64) << SHARD_BITS
            | number as u64;
        place.entry = Some(make(handle));
        Some(handle)
    }

    fn get(&self, handle: u64) -> Option<T> {
        let (number, index, generation) = parts(handle);
        let shard = self.lock(number);
        let place = shard.places.get(index)?;
        if place.generation == generation {
            place.entry.clone()
        } else {
            None
        }
    }

    fn remove(&self, handle: u64) -> Option<T> {
        let (number, index, generation) = parts(handle);
        let mut shard = self.lock(number);
        let place = shard.places.get_mut(index)?;
        if place.generation != generation {
            return None;
        }
        let entry = place.entry.take()?;
        // A place whose generations are used up is not used again.
        if let Some(next) = generation.checked_add(1) {
            place.generation = next;
            shard.free.push(index as u32);
        }
        Some(entry)
    }

    fn collect(&self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let mut found = Vec::new();
        for number in 0..SHARDS {
            let shard = self.lock(number);
            let entries = shard.places.iter().filter_map(|place| place.entry.as_ref());
            found.extend(entries.filter(|entry| wanted(entry)).cloned());
        }
        found
    }

    fn lock(&self, number: usize) -> MutexGuard<'_, Shard<T>> {
        self.shards[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shard, place and generation.
fn parts(handle: u64) -> (usize, usize, u32) {
    let index = handle >> SHARD_BITS & (MOST_PLACES as u64 - 1);
    let generation = handle >> (SHARD_BITS + PLACE_BITS);
    (handle as usize % SHARDS, index as usize, generation as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_finds_its_entry_until_it_is_removed() {
        let table = Table::new();
        let handles: Vec<u64> = (0..100).map(|n| table.insert(|_| n).unwrap()).collect();
        for (n, handle) in handles.iter().enumerate() {
            assert_eq!(table.get(*handle), Some(n));
        }
        assert_eq!(table.collect(|n| n % 2 == 0).len(), 50);
        assert_eq!(table.remove(handles[7]), Some(7));
        assert_eq!(table.get(handles[7]), None);
        assert_eq!(table.remove(handles[7]), None);
        assert_eq!(table.get(handles[8]), Some(8));
    }

    #[test]
    fn a_place_used_again_has_another_handle() {
        let table = Table::new();
        let first: Vec<u64> = (0..SHARDS).map(|n| table.insert(|_| n).unwrap()).collect();
        for handle in &first {
            table.remove(*handle);
        }
        let second: Vec<u64> = (0..SHARDS)
            .map(|n| table.insert(|_| n + 100).unwrap())
            .collect();
        assert!(
            table.lock(0).places.len() == 1,
            "the place was not used again"
        );
        for (stale, fresh) in first.iter().zip(&second) {
            assert_ne!(stale, fresh);
            assert_eq!(table.get(*stale), None);
            assert_eq!(table.remove(*stale), None);
        }
    }

    #[test]
    fn numbers_that_are_no_handles_are_harmless() {
        let table = Table::new();
        table.insert(|handle| handle);
        for number in [0, 1, u64::MAX, 1 << 32, 1 << 60] {
            assert!(table.get(number).is_none_or(|handle| handle == number));
        }
        assert_eq!(table.get(0), None);
        assert_eq!(table.remove(0), None);
    }

    #[test]
    fn a_place_whose_generations_are_used_up_is_retired() {
        let table = Table::new();
        let handle = table.insert(|_| 'a').unwrap();
        let (number, index, _) = parts(handle);
        table.lock(number).places[index].generation = u32::MAX;
        let last = u64::from(u32::MAX) << (SHARD_BITS + PLACE_BITS) | handle & u64::from(u32::MAX);
        assert_eq!(table.remove(last), Some('a'));
        assert!(table.lock(number).free.is_empty());
    }
}

//! A discovery as users write it: a board in memory, on which workers are written down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use wool::{
    CustomDiscovery, Discovery, Error, ErrorKind, Publication, Result, Subscriber, WorkerRecord,
};

/// What happens to what a worker asks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Answers {
    #[default]
    Well,
    /// Publishing fails.
    Broken,
    /// Questions are dropped.
    Dropped,
    /// What was asked to be withdrawn is kept, and answered by [`Board::let_withdraw`].
    Held,
}

#[derive(Default)]
pub(crate) struct Board {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    records: BTreeMap<String, WorkerRecord>,
    subscribers: BTreeMap<u64, Subscriber>,
    next: u64,
    answers: Answers,
    withdrawing: Vec<Publication>,
    /// `+uid` and `-uid`, as they were asked.
    asked: Vec<String>,
    problem: Option<Error>,
}

impl Board {
    pub(crate) fn new() -> Arc<Board> {
        Arc::default()
    }

    pub(crate) fn discovery(self: &Arc<Board>) -> Discovery {
        Discovery::Custom(Arc::new(Shown(Arc::clone(self))))
    }

    pub(crate) fn answer(&self, answers: Answers) {
        self.state().answers = answers;
    }

    /// The uids of those that are written down.
    pub(crate) fn uids(&self) -> Vec<String> {
        self.state().records.keys().cloned().collect()
    }

    pub(crate) fn record(&self, uid: &str) -> WorkerRecord {
        self.state().records[uid].clone()
    }

    /// Writes down a worker that does not do so itself.
    pub(crate) fn write(&self, record: WorkerRecord) {
        self.tell(|subscriber| subscriber.found(record.clone()).unwrap());
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    pub(crate) fn tell(&self, tell: impl Fn(&Subscriber)) {
        for subscriber in self.subscribers() {
            tell(&subscriber);
        }
    }

    /// Those who listen now.
    pub(crate) fn subscribers(&self) -> Vec<Subscriber> {
        self.state().subscribers.values().cloned().collect()
    }

    pub(crate) fn fail(&self, message: &str) {
        let error = Error::new(ErrorKind::Discovery, message);
        self.state().problem = Some(error.clone());
        self.tell(|subscriber| subscriber.failed(error.clone()));
    }

    pub(crate) fn let_withdraw(&self) {
        let withdrawing = std::mem::take(&mut self.state().withdrawing);
        for publication in withdrawing {
            publication.answer(Ok(()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// A board that is looked at and written on.
struct Shown(Arc<Board>);

/// Listens until it is dropped.
struct Listens {
    board: Arc<Board>,
    number: u64,
}

impl Drop for Listens {
    fn drop(&mut self) {
        self.board.state().subscribers.remove(&self.number);
    }
}

impl CustomDiscovery for Shown {
    fn subscribe(&self, subscriber: Subscriber) -> Result<Box<dyn Send>> {
        let mut state = self.0.state();
        for record in state.records.values() {
            subscriber.found(record.clone())?;
        }
        match &state.problem {
            Some(error) => subscriber.failed(error.clone()),
            None => subscriber.scanned(),
        }
        let number = state.next;
        state.next += 1;
        state.subscribers.insert(number, subscriber);
        Ok(Box::new(Listens {
            board: Arc::clone(&self.0),
            number,
        }))
    }

    fn publish(&self, record: WorkerRecord, publication: Publication) {
        let mut state = self.0.state();
        state.asked.push(format!("+{}", record.uid));
        match state.answers {
            Answers::Broken => {
                let error = Error::new(ErrorKind::Io, "the board is full");
                publication.answer(Err(error));
            }
            Answers::Dropped => drop(publication),
            Answers::Well | Answers::Held => {
                for subscriber in state.subscribers.values() {
                    subscriber.found(record.clone()).unwrap();
                }
                state.records.insert(record.uid.clone(), record);
                publication.answer(Ok(()));
            }
        }
    }

    fn withdraw(&self, uid: &str, publication: Publication) {
        let mut state = self.0.state();
        state.asked.push(format!("-{uid}"));
        if state.records.remove(uid).is_some() {
            for subscriber in state.subscribers.values() {
                subscriber.gone(uid);
            }
        }
        if state.answers == Answers::Held {
            state.withdrawing.push(publication);
        } else {
            publication.answer(Ok(()));
        }
    }
}

/// One that finds what it was told, and cannot publish.
pub(crate) struct FindsOnly;

impl CustomDiscovery for FindsOnly {
    fn subscribe(&self, subscriber: Subscriber) -> Result<Box<dyn Send>> {
        subscriber.scanned();
        Ok(Box::new(()))
    }
}

//! A round: calls of one pool, and what ends them, all at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use wool::value::{Arguments, Value};
use wool::{
    CallHandle, CallObserver, CallRequest, Fault, Outcome, Payload, PoolOptions, Runtime,
    WorkerPool, WorkerState, WorkerStatus,
};

use super::WATCHDOG;
use super::common::{block_on, eventually};
use super::dice::Dice;
use super::proxy::Proxy;

/// What a host does to a call that it has made.
#[derive(Clone, Copy, Debug)]
enum Act {
    Credit(u32),
    Send,
    Throw,
    Close,
    Cancel,
}

struct Call {
    routine: &'static str,
    stream: bool,
    timeout: Option<Duration>,
    acts: Vec<Act>,
}

/// What happens beside the calls, after so many of the acts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    Cut(usize),
    ClosePool(usize),
}

pub(crate) struct Round {
    calls: Vec<Call>,
    /// Which call's next act comes, in order.
    order: Vec<usize>,
    blows: Vec<Blow>,
    /// How long the acting thread hesitates before each act.
    hesitation: usize,
    /// The calls are made when the pool has its session, else while it gets one.
    connected: bool,
}

impl Round {
    pub(crate) fn draw(dice: &mut Dice, count: usize) -> Round {
        let calls: Vec<Call> = (0..count).map(|_| Call::draw(dice)).collect();
        let mut order: Vec<usize> = calls
            .iter()
            .enumerate()
            .flat_map(|(index, call)| std::iter::repeat_n(index, call.acts.len()))
            .collect();
        for last in (1..order.len()).rev() {
            order.swap(last, dice.below(last + 1));
        }
        let mut blows = Vec::new();
        let acts = order.len() + 1;
        for _ in 0..dice.below(3) {
            blows.push(Blow::Cut(dice.below(acts)));
        }
        if one_in(dice, 3) {
            blows.push(Blow::ClosePool(dice.below(acts)));
        }
        Round {
            calls,
            order,
            blows,
            hesitation: [0, 1, 10, 100][dice.below(4)],
            connected: !one_in(dice, 4),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Plays it, and tells how the calls ended.
    pub(crate) fn play(&self, proxy: &Proxy) -> Tally {
        let runtime = Runtime::new(Default::default()).unwrap();
        let options = PoolOptions {
            addresses: vec![proxy.address().to_owned()],
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&runtime, options).unwrap();
        if self.connected {
            let up = |worker: &WorkerStatus| worker.state == WorkerState::Up;
            block_on(eventually(async || pool.status().workers.iter().all(up)));
        }
        let book = Arc::new(Book::default());
        let (handed, handles) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| self.act(handles, &pool, proxy));
            for (index, call) in self.calls.iter().enumerate() {
                match call.make(&pool, index, &book) {
                    Ok(handle) => handed.send((index, handle)).unwrap(),
                    // The pool is closed already.
                    Err(error) => book.outcome(index, error.kind().name()),
                }
            }
            drop(handed);
        });
        let told = book.wait(self.calls.len());
        if !self.closes_pool() {
            block_on(eventually(async || {
                let status = pool.status();
                status.waiting == 0 && status.workers.iter().all(|worker| worker.in_flight == 0)
            }));
        }
        runtime.close_blocking(Some(WATCHDOG)).unwrap();
        // Whatever closing did, nobody was told twice.
        assert_eq!(book.wait(self.calls.len()), told);
        told
    }

    fn closes_pool(&self) -> bool {
        self.blows
            .iter()
            .any(|blow| matches!(blow, Blow::ClosePool(_)))
    }

    /// Does to the calls what was drawn, while they are still being made.
    fn act(&self, handles: mpsc::Receiver<(usize, CallHandle)>, pool: &WorkerPool, proxy: &Proxy) {
        let mut made: Vec<Option<CallHandle>> = self.calls.iter().map(|_| None).collect();
        let mut done = vec![0; self.calls.len()];
        let mut put_off = Vec::new();
        for (turn, index) in self.order.iter().enumerate() {
            self.strike(turn, pool, proxy);
            for _ in 0..self.hesitation {
                thread::yield_now();
            }
            for (index, handle) in handles.try_iter() {
                made[index] = Some(handle);
            }
            match &made[*index] {
                Some(handle) => {
                    do_to(handle, self.calls[*index].acts[done[*index]]);
                    done[*index] += 1;
                }
                None => put_off.push(*index),
            }
        }
        self.strike(self.order.len(), pool, proxy);
        for (index, handle) in handles {
            made[index] = Some(handle);
        }
        for index in put_off {
            if let Some(handle) = &made[index] {
                do_to(handle, self.calls[index].acts[done[index]]);
                done[index] += 1;
            }
        }
    }

    fn strike(&self, turn: usize, pool: &WorkerPool, proxy: &Proxy) {
        if self.blows.contains(&Blow::Cut(turn)) {
            proxy.cut();
        }
        if self.blows.contains(&Blow::ClosePool(turn)) {
            pool.close(|| {});
        }
    }
}

fn do_to(handle: &CallHandle, act: Act) {
    match act {
        Act::Credit(items) => handle.credit(items),
        // Refused where the generator is not at a yield, which changes nothing.
        Act::Send => drop(handle.send(null())),
        Act::Throw => drop(handle.throw(Fault::new("race.Thrown", "thrown"))),
        Act::Close => handle.close(),
        Act::Cancel => handle.cancel(),
    }
}

/// Drawn once in so many times.
fn one_in(dice: &mut Dice, times: usize) -> bool {
    dice.below(times) == 0
}

fn null() -> Payload {
    Payload::value(&Value::Null).unwrap()
}

impl Call {
    fn draw(dice: &mut Dice) -> Call {
        let (routine, stream, ends) = [
            ("race.quick", false, true),
            ("race.slow", false, true),
            ("race.blocking", false, true),
            ("race.never", false, false),
            ("race.few", true, true),
            ("race.endless", true, false),
        ][dice.below(6)];
        let mut acts = Vec::new();
        if stream {
            acts.extend((0..dice.below(4)).map(|_| match dice.below(4) {
                0 => Act::Send,
                1 => Act::Throw,
                _ => Act::Credit(1 + dice.below(3) as u32),
            }));
        }
        let timeout = one_in(dice, 5).then(|| Duration::from_micros(dice.next() % 5_000));
        // What does not end by itself is ended, and so are others; some by both of two ends.
        let close = stream && one_in(dice, 2);
        if close {
            acts.push(Act::Close);
        }
        if (!ends || stream) && !close || one_in(dice, 4) {
            acts.push(Act::Cancel);
        }
        Call {
            routine,
            stream,
            timeout,
            acts,
        }
    }

    fn make(&self, pool: &WorkerPool, index: usize, book: &Arc<Book>) -> wool::Result<CallHandle> {
        let arguments = Payload::arguments(&Arguments::default()).unwrap();
        let request = if self.stream {
            CallRequest::stream(self.routine, arguments)
        } else {
            CallRequest::unary(self.routine, arguments)
        };
        let request = CallRequest {
            timeout: self.timeout,
            ..request
        };
        let observer = Observer {
            index,
            book: Arc::clone(book),
        };
        pool.submit(request, Box::new(observer))
    }
}

/// What was told of the calls of a round.
#[derive(Default)]
struct Book {
    pages: Mutex<Pages>,
    changed: Condvar,
}

/// How many calls ended how: with a result, an end, an error of a kind.
pub(crate) type Tally = BTreeMap<&'static str, usize>;

#[derive(Default)]
struct Pages {
    tally: Tally,
    /// How many each call was told.
    outcomes: Vec<usize>,
}

impl Book {
    fn outcome(&self, index: usize, how: &'static str) {
        let mut pages = self.pages.lock().unwrap();
        *pages.tally.entry(how).or_default() += 1;
        if pages.outcomes.len() <= index {
            pages.outcomes.resize(index + 1, 0);
        }
        pages.outcomes[index] += 1;
        self.changed.notify_all();
    }

    /// Waits until every call has an outcome, and sees that it has but one.
    fn wait(&self, calls: usize) -> Tally {
        let missing =
            |pages: &mut Pages| pages.outcomes.len() < calls || pages.outcomes.contains(&0);
        let waited = self
            .changed
            .wait_timeout_while(self.pages.lock().unwrap(), WATCHDOG, missing);
        let (pages, waited) = waited.unwrap();
        assert!(
            !waited.timed_out(),
            "calls without an outcome: {:?}",
            pages.outcomes
        );
        assert!(
            pages.outcomes.iter().all(|count| *count == 1),
            "{:?}",
            pages.outcomes
        );
        pages.tally.clone()
    }
}

struct Observer {
    index: usize,
    book: Arc<Book>,
}

impl CallObserver for Observer {
    fn item(&mut self, _item: Payload) {}

    fn finish(self: Box<Self>, outcome: Outcome) {
        let how = match outcome {
            Outcome::Result(_) => "result",
            Outcome::End => "end",
            Outcome::Error(error) => error.kind().name(),
        };
        self.book.outcome(self.index, how);
    }
}

//! Which worker gets a call: by least load, and by the host's own choice, whatever that does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests: a panic is a failure"
)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::site::{Site, call, states};
use common::{block_on, eventually};
use wool::{
    Balancer, Choice, ErrorKind, LoadBalancer, PoolOptions, Runtime, WorkerOptions, WorkerPool,
    WorkerState,
};

/// A balancer that is a function, and what it was asked.
struct Asked<F> {
    choose: F,
    /// How many workers there were, for each time.
    times: Mutex<Vec<usize>>,
}

impl<F: Fn(Choice) + Send + Sync> LoadBalancer for Asked<F> {
    fn choose(&self, choice: Choice) {
        self.times.lock().unwrap().push(choice.workers().len());
        (self.choose)(choice);
    }
}

impl<F: Fn(Choice) + Send + Sync + 'static> Asked<F> {
    fn new(choose: F) -> Arc<Asked<F>> {
        Arc::new(Asked {
            choose,
            times: Mutex::default(),
        })
    }

    fn times(&self) -> Vec<usize> {
        self.times.lock().unwrap().clone()
    }

    fn forget(&self) {
        self.times.lock().unwrap().clear();
    }
}

/// Keeps its choices until they are taken.
#[derive(Default)]
struct Kept(Mutex<Vec<Choice>>);

impl LoadBalancer for Kept {
    fn choose(&self, choice: Choice) {
        self.0.lock().unwrap().push(choice);
    }
}

impl Kept {
    async fn next(&self) -> Choice {
        eventually(async || !self.0.lock().unwrap().is_empty()).await;
        self.0.lock().unwrap().remove(0)
    }
}

fn joined(runtime: &Runtime, sites: &[&Site], balancer: Balancer) -> WorkerPool {
    let addresses = sites.iter().map(|site| site.address());
    let options = PoolOptions {
        addresses: addresses.collect(),
        quorum: sites.len(),
        balancer,
        ..PoolOptions::default()
    };
    WorkerPool::new(runtime, options).unwrap()
}

fn ended(choice: Choice, uid: &str) {
    let place = |worker: &wool::ChoiceWorker| &*worker.uid == uid;
    let index = choice.workers().iter().position(place).unwrap();
    choice.choose(index).unwrap();
}

#[test]
fn the_less_loaded_of_two_workers_gets_the_call() {
    let (one, two) = (Site::new("one"), Site::new("two"));
    let pool = joined(&one.runtime, &[&one, &two], Balancer::LeastLoaded);
    block_on(async {
        let held: Vec<_> = (0..10).map(|_| call(&pool, "test.hold")).collect();
        one.holds(5).await;
        two.holds(5).await;
        // The one is done with all of its calls: the next go there.
        one.let_go(5);
        one.holds(0).await;
        eventually(async || {
            let workers = pool.status().workers;
            workers.iter().any(|worker| worker.in_flight == 0)
        })
        .await;
        for _ in 0..10 {
            let answer = pool.call("test.name", ()).await.unwrap();
            assert_eq!(answer.as_str(), Some("one"));
        }
        two.let_go(5);
        for call in held {
            call.await.unwrap().unwrap();
        }
    });
    one.close();
    two.close();
}

#[test]
fn a_balancer_of_ones_own_sees_who_can_take_the_call_and_chooses() {
    let (one, two) = (Site::new("one"), Site::new("two"));
    let balancer = Asked::new(|choice: Choice| {
        assert_eq!(choice.routine(), "test.name");
        let uid = choice.tag().to_owned();
        ended(choice, &uid);
    });
    let pool = joined(
        &one.runtime,
        &[&one, &two],
        Balancer::Custom(balancer.clone()),
    );
    block_on(async {
        for (site, name) in [(&one, "one"), (&two, "two"), (&two, "two")] {
            let answer = pool.call("test.name", ()).tag(site.uid()).await.unwrap();
            assert_eq!(answer.as_str(), Some(name));
        }
        assert_eq!(balancer.times(), [2, 2, 2]);
        // A call for one worker leaves nothing to choose.
        let answer = pool.call("test.name", ()).worker(one.uid()).await.unwrap();
        assert_eq!(answer.as_str(), Some("one"));
        // Nobody can take it.
        let error = pool.call("test.nothing", ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RoutineNotFound);
        assert_eq!(balancer.times(), [2, 2, 2]);
    });
    one.close();
    two.close();
}

#[test]
fn a_choice_may_be_answered_later_from_any_thread() {
    let (one, two) = (Site::new("one"), Site::new("two"));
    let kept = Arc::new(Kept::default());
    let pool = joined(&one.runtime, &[&one, &two], Balancer::Custom(kept.clone()));
    block_on(async {
        let named = call(&pool, "test.name");
        let choice = kept.next().await;
        assert_eq!(pool.status().waiting, 1);
        let uid = two.uid().to_owned();
        std::thread::spawn(move || ended(choice, &uid))
            .join()
            .unwrap();
        assert_eq!(named.await.unwrap().unwrap().as_str(), Some("two"));
        assert_eq!(pool.status().waiting, 0);
    });
    one.close();
    two.close();
}

#[test]
fn a_call_ends_while_its_choice_is_out_and_the_answer_does_no_harm() {
    let one = Site::new("one");
    let kept = Arc::new(Kept::default());
    let caller = Runtime::new(Default::default()).unwrap();
    let pool = joined(&caller, &[&one], Balancer::Custom(kept.clone()));
    block_on(async {
        let soon = Duration::from_millis(50);
        let late = tokio::spawn(pool.call("test.hold", ()).timeout(soon).into_future());
        let deadline = kept.next().await;
        let error = late.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);

        let late = pool.call("test.hold", ()).dispatch_timeout(soon);
        let late = tokio::spawn(late.into_future());
        let unanswered = kept.next().await;
        let error = late.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        assert!(error.retryable());
        assert!(error.message().contains("balancer"), "{error}");

        let left = call(&pool, "test.hold");
        let cancelled = kept.next().await;
        left.abort();
        assert!(left.await.unwrap_err().is_cancelled());

        for choice in [deadline, unanswered, cancelled] {
            choice.choose(0).unwrap();
        }
        assert_eq!(pool.status().workers[0].in_flight, 0);
        let named = call(&pool, "test.name");
        kept.next().await.choose(0).unwrap();
        assert_eq!(named.await.unwrap().unwrap().as_str(), Some("one"));

        let pending = call(&pool, "test.name");
        let closed = kept.next().await;
        pool.close(|| {});
        let error = pending.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        closed.choose(0).unwrap();
    });
    drop(pool);
    caller.close_blocking(None).unwrap();
    one.close();
}

#[test]
fn a_balancer_that_fails_is_stood_in_for_by_the_next_in_turn() {
    let (one, two) = (Site::new("one"), Site::new("two"));
    let balancer = Asked::new(|choice: Choice| match choice.tag() {
        "dropped" => drop(choice),
        "beyond" => {
            let error = choice.choose(2).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
        _ => panic!("the balancer is broken"),
    });
    let pool = joined(&one.runtime, &[&one, &two], Balancer::Custom(balancer));
    block_on(async {
        for tag in ["dropped", "beyond", "panics"] {
            let mut answers = Vec::new();
            for _ in 0..2 {
                let answer = pool.call("test.name", ()).tag(tag).await.unwrap();
                answers.push(answer.as_str().unwrap().to_owned());
            }
            answers.sort();
            assert_eq!(answers, ["one", "two"], "{tag}");
        }
    });
    one.close();
    two.close();
}

#[test]
fn none_of_them_waits_for_a_call_to_end() {
    let one = Site::new("one");
    let balancer = Asked::new(|choice: Choice| {
        if choice.workers()[0].in_flight > 0 {
            choice.none();
        } else {
            choice.choose(0).unwrap();
        }
    });
    let pool = joined(&one.runtime, &[&one], Balancer::Custom(balancer));
    block_on(async {
        let held = call(&pool, "test.hold");
        one.holds(1).await;
        let mut waiting: Vec<_> = (0..3).map(|_| call(&pool, "test.name")).collect();
        eventually(async || pool.status().waiting == 3).await;
        one.let_go(1);
        held.await.unwrap().unwrap();
        for call in waiting.drain(..) {
            assert_eq!(call.await.unwrap().unwrap().as_str(), Some("one"));
        }
    });
    one.close();
}

#[test]
fn none_of_them_for_ever_is_asked_for_each_change_and_no_more() {
    let (one, two) = (Site::new("one"), Site::new("two"));
    let balancer = Asked::new(|choice: Choice| match choice.tag() {
        "none" => choice.none(),
        _ => choice.choose(0).unwrap(),
    });
    let pool = joined(
        &one.runtime,
        &[&one, &two],
        Balancer::Custom(balancer.clone()),
    );
    block_on(async {
        pool.call("test.name", ()).await.unwrap();
        balancer.forget();
        let wait = Duration::from_millis(300);
        let error = pool
            .call("test.name", ())
            .tag("none")
            .dispatch_timeout(wait)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoWorkersAvailable);
        assert!(error.message().contains("chose no worker"), "{error}");
        let times = balancer.times().len();
        assert!(times < 10, "asked {times} times while nothing changed");
    });
    one.close();
    two.close();
}

#[test]
fn a_chosen_worker_that_refuses_is_not_asked_about_again() {
    let busy = Site::with(
        "busy",
        WorkerOptions {
            concurrency: 1,
            ..WorkerOptions::default()
        },
    );
    let free = Site::new("free");
    let uid = busy.uid().to_owned();
    let balancer = Asked::new(move |choice: Choice| {
        let stubborn = choice
            .workers()
            .iter()
            .position(|worker| *worker.uid == *uid);
        choice.choose(stubborn.unwrap_or(0)).unwrap();
    });
    let others = joined(&free.runtime, &[&busy], Balancer::RoundRobin);
    let pool = joined(
        &free.runtime,
        &[&busy, &free],
        Balancer::Custom(balancer.clone()),
    );
    block_on(async {
        states(&pool, &[WorkerState::Up, WorkerState::Up]).await;
        let held = call(&others, "test.hold");
        busy.holds(1).await;
        let answer = pool.call("test.name", ()).await.unwrap();
        assert_eq!(answer.as_str(), Some("free"));
        assert_eq!(balancer.times(), [2, 1]);
        busy.let_go(1);
        held.await.unwrap().unwrap();
    });
    busy.close();
    free.close();
}

#[test]
fn many_calls_are_chosen_for_from_many_threads() {
    let sites = [Site::new("one"), Site::new("two"), Site::new("three")];
    let count = Arc::new(AtomicUsize::new(0));
    let turn = Arc::clone(&count);
    let balancer = Asked::new(move |choice: Choice| {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        match turn % 4 {
            0 => drop(choice),
            1 => choice.choose(0).unwrap(),
            2 => {
                std::thread::spawn(move || choice.choose(0).unwrap());
            }
            _ => choice.none(),
        }
    });
    let [one, two, three] = &sites;
    let pool = joined(&one.runtime, &[one, two, three], Balancer::Custom(balancer));
    block_on(async {
        let calls: Vec<_> = (0..500).map(|_| call(&pool, "test.name")).collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(pool.status().waiting, 0);
    });
    sites.into_iter().for_each(Site::close);
}

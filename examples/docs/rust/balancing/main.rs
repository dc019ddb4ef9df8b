//! Which worker gets a call: by least load, and by a balancer of one's own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use wool::{
    Balancer, Choice, LoadBalancer, PoolOptions, Routine, Runtime, WorkerPool, current_task,
};

/// What the workers serve.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary("wool.where", |_task, _arguments| async {
        let worker = current_task().map(|task| task.info().worker_uid);
        let uid = wool::value::Uuid::from_bytes(worker.unwrap_or_default());
        Ok(uid.to_string())
    }))
}

/// Calls with the same tag go to the same worker, as long as that can take them.
struct Sticky;

impl LoadBalancer for Sticky {
    fn choose(&self, choice: Choice) {
        let rank = |index: &usize| {
            let mut hasher = DefaultHasher::new();
            (choice.tag(), &choice.workers()[*index].uid).hash(&mut hasher);
            hasher.finish()
        };
        match (0..choice.workers().len()).max_by_key(rank) {
            Some(index) => choice.choose(index).unwrap_or_default(),
            None => choice.none(),
        }
    }
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    let options = PoolOptions {
        spawn: Some(2),
        quorum: 2,
        balancer: Balancer::LeastLoaded,
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;
    let mut answers = pool.map("wool.where", 0..100);
    let mut count = 0;
    while let Some((_index, answer)) = answers.next().await {
        answer?;
        count += 1;
    }
    println!("{count} calls went to the less loaded");
    pool.close(|| {});

    let options = PoolOptions {
        spawn: Some(2),
        quorum: 2,
        balancer: Balancer::Custom(Arc::new(Sticky)),
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;
    for animal in ["sheep", "cow"] {
        let first = pool.call("wool.where", ()).tag(animal).await?;
        let second = pool.call("wool.where", ()).tag(animal).await?;
        println!("{animal}: the same worker again: {}", first == second);
    }
    Ok(())
}

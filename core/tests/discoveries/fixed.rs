//! Workers at addresses that are known.

use wool::{
    Discovery, Grace, PoolOptions, Runtime, StaticDiscovery, WorkerOptions, WorkerPool, WorkerState,
};

use crate::common::{block_on, eventually};
use crate::{WATCHDOG, call, close, until_up, worker};

#[test]
fn one_that_starts_again_at_the_same_port_is_used_again() {
    let guarded = |bind: &str| WorkerOptions {
        bind: bind.to_owned(),
        secret: Some(b"fleece".to_vec()),
        ..WorkerOptions::default()
    };
    let (first, before) = worker(guarded("127.0.0.1:0"));
    let address = before.address().to_owned();
    let caller = Runtime::new(Default::default()).unwrap();
    let fixed = StaticDiscovery::new([address.clone()]).unwrap();
    let options = PoolOptions {
        discovery: Some(Discovery::Static(fixed)),
        secret: Some(b"fleece".to_vec()),
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&caller, options).unwrap();
    until_up(&pool, &[before.uid()]);
    call(&pool);
    before.stop_blocking(Grace::Now, Some(WATCHDOG)).unwrap();
    block_on(eventually(async || {
        let workers = pool.status().workers;
        workers.len() == 1 && workers[0].state == WorkerState::Down
    }));
    let (second, after) = worker(guarded(&address));
    assert_ne!(after.uid(), before.uid());
    until_up(&pool, &[after.uid()]);
    call(&pool);
    close([caller, first, second]);
}

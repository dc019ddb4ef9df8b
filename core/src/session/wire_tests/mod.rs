//! A peer that says whatever it likes to a real worker or caller: what is allowed is answered, the rest
//! is refused, and others are not harmed.

mod admission;
mod caller;
mod peer;
mod worker;

use std::time::Duration;

use crate::wire::Frame;
use crate::wire::frame::Kind;

const WATCHDOG: Duration = Duration::from_secs(60);

fn run(test: impl Future<Output = ()>) {
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    executor.block_on(async {
        tokio::time::timeout(WATCHDOG, test)
            .await
            .expect("the test hangs")
    });
}

fn session(kind: Kind) -> Frame {
    Frame::session(kind)
}

fn call(number: u64, kind: Kind) -> Frame {
    Frame::new(number, kind)
}

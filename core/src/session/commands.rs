//! What hosts and routines ask of a session, on its way to the session's driver.

use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::mpsc::UnboundedReceiver;

/// Taken from the queue at once, so that one batch carries what comes of them all.
pub(super) const COMMANDS_AT_ONCE: usize = 512;

/// Takes those that are there, without waiting for any.
pub(super) async fn take_ready<T>(commands: &mut UnboundedReceiver<T>, received: &mut Vec<T>) {
    poll_fn(|cx| {
        let _ = commands.poll_recv_many(cx, received, COMMANDS_AT_ONCE);
        Poll::Ready(())
    })
    .await;
}

//! The callback face: a thread that drains its queue for the host.

use std::convert::Infallible;
use std::ffi::c_void;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use wool_core::{Error, ErrorKind, Runtime};

use crate::callback::{UserData, patient};
use crate::error::wool_error_free;
use crate::memory::wool_bytes_free;
use crate::queue::channel::{Next, Queue};
use crate::queue::event::Slab;
use crate::types::wool_event_t;

/// The host's function with what is given to it.
pub(crate) struct Handler {
    pub(crate) handle: unsafe extern "C" fn(*mut c_void, *mut wool_event_t),
    pub(crate) user_data: UserData,
}

/// Disconnects when the thread has ended.
pub(crate) type Ended = Receiver<Infallible>;

/// Starts the thread, which ends when the queue is closed and empty.
///
/// # Errors
/// [`ErrorKind::Io`] when the system gives no thread.
pub(crate) fn start(queue: Arc<Queue>, handler: Handler) -> Result<Ended, Error> {
    let (running, ended) = bounded(0);
    let drain = move || {
        Runtime::mark_wool_thread();
        run(&queue, handler, running);
    };
    std::thread::Builder::new()
        .name("wool-callback".to_owned())
        .spawn(drain)
        .map_err(|error| {
            Error::new(
                ErrorKind::Io,
                format!("the queue's thread cannot be started: {error}"),
            )
        })?;
    Ok(ended)
}

fn run(queue: &Queue, handler: Handler, running: Sender<Infallible>) {
    while let Next::Event(event) = queue.next(None) {
        let mut event = event.into_c(&mut Slab::none());
        // SAFETY: the host gave both together. What it did not take is still ours.
        unsafe {
            patient(|| (handler.handle)(handler.user_data.pointer(), &mut event));
            wool_bytes_free(&mut event.payload);
            wool_error_free(event.error);
        }
    }
    // Freed before anybody hears that the thread has ended.
    drop(handler);
    drop(running);
}

//! The seam between a session and what carries its batches. Today that is a tonic stream; whatever
//! moves batches in order, both ways, can stand in for it.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;
use tokio::sync::mpsc;

use crate::error::{Error, ErrorKind};
use crate::state::hello::Refusal;
use crate::wire::Batch;

/// Why no more batches come.
#[derive(Debug)]
pub(crate) struct LinkError(pub(crate) Error);

impl LinkError {
    pub(crate) fn protocol(message: impl Into<String>) -> LinkError {
        LinkError(Error::new(ErrorKind::Protocol, message))
    }
}

impl From<tonic::Status> for LinkError {
    fn from(status: tonic::Status) -> LinkError {
        use tonic::Code;
        let kind = match status.code() {
            Code::FailedPrecondition => ErrorKind::Handshake,
            Code::PermissionDenied | Code::Unauthenticated => ErrorKind::PermissionDenied,
            // What a worker says of a caller that broke the rules, and what tonic says of a batch that
            // is too large or that is none.
            Code::InvalidArgument | Code::OutOfRange | Code::DataLoss | Code::Internal => {
                ErrorKind::Protocol
            }
            Code::Unimplemented => ErrorKind::Unsupported,
            _ => ErrorKind::WorkerLost,
        };
        LinkError(Error::new(kind, status.message()))
    }
}

/// A batch, or the last word of a side that ends the session.
pub(crate) type Outgoing = Result<Batch, Refusal>;

pub(crate) type Incoming = Pin<Box<dyn Stream<Item = Result<Batch, LinkError>> + Send>>;

/// One side's ends of the stream. Dropping it ends the stream.
pub(crate) struct Transport {
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: mpsc::Sender<Outgoing>,
}

impl Transport {
    /// The peer's next batch; `None` when it has ended the stream.
    pub(crate) async fn receive(&mut self) -> Option<Result<Batch, LinkError>> {
        receive(&mut self.incoming).await
    }
}

pub(crate) async fn receive(incoming: &mut Incoming) -> Option<Result<Batch, LinkError>> {
    poll_fn(|cx| incoming.as_mut().poll_next(cx)).await
}

/// Batches that may wait for the connection. One more than none, so that the next batch is built while
/// the one before is written; what does not fit stays in the outbox, where small frames overtake large
/// payloads.
const BATCHES_AHEAD: usize = 2;

pub(crate) fn channel() -> (mpsc::Sender<Outgoing>, mpsc::Receiver<Outgoing>) {
    mpsc::channel(BATCHES_AHEAD)
}

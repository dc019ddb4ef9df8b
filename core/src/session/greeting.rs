//! How a session begins at its worker: whether its caller is let in.

use std::sync::Arc;
use std::time::Duration;

use super::transport::{LinkError, Transport, receive};
use crate::peer_limits::PeerSession;
use crate::state::hello::{self, Peer, Refusal};
use crate::tls::PeerNames;
use crate::wire::Frame;
use crate::wire::frame::Kind;
use crate::worker::WorkerShared;

/// How long a caller may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// Who comes.
#[derive(Default)]
pub(crate) struct Guest {
    /// Of its certificate; `None` where connections have none, a Unix socket or one without TLS.
    pub(crate) names: Option<PeerNames>,
    /// Of the worker's credentials when its connection was made; `None` as above.
    pub(crate) generation: Option<u64>,
    /// Its part of what its peer may take of the worker; `None` where nobody counts, a Unix socket.
    pub(crate) share: Option<Arc<PeerSession>>,
}

pub(super) async fn greet(
    transport: &mut Transport,
    worker: &WorkerShared,
    names: Option<&PeerNames>,
) -> Result<Peer, Refusal> {
    if let Some(names) = names
        && !worker.lets_in(names.all())
    {
        return Err(Refusal::PermissionDenied(format!(
            "this worker does not let in callers of the names {:?}",
            names.all()
        )));
    }
    let first = tokio::time::timeout(HELLO_WITHIN, receive(&mut transport.incoming))
        .await
        .map_err(|_| Refusal::Handshake("no hello came".to_owned()))?;
    let frames = match first {
        Some(Ok(batch)) => batch.frames,
        Some(Err(LinkError(error))) => return Err(Refusal::Handshake(error.message().to_owned())),
        None => {
            return Err(Refusal::Handshake(
                "the caller left before its hello".to_owned(),
            ));
        }
    };
    let mut frames = frames.into_iter();
    let Some(Frame {
        call: 0,
        kind: Some(Kind::Hello(hello)),
    }) = frames.next()
    else {
        return Err(Refusal::Handshake(
            "the first frame must be a hello".to_owned(),
        ));
    };
    if frames.next().is_some() {
        return Err(Refusal::Handshake(
            "nothing may be sent before the worker's hello was read".to_owned(),
        ));
    }
    hello::accept_caller(*hello, worker.uid(), worker.secret())
}

//! A pool's own check of the identities that workers claim.

use tokio::sync::oneshot;

/// Decides whether the identity that a worker claims in its record is believed: then the worker is verified by it, wherever it
/// is reached, and otherwise by the name or address that was dialled. It is asked before each attempt to connect.
pub trait PeerCheck: Send + Sync + 'static {
    /// Asks. Called on the I/O thread: hand the question to where it is decided, never decide slowly here. It can be answered
    /// later, within 10 s.
    fn ask(&self, request: PeerRequest);
}

/// A question, answered once. Dropped without an answer, it has failed: then the worker is not connected to this time, and
/// asked about again with the next attempt.
pub struct PeerRequest {
    identity: String,
    uid: String,
    answer: oneshot::Sender<Answer>,
}

pub(super) type Answer = Result<bool, String>;

impl PeerRequest {
    pub(super) fn new(identity: &str, uid: &str) -> (PeerRequest, oneshot::Receiver<Answer>) {
        let (answer, answered) = oneshot::channel();
        let request = PeerRequest {
            identity: identity.to_owned(),
            uid: uid.to_owned(),
            answer,
        };
        (request, answered)
    }

    /// What the worker claims to be: a DNS name or a URI. Nothing has been proved yet.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The worker's uid, as its record has it.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Whether it is believed.
    pub fn answer(self, believe: bool) {
        // It does no harm when nobody waits any more.
        let _ = self.answer.send(Ok(believe));
    }

    /// It could not be decided; why.
    pub fn fail(self, message: impl Into<String>) {
        // As above.
        let _ = self.answer.send(Err(message.into()));
    }
}

//! The protocol's state machines: plain types that take events and answer what is to be done. No socket,
//! no clock, no lock: `session/` does the I/O around them.

pub(crate) mod asked;
pub(crate) mod call;
pub(crate) mod hello;
pub(crate) mod liveness;
pub(crate) mod window;

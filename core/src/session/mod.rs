//! One session: a long-lived stream between two peers that carries many calls. The state machines of
//! `state/` with I/O around them.

mod admitting;
mod answering;
mod answers;
mod arrived;
mod asking;
mod caller;
mod commands;
mod due;
mod flight;
mod greeting;
mod inbox;
mod leaving;
mod link;
mod numbers;
mod outbox;
mod starting;
mod stepping;
mod transport;
mod worker;

pub(crate) use crate::state::hello::Limits;
pub(crate) use caller::{CallerCommand, CallerSession, Owner, SessionEnd, Why};
pub(crate) use flight::{Arrival, CallContext, Dispatch, Flight};
pub(crate) use greeting::Guest;
pub(crate) use inbox::Receipt;
pub(crate) use link::LinkState;
pub(crate) use transport::{LinkError, Outgoing, Transport, channel};
pub(crate) use worker::{WorkerCommand, serve};

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;

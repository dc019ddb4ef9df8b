//! What hosts ask of generators, on its way to their worker, with what has changed in their contexts.

use std::sync::Arc;

use super::caller::{CallerSession, find};
use super::flight::Flight;
use crate::error::Fault;
use crate::payload::Payload;
use crate::wire::frame::Kind;
use crate::wire::{self, Frame};

impl CallerSession {
    pub(super) fn ask(&mut self, flight: &Arc<Flight>, items: u32) {
        if let Some((number, context)) = self.asking(flight, items) {
            let credit = wire::Credit {
                items,
                context: context.map(Box::new),
            };
            // Not before what was sent to the yield, which may still be under way.
            self.outbox
                .frame_in_order(Frame::new(number, Kind::Credit(credit)));
        }
    }

    pub(super) fn send(&mut self, flight: &Arc<Flight>, value: Payload) {
        if let Some((number, context)) = self.asking(flight, 1) {
            self.outbox.payload(number, value, true, move |value| {
                Kind::Send(Box::new(wire::Send {
                    value: Some(value),
                    context,
                }))
            });
        }
    }

    pub(super) fn throw(&mut self, flight: &Arc<Flight>, fault: Fault) {
        if let Some((number, context)) = self.asking(flight, 1) {
            let throw = Box::new(wire::Throw {
                fault: Some(fault.into_wire()),
                context,
            });
            self.outbox
                .frame_in_order(Frame::new(number, Kind::Throw(throw)));
        }
    }

    /// The open call of a flight that asks for items, with what its host has changed in the context. `None` also for one
    /// that has just been ended, as that is more than can travel.
    fn asking(&mut self, flight: &Arc<Flight>, items: u32) -> Option<(u64, Option<wire::Context>)> {
        let (number, open) = find(&mut self.open, flight)?;
        let changes = open
            .dispatch
            .context
            .as_mut()
            .map(|context| context.changes());
        match changes.transpose() {
            Ok(changes) => {
                open.call.credit(items);
                Some((number, changes.flatten()))
            }
            Err(error) => {
                flight.leave(error);
                None
            }
        }
    }
}

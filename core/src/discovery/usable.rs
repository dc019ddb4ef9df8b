//! Whether a record is of use to this version of the library at all, whoever asks.

use super::TurnedAwayReason;
use super::advertised::on_this_machine;
use crate::wire::{self, Door, WorkerRecord};

/// The record with addresses that can be dialled here.
///
/// # Errors
/// Why nobody here could call the worker.
pub(crate) fn usable(record: WorkerRecord) -> Result<WorkerRecord, (TurnedAwayReason, String)> {
    if record.protocol_major != wire::MAJOR {
        let message = format!(
            "it speaks protocol {}.{} (libwool {}), this side {}.{}",
            record.protocol_major,
            record.protocol_minor,
            record.package_version,
            wire::MAJOR,
            wire::MINOR
        );
        return Err((TurnedAwayReason::Protocol, message));
    }
    if !record.doors.contains(&(Door::Session as i32)) {
        let message = "it offers no door that a pool can use".to_owned();
        return Err((TurnedAwayReason::NoDoor, message));
    }
    // One of this machine tells what the worker is bound to, so that it can be published elsewhere, too.
    let addresses = match record.local {
        Some(_) => on_this_machine(&record.addresses),
        None => record.addresses,
    };
    Ok(WorkerRecord {
        addresses,
        ..record
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_of_this_machine_that_is_bound_to_all_addresses_is_dialled_on_loopback() {
        let of_here = WorkerRecord {
            addresses: vec!["0.0.0.0:7000".to_owned(), "192.0.2.1:7000".to_owned()],
            doors: vec![Door::Session as i32],
            protocol_major: wire::MAJOR,
            local: Some(wire::LocalOrigin::default()),
            ..WorkerRecord::default()
        };
        let from_elsewhere = WorkerRecord {
            local: None,
            ..of_here.clone()
        };
        let dialled = usable(of_here.clone()).expect("it is usable").addresses;
        assert_eq!(dialled, ["127.0.0.1:7000", "192.0.2.1:7000"]);
        let dialled = usable(from_elsewhere).expect("it is usable").addresses;
        assert_eq!(dialled, of_here.addresses);
    }
}

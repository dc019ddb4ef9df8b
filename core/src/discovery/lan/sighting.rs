//! What was seen on the network under a name, read as a worker's record.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use mdns_sd::{ResolvedService, ScopedIp, TxtProperties};

use super::interfaces::Filter;
use super::txt::{self, Contents, Refusal};
use crate::discovery::{TurnedAway, TurnedAwayReason};
use crate::error::shorten;
use crate::ids;
use crate::wire::WorkerRecord;

/// As many addresses of one worker are kept.
const MOST_ADDRESSES: usize = 16;
/// As long are names in messages that are none.
const LONGEST_NAME: usize = 64;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reading {
    Record {
        record: Box<WorkerRecord>,
        /// It says that it is of this one.
        namespace: Option<String>,
    },
    TurnedAway(TurnedAway),
}

/// By what it is known: the worker's uid, or, where its name is none, as much of that as is readable.
pub(super) fn key(fullname: &str, service_type: &str) -> String {
    let label = fullname
        .strip_suffix(service_type)
        .and_then(|label| label.strip_suffix('.'))
        .unwrap_or(fullname);
    match ids::uid(label) {
        Ok(uid) => (*uid).to_owned(),
        Err(_) => {
            let mut label = label.to_owned();
            shorten(&mut label, LONGEST_NAME);
            label
        }
    }
}

/// Whether it has a TXT record at all; that may come a moment after the rest.
pub(super) fn is_whole(service: &ResolvedService) -> bool {
    !service.txt_properties.is_empty()
}

pub(super) fn read(service: &ResolvedService, service_type: &str, filter: &Filter) -> Reading {
    let key = key(&service.fullname, service_type);
    if ids::uid(&key).is_err() {
        return turned_away(
            key,
            TurnedAwayReason::Unreadable,
            "its name is no worker's uid, which is a UUID".to_owned(),
        );
    }
    match contents(&service.txt_properties, service, filter) {
        Ok(Contents {
            mut record,
            namespace,
            ..
        }) => {
            record.uid = key;
            Reading::Record {
                record: Box::new(record),
                namespace,
            }
        }
        Err(Refusal { reason, message }) => turned_away(key, reason, message),
    }
}

fn turned_away(key: String, reason: TurnedAwayReason, message: String) -> Reading {
    Reading::TurnedAway(TurnedAway {
        key,
        reason,
        message,
    })
}

fn contents(
    properties: &TxtProperties,
    service: &ResolvedService,
    filter: &Filter,
) -> Result<Contents, Refusal> {
    let mut contents = txt::read(properties)?;
    let addresses = match contents.addresses.take() {
        Some(said) => said_addresses(&said, filter)?,
        None => seen_addresses(service, filter)?,
    };
    contents.record.addresses = addresses
        .iter()
        .take(MOST_ADDRESSES)
        .map(SocketAddr::to_string)
        .collect();
    Ok(contents)
}

/// In its TXT record.
fn said_addresses(said: &str, filter: &Filter) -> Result<Vec<SocketAddr>, Refusal> {
    let addresses: Option<Vec<SocketAddr>> = said
        .split(',')
        .map(|address| address.parse().ok())
        .collect();
    let addresses = addresses.unwrap_or_default();
    let usable = |address: &&SocketAddr| {
        let ip = address.ip().to_canonical();
        let is_near = !ip.is_loopback() || filter.has_any_loopback();
        address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && is_near
    };
    let usable: Vec<_> = addresses.iter().filter(usable).copied().collect();
    if usable.is_empty() {
        return Err(Refusal {
            reason: TurnedAwayReason::NoAddress,
            message: "the addresses in its record are none that can be dialled from here"
                .to_owned(),
        });
    }
    Ok(usable)
}

/// In its address records: IPv4 first, those without a router last, each kind in order.
fn seen_addresses(service: &ResolvedService, filter: &Filter) -> Result<Vec<SocketAddr>, Refusal> {
    let mut addresses: Vec<_> = service
        .addresses
        .iter()
        .filter(|address| is_from_where_it_is(address, filter))
        .map(|address| with_port(address, service.port))
        .collect();
    addresses.sort_by_key(|address| match address {
        SocketAddr::V4(_) => (0, *address),
        SocketAddr::V6(of) if of.ip().is_unicast_link_local() => (2, *address),
        SocketAddr::V6(_) => (1, *address),
    });
    addresses.dedup();
    if addresses.is_empty() || service.port == 0 {
        return Err(Refusal {
            reason: TurnedAwayReason::NoAddress,
            message: format!(
                "it has no address that can be dialled from here: its host is {} at port {}",
                list(service),
                service.port
            ),
        });
    }
    Ok(addresses)
}

/// A loopback address that came over a network is good on its own machine only, and here is somebody else's.
fn is_from_where_it_is(address: &ScopedIp, filter: &Filter) -> bool {
    let ip = address.to_ip_addr().to_canonical();
    if ip.is_unspecified() || ip.is_multicast() {
        return false;
    }
    if !ip.is_loopback() {
        return true;
    }
    match address {
        ScopedIp::V4(of) => of
            .interface_ids()
            .iter()
            .any(|interface| filter.has_loopback(&interface.name)),
        ScopedIp::V6(of) => filter.has_loopback(&of.scope_id().name),
        _ => false,
    }
}

fn with_port(address: &ScopedIp, port: u16) -> SocketAddr {
    match address {
        ScopedIp::V6(of) if of.addr().is_unicast_link_local() => {
            SocketAddrV6::new(*of.addr(), port, 0, of.scope_id().index).into()
        }
        address => SocketAddr::new(address.to_ip_addr(), port),
    }
}

fn list(service: &ResolvedService) -> String {
    let mut addresses: Vec<IpAddr> = service.addresses.iter().map(ScopedIp::to_ip_addr).collect();
    addresses.sort_unstable();
    addresses.truncate(4);
    let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    addresses.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use mdns_sd::{InterfaceId, ScopedIpV4, ServiceInfo};

    use super::*;

    const TYPE: &str = "_wool._tcp.local.";
    const UID: &str = "0b0e2e5e-7f0c-4f0e-9a51-0d5a0f6a9d11";

    fn on_loopback() -> Filter {
        Filter::Only {
            names: BTreeSet::from(["lo".to_owned(), "eth0".to_owned()]),
            loopback: BTreeSet::from(["lo".to_owned()]),
        }
    }

    fn service(
        label: &str,
        ips: &[&str],
        interface: &str,
        txt: &[(&str, &str)],
    ) -> ResolvedService {
        let scoped = |ip: &&str| match ip.parse().unwrap() {
            IpAddr::V4(ip) => ScopedIp::V4(ScopedIpV4::new(
                ip,
                InterfaceId {
                    name: interface.to_owned(),
                    index: 7,
                },
            )),
            ip => ip.into(),
        };
        let host = format!("{label}.local.");
        let announced = ServiceInfo::new(TYPE, label, &host, "", 7000, txt).unwrap();
        let mut service = announced.as_resolved_service();
        service.addresses = ips.iter().map(scoped).collect::<HashSet<_>>();
        service
    }

    fn addresses(reading: Reading) -> Vec<String> {
        match reading {
            Reading::Record { record, .. } => record.addresses,
            Reading::TurnedAway(turned_away) => panic!("{turned_away:?}"),
        }
    }

    fn reason(reading: Reading) -> TurnedAwayReason {
        match reading {
            Reading::Record { record, .. } => panic!("{record:?}"),
            Reading::TurnedAway(turned_away) => turned_away.reason,
        }
    }

    const OURS: [(&str, &str); 2] = [("wool", "1.0"), ("ns", "farm")];

    #[test]
    fn a_worker_is_known_by_its_uid_in_lower_case() {
        let upper = UID.to_uppercase();
        let seen = service(
            &upper,
            &["192.0.2.2", "2001:db8::1", "192.0.2.1"],
            "eth0",
            &OURS,
        );
        let Reading::Record { record, namespace } = read(&seen, TYPE, &on_loopback()) else {
            panic!("it is a worker");
        };
        assert_eq!((&*record.uid, namespace.as_deref()), (UID, Some("farm")));
        let in_order = ["192.0.2.1:7000", "192.0.2.2:7000", "[2001:db8::1]:7000"];
        assert_eq!(record.addresses, in_order);
    }

    #[test]
    fn other_names_are_none() {
        for label in ["sheep", "", &"x".repeat(500)] {
            let reading = read(
                &service(label, &["192.0.2.1"], "eth0", &OURS),
                TYPE,
                &on_loopback(),
            );
            let Reading::TurnedAway(turned_away) = reading else {
                panic!("{label}");
            };
            assert_eq!(turned_away.reason, TurnedAwayReason::Unreadable);
            assert!(turned_away.key.len() < 2 * LONGEST_NAME);
        }
    }

    #[test]
    fn loopback_counts_where_it_came_over_loopback() {
        let there = service(UID, &["127.0.0.1"], "lo", &OURS);
        assert_eq!(
            addresses(read(&there, TYPE, &on_loopback())),
            ["127.0.0.1:7000"]
        );
        let far = service(UID, &["127.0.0.1"], "eth0", &OURS);
        assert_eq!(
            reason(read(&far, TYPE, &on_loopback())),
            TurnedAwayReason::NoAddress
        );
        let mixed = service(UID, &["127.0.0.1", "192.0.2.1"], "eth0", &OURS);
        assert_eq!(
            addresses(read(&mixed, TYPE, &on_loopback())),
            ["192.0.2.1:7000"]
        );
    }

    #[test]
    fn addresses_that_it_says_count_instead() {
        let said = |addresses| [("wool", "1.0"), ("addresses", addresses)];
        let seen = |txt: &[(&str, &str)], filter: &Filter| {
            read(&service(UID, &["192.0.2.1"], "eth0", txt), TYPE, filter)
        };
        let two = said("203.0.113.5:80,[2001:db8::1]:81");
        let expected = ["203.0.113.5:80", "[2001:db8::1]:81"];
        assert_eq!(addresses(seen(&two, &on_loopback())), expected);
        for wrong in [
            "x",
            "host:80",
            "203.0.113.5:0",
            "0.0.0.0:80",
            "203.0.113.5:80,x",
        ] {
            let reason = reason(seen(&said(wrong), &on_loopback()));
            assert_eq!(reason, TurnedAwayReason::NoAddress, "{wrong}");
        }
        let near = said("127.0.0.1:80");
        assert_eq!(
            reason(seen(&near, &Filter::AllButLoopback)),
            TurnedAwayReason::NoAddress
        );
        let many = ["1.2.3.4:80"; 22].join(",");
        assert_eq!(
            addresses(seen(&said(&many), &on_loopback())).len(),
            MOST_ADDRESSES
        );
    }
}

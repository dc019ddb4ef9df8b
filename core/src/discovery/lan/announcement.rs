//! A worker on the network: which addresses it is told under, and its record with the daemon.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use mdns_sd::{IfKind, ServiceInfo};

use super::daemon::Daemon;
use super::interfaces::Filter;
use super::txt;
use crate::discovery::advertised::is_wildcard;
use crate::discovery::{Announced, Withdrawn};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::WorkerRecord;

/// Withdrawn when dropped.
pub(super) struct Announcement {
    daemon: Arc<Daemon>,
    service_type: String,
    namespace: Option<String>,
    uid: String,
    /// Its name on the network, once it is shown.
    shown: Option<String>,
}

/// How a worker's addresses are told.
#[derive(Debug, PartialEq)]
struct Plan {
    /// Empty = those that the networks have, now and later.
    carried: Vec<IpAddr>,
    /// Of those of the networks: none of IPv6.
    only_v4: bool,
    port: u16,
    /// All of them, where the address records cannot tell them.
    said: Option<String>,
}

impl Announcement {
    pub(super) fn new(
        daemon: Arc<Daemon>,
        service_type: String,
        namespace: Option<String>,
        uid: &str,
    ) -> Announcement {
        Announcement {
            daemon,
            service_type,
            namespace,
            uid: uid.to_owned(),
            shown: None,
        }
    }

    fn service(&self, record: &WorkerRecord) -> Result<ServiceInfo> {
        let filter = self.daemon.filter();
        let plan = plan(&record.addresses, filter, filter.carries()?)?;
        let properties = txt::write(record, self.namespace.as_deref(), plan.said.as_deref())?;
        let ips: Vec<_> = plan.carried.iter().map(IpAddr::to_string).collect();
        let service = ServiceInfo::new(
            &self.service_type,
            &self.uid,
            &format!("{}.local.", self.uid),
            &ips[..],
            plan.port,
            properties,
        );
        let mut service = service.map_err(|error| {
            failed(format!(
                "the worker's record cannot be told on the network: {error}"
            ))
        })?;
        // A UUID is nobody else's.
        service.set_requires_probe(false);
        if plan.carried.is_empty() {
            service = service.enable_addr_auto();
            if plan.only_v4 {
                service.set_interfaces(vec![IfKind::IPv4]);
            }
        }
        Ok(service)
    }
}

impl Announced for Announcement {
    fn publish(&mut self, record: &WorkerRecord) -> Result<()> {
        self.daemon.check_origin()?;
        let service = self.service(record)?;
        let fullname = service.get_fullname().to_owned();
        self.daemon.register(service)?;
        self.shown = Some(fullname);
        Ok(())
    }

    fn withdraw(mut self: Box<Self>) -> Withdrawn {
        match self.shown.take() {
            Some(fullname) => self.daemon.unregister(fullname),
            None => Box::pin(std::future::ready(())),
        }
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Some(fullname) = self.shown.take() {
            drop(self.daemon.unregister(fullname));
        }
    }
}

/// # Errors
/// [`ErrorKind::Discovery`] when there is no address that others on the networks could dial.
fn plan(addresses: &[String], filter: &Filter, carries: impl Fn(IpAddr) -> bool) -> Result<Plan> {
    if let Some(wildcard) = addresses.iter().find(|text| is_wildcard(text)) {
        let bound: SocketAddr = wildcard.parse().map_err(|_| no_address(addresses))?;
        return Ok(Plan {
            carried: Vec::new(),
            only_v4: bound.is_ipv4(),
            port: bound.port(),
            said: None,
        });
    }
    let mut resolved = Vec::new();
    for text in addresses {
        resolved.extend(resolve(text)?);
    }
    resolved
        .retain(|address| filter.has_any_loopback() || !address.ip().to_canonical().is_loopback());
    let mut seen = BTreeSet::new();
    resolved.retain(|address| seen.insert(*address));
    let Some(port) = resolved.first().map(SocketAddr::port) else {
        return Err(no_address(addresses));
    };
    let carried: Vec<_> = resolved
        .iter()
        .filter(|address| address.port() == port && carries(address.ip()))
        .map(SocketAddr::ip)
        .collect();
    let said = (carried.len() < resolved.len()).then(|| {
        let texts: Vec<_> = resolved.iter().map(SocketAddr::to_string).collect();
        texts.join(",")
    });
    Ok(Plan {
        carried,
        only_v4: false,
        port,
        said,
    })
}

/// Names are resolved here: peers may not know them.
fn resolve(text: &str) -> Result<Vec<SocketAddr>> {
    let resolved = text.to_socket_addrs().map_err(|error| {
        failed(format!(
            "the advertised address \"{text}\" cannot be resolved: {error}; on the LAN addresses are told, not names: advertise \
             a name that is known here, or an IP address"
        ))
    })?;
    Ok(resolved.collect())
}

fn no_address(addresses: &[String]) -> Error {
    failed(format!(
        "the worker is at {}, where nobody else on the LAN can reach it: bind it to an address of the network, or to all \
         (\"0.0.0.0:0\"), or say by `advertise` how others reach it",
        match addresses {
            [] => "no address".to_owned(),
            addresses => addresses.join(", "),
        }
    ))
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::Discovery, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(addresses: &[&str], filter: &Filter) -> Result<Plan> {
        let addresses: Vec<_> = addresses.iter().map(|&text| text.to_owned()).collect();
        let near: IpAddr = "192.0.2.1".parse().unwrap();
        plan(&addresses, filter, |address| {
            address == near || address.is_loopback()
        })
    }

    fn with_loopback() -> Filter {
        Filter::find(&["lo".to_owned()]).unwrap()
    }

    #[test]
    fn a_wildcard_is_told_by_the_addresses_of_the_networks() {
        let plan = on(&["0.0.0.0:7000"], &Filter::AllButLoopback).unwrap();
        let expected = Plan {
            carried: Vec::new(),
            only_v4: true,
            port: 7000,
            said: None,
        };
        assert_eq!(plan, expected);
        assert!(!on(&["[::]:7000"], &Filter::AllButLoopback).unwrap().only_v4);
    }

    #[test]
    fn addresses_of_the_networks_are_told_by_address_records() {
        let plan = on(
            &["192.0.2.1:7000", "192.0.2.1:7000"],
            &Filter::AllButLoopback,
        )
        .unwrap();
        assert_eq!(plan.carried, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert_eq!((plan.port, plan.said), (7000, None));
    }

    #[test]
    fn others_are_said() {
        let both = ["192.0.2.1:7000", "203.0.113.5:443"];
        let plan = on(&both, &Filter::AllButLoopback).unwrap();
        assert_eq!(plan.carried.len(), 1);
        assert_eq!(plan.said.as_deref(), Some("192.0.2.1:7000,203.0.113.5:443"));
        let far = on(&["203.0.113.5:443"], &Filter::AllButLoopback).unwrap();
        assert_eq!((far.carried.len(), far.port), (0, 443));
        assert_eq!(far.said.as_deref(), Some("203.0.113.5:443"));
    }

    #[test]
    fn loopback_is_nobody_elses() {
        for loopback in ["127.0.0.1:7000", "[::1]:7000", "localhost:7000"] {
            let error = on(&[loopback], &Filter::AllButLoopback).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Discovery);
            assert!(error.message().contains("advertise"), "{error}");
            assert!(error.message().contains(loopback), "{error}");
        }
        let plan = on(&["127.0.0.1:7000"], &with_loopback()).unwrap();
        assert_eq!(plan.carried, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn names_that_cannot_be_resolved_are_named() {
        let error = on(&["sheep.invalid:7000"], &Filter::AllButLoopback).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Discovery);
        assert!(error.message().contains("sheep.invalid:7000"), "{error}");
    }
}

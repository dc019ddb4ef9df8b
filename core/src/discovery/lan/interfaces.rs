//! The networks that a discovery takes part in.

use std::collections::BTreeSet;
use std::net::IpAddr;

use if_addrs::{IfAddr, Interface};
use mdns_sd::{IfKind, ServiceDaemon};

use crate::error::{Error, ErrorKind, Result};

/// Which interfaces are used. Those that come and go are followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Filter {
    AllButLoopback,
    /// Those of these names.
    Only {
        names: BTreeSet<String>,
        /// Of these, the ones that lead nowhere but here.
        loopback: BTreeSet<String>,
    },
}

impl Filter {
    /// Each is the name of an interface, or one of its addresses; none = all but loopback.
    ///
    /// # Errors
    /// [`ErrorKind::Discovery`] for one that is not there, and where multicast is not to be had.
    pub(super) fn find(wanted: &[String]) -> Result<Filter> {
        if wanted.is_empty() {
            return Ok(Filter::AllButLoopback);
        }
        let there = there()?;
        let mut names = BTreeSet::new();
        let mut loopback = BTreeSet::new();
        for text in wanted {
            let address = text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
            let is_meant = |interface: &&Interface| {
                interface.name == *text || address.is_some_and(|address| interface.ip() == address)
            };
            let interface = there
                .iter()
                .find(is_meant)
                .ok_or_else(|| unknown(text, &there))?;
            if interface.is_p2p() {
                return Err(failed(format!(
                    "the interface {} leads to one peer only, and has no multicast: use another one",
                    interface.name
                )));
            }
            if interface.is_loopback() {
                loopback.insert(interface.name.clone());
            }
            names.insert(interface.name.clone());
        }
        Ok(Filter::Only { names, loopback })
    }

    /// # Errors
    /// Those of the daemon, of which it has just been made.
    pub(super) fn apply(&self, daemon: &ServiceDaemon) -> mdns_sd::Result<()> {
        match self {
            Filter::AllButLoopback => {
                daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])
            }
            Filter::Only { names, .. } => {
                daemon.disable_interface(IfKind::All)?;
                daemon.enable_interface(names.iter().map(IfKind::from).collect::<Vec<_>>())
            }
        }
    }

    /// Whether the interface of this name is loopback, and used.
    pub(super) fn has_loopback(&self, name: &str) -> bool {
        match self {
            Filter::AllButLoopback => false,
            Filter::Only { loopback, .. } => loopback.contains(name),
        }
    }

    pub(super) fn has_any_loopback(&self) -> bool {
        match self {
            Filter::AllButLoopback => false,
            Filter::Only { loopback, .. } => !loopback.is_empty(),
        }
    }

    /// Whether peers on one of the networks reach the address without a router; only such ones can be told by an address
    /// record.
    ///
    /// # Errors
    /// [`ErrorKind::Discovery`] when the system does not tell its interfaces.
    pub(super) fn carries(&self) -> Result<impl Fn(IpAddr) -> bool + use<>> {
        let filter = self.clone();
        let mut interfaces = there()?;
        interfaces.retain(|interface| match &filter {
            Filter::AllButLoopback => !interface.is_loopback(),
            Filter::Only { names, .. } => names.contains(&interface.name),
        });
        Ok(move |address| {
            interfaces
                .iter()
                .any(|interface| is_in_network(address, &interface.addr))
        })
    }
}

fn is_in_network(address: IpAddr, interface: &IfAddr) -> bool {
    match (address, interface) {
        (IpAddr::V4(address), IfAddr::V4(of)) => {
            let mask = of.netmask.to_bits();
            address.to_bits() & mask == of.ip.to_bits() & mask
        }
        (IpAddr::V6(address), IfAddr::V6(of)) => {
            let mask = of.netmask.to_bits();
            address.to_bits() & mask == of.ip.to_bits() & mask
        }
        _ => false,
    }
}

fn there() -> Result<Vec<Interface>> {
    if_addrs::get_if_addrs().map_err(|error| {
        failed(format!(
            "the system does not tell its network interfaces: {error}"
        ))
    })
}

fn unknown(text: &str, there: &[Interface]) -> Error {
    let names: BTreeSet<_> = there.iter().map(|interface| &*interface.name).collect();
    let names: Vec<_> = names.into_iter().collect();
    let names = match &names[..] {
        [] => "none has an address".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    failed(format!(
        "there is no network interface \"{text}\" here: {names}; name one of them, or an address of it"
    ))
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::Discovery, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(wanted: &[&str]) -> Result<Filter> {
        let wanted: Vec<_> = wanted.iter().map(|&text| text.to_owned()).collect();
        Filter::find(&wanted)
    }

    #[test]
    fn an_interface_is_found_by_its_name_and_its_addresses() {
        let loopback = find(&["lo"]).unwrap();
        assert_eq!(find(&["127.0.0.1"]).unwrap(), loopback);
        assert_eq!(find(&["lo", "127.0.0.1"]).unwrap(), loopback);
        assert!(loopback.has_loopback("lo") && loopback.has_any_loopback());
        assert!(!loopback.has_loopback("eth0"));
        assert_eq!(find(&[]).unwrap(), Filter::AllButLoopback);
    }

    #[test]
    fn one_that_is_not_there_is_named_beside_those_that_are() {
        for unknown in ["wool-none", "192.0.2.254", ""] {
            let error = find(&["lo", unknown]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Discovery);
            let message = error.message();
            assert!(message.contains(&format!("\"{unknown}\"")), "{message}");
            assert!(
                message.contains("there are ") && message.contains("lo"),
                "{message}"
            );
        }
    }

    #[test]
    fn networks_carry_their_own_addresses() {
        let carries = find(&["lo"]).unwrap().carries().unwrap();
        assert!(carries("127.0.0.77".parse().unwrap()));
        assert!(!carries("192.0.2.1".parse().unwrap()));
        let carries = Filter::AllButLoopback.carries().unwrap();
        assert!(!carries("127.0.0.1".parse().unwrap()));
    }
}

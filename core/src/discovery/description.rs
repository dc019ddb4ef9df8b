//! Discoveries in words: those of a pool travel to the workers that call on by it.

use super::{
    Discovery, DnsDiscovery, LanDiscovery, LocalDiscovery, StackedDiscovery, StaticDiscovery,
};
use crate::connect::is_local;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::discovery_description::Kind;
use crate::wire::{AddressList, DiscoveryDescription, DiscoveryList, DnsPlace, LanPlace};

/// Discoveries in one another.
const DEEPEST: usize = 4;

impl Discovery {
    /// `None`: it cannot be said in words.
    pub(crate) fn describe(&self) -> Option<DiscoveryDescription> {
        let kind = match self {
            Discovery::Local(local) => Kind::Local(local.to_wire()),
            Discovery::Lan(lan) => Kind::Lan(LanPlace {
                namespace: lan.namespace().map(str::to_owned),
                interfaces: lan.interfaces().to_vec(),
            }),
            Discovery::Static(fixed) => Kind::Fixed(AddressList {
                addresses: fixed.addresses().to_vec(),
            }),
            Discovery::Dns(dns) => Kind::Dns(DnsPlace {
                name: dns.name().to_owned(),
                servers: dns.servers().to_vec(),
            }),
            Discovery::Stacked(stacked) => Kind::Stacked(DiscoveryList {
                discoveries: stacked
                    .discoveries()
                    .iter()
                    .map(Discovery::describe)
                    .collect::<Option<_>>()?,
            }),
            Discovery::Custom(_) => return None,
        };
        Some(DiscoveryDescription { kind: Some(kind) })
    }

    /// Whether what it finds may be good on this machine only.
    pub(crate) fn is_of_here(&self) -> bool {
        match self {
            Discovery::Local(_) => true,
            Discovery::Static(fixed) => fixed.addresses().iter().any(|text| is_local(text)),
            Discovery::Stacked(stacked) => stacked.discoveries().iter().any(Discovery::is_of_here),
            Discovery::Lan(_) | Discovery::Dns(_) | Discovery::Custom(_) => false,
        }
    }

    /// # Errors
    /// [`ErrorKind::Unsupported`] for one that this version does not know, [`ErrorKind::InvalidArgument`] for one that
    /// makes no sense.
    pub(crate) fn from_description(description: DiscoveryDescription) -> Result<Discovery> {
        Discovery::described(description, DEEPEST)
    }

    fn described(description: DiscoveryDescription, depth: usize) -> Result<Discovery> {
        let kind = description.kind.filter(|_| depth > 0).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "its workers are found in a way that this version does not know",
            )
        })?;
        Ok(match kind {
            Kind::Local(place) => Discovery::Local(LocalDiscovery::from_wire(place)?),
            Kind::Lan(place) => {
                let lan = LanDiscovery::new().on_interfaces(place.interfaces);
                Discovery::Lan(match place.namespace {
                    Some(namespace) => lan.in_namespace(namespace)?,
                    None => lan,
                })
            }
            Kind::Fixed(list) => Discovery::Static(StaticDiscovery::new(list.addresses)?),
            Kind::Dns(place) => {
                Discovery::Dns(DnsDiscovery::new(place.name)?.by_servers(place.servers)?)
            }
            Kind::Stacked(list) => {
                let discoveries = list.discoveries.into_iter();
                let discoveries = discoveries
                    .map(|description| Discovery::described(description, depth - 1))
                    .collect::<Result<Vec<_>>>()?;
                Discovery::Stacked(StackedDiscovery::new(discoveries)?)
            }
        })
    }
}

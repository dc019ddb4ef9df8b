//! One look at a name: what is there, put together from several answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use tokio::task::JoinSet;

use super::asked::Asked;
use super::client::Client;
use super::message::{Answer, Data, Kind};
use super::system::System;
use crate::error::{Error, ErrorKind, Result};

/// What a look has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) places: Vec<Place>,
    /// Other places have gone, but for those at addresses such as these.
    pub(super) untold: Untold,
    pub(super) exists: bool,
    /// Seconds for which all of it is good; `None` = not said.
    pub(super) age: Option<u32>,
    /// What could not be looked up.
    pub(super) problem: Option<String>,
}

/// Where a worker is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The same in each look.
    pub(super) name: String,
    pub(super) addresses: Vec<SocketAddr>,
    /// It has no others, but maybe such as these.
    pub(super) untold: Untold,
}

/// Addresses of which no server could be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Untold {
    pub(super) four: bool,
    pub(super) six: bool,
}

impl Untold {
    pub(super) const ALL: Untold = Untold {
        four: true,
        six: true,
    };

    pub(super) fn may_have(self, address: &SocketAddr) -> bool {
        if address.is_ipv4() {
            self.four
        } else {
            self.six
        }
    }
}

/// Targets of services that are looked up at once.
const AT_ONCE: usize = 16;
/// Services of one name.
const MOST_SERVICES: usize = 1024;
/// For which the names that this machine knows itself are good, seconds.
const HOSTS_AGE: u32 = 10;

pub(super) struct Look {
    asked: Asked,
    /// Those that were given; without any, the system's are found out with each look.
    given: Option<System>,
    client: Client,
}

impl Look {
    /// Without servers, those of the system are asked.
    pub(super) fn new(asked: Asked, servers: Vec<SocketAddr>) -> Look {
        Look {
            asked,
            given: (!servers.is_empty()).then(|| System::of(servers.clone())),
            client: Client::new(servers),
        }
    }

    /// # Errors
    /// [`ErrorKind::Discovery`] when no server answers.
    pub(super) async fn look(&mut self) -> Result<Looked> {
        let system = match &self.given {
            Some(system) => system.clone(),
            None => read_system().await?,
        };
        if self.client.servers() != system.servers {
            self.client = Client::new(system.servers.clone());
        }
        match &self.asked {
            Asked::Host { name, port } => self.look_at_host(&system, name, *port).await,
            Asked::Service { name } => self.look_at_service(&system, name).await,
        }
    }

    async fn look_at_host(&self, system: &System, name: &str, port: u16) -> Result<Looked> {
        let known = system.of_host(name);
        if !known.is_empty() {
            return Ok(Looked {
                places: places(known, port),
                exists: true,
                age: Some(HOSTS_AGE),
                ..Looked::default()
            });
        }
        let mut nothing = Looked::default();
        let mut failure = None;
        for name in system.complete(name) {
            match self.addresses(&name).await {
                Ok(addresses) if !addresses.found.is_empty() => {
                    return Ok(Looked {
                        places: places(addresses.found, port),
                        untold: addresses.untold,
                        exists: true,
                        age: addresses.age,
                        problem: None,
                    });
                }
                Ok(addresses) => {
                    nothing.exists |= addresses.exists;
                    nothing.age = earlier(nothing.age, addresses.age);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            // It may be there that the name is.
            Some(error) => Err(error),
            None => Ok(nothing),
        }
    }

    async fn look_at_service(&self, system: &System, name: &str) -> Result<Looked> {
        let mut looked = Looked::default();
        let mut failure = None;
        for name in system.complete(name) {
            match self.client.ask(&name, Kind::Srv).await {
                Ok(answer) => {
                    looked.exists |= answer.exists;
                    looked.age = earlier(looked.age, answer.age);
                    if !answer.data.is_empty() {
                        return Ok(self.look_at_targets(answer).await);
                    }
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(looked),
        }
    }

    async fn look_at_targets(&self, answer: Answer) -> Looked {
        let services: BTreeSet<(String, u16)> = answer
            .data
            .into_iter()
            .filter_map(|data| match data {
                Data::Service { target, port } if !target.is_empty() && port > 0 => {
                    Some((target, port))
                }
                _ => None,
            })
            .take(MOST_SERVICES)
            .collect();
        let mut looked = Looked {
            exists: true,
            age: answer.age,
            ..Looked::default()
        };
        let targets: BTreeSet<String> = services.iter().map(|(target, _)| target.clone()).collect();
        let mut found = BTreeMap::new();
        for (target, addresses) in self.all_addresses(targets).await {
            match addresses {
                Ok(addresses) => {
                    looked.age = earlier(looked.age, addresses.age);
                    found.insert(target, addresses);
                }
                Err(error) => looked.problem = Some(error.message().to_owned()),
            }
        }
        looked.places = services
            .into_iter()
            .map(|(target, port)| {
                let found = found.get(&target);
                Place {
                    name: format!("{target}:{port}"),
                    addresses: found.map_or_else(Vec::new, |found| with_port(&found.found, port)),
                    untold: found.map_or(Untold::ALL, |found| found.untold),
                }
            })
            .collect();
        looked
    }

    async fn all_addresses(&self, targets: BTreeSet<String>) -> Vec<(String, Result<Addresses>)> {
        let mut targets = targets.into_iter();
        let mut asking = JoinSet::new();
        let mut all = Vec::new();
        loop {
            while asking.len() < AT_ONCE
                && let Some(target) = targets.next()
            {
                let client = self.client.clone();
                asking.spawn(async move {
                    let addresses = addresses(&client, &format!("{target}.")).await;
                    (target, addresses)
                });
            }
            match asking.join_next().await {
                Some(Ok(answered)) => all.push(answered),
                // A panic leaves its target out: it is not known now.
                Some(Err(_)) => {}
                None => return all,
            }
        }
    }

    async fn addresses(&self, name: &str) -> Result<Addresses> {
        addresses(&self.client, name).await
    }
}

async fn read_system() -> Result<System> {
    tokio::task::spawn_blocking(System::read)
        .await
        .map_err(|error| {
            Error::new(
                ErrorKind::Discovery,
                format!("the system's DNS servers cannot be found out: {error}"),
            )
        })
}

struct Addresses {
    found: Vec<IpAddr>,
    untold: Untold,
    exists: bool,
    age: Option<u32>,
}

/// Of a complete name, of both families.
///
/// # Errors
/// [`ErrorKind::Discovery`] when neither is told, or when it has none of one and the other is not told.
async fn addresses(client: &Client, name: &str) -> Result<Addresses> {
    let (four, six) = tokio::join!(client.ask(name, Kind::A), client.ask(name, Kind::Aaaa));
    let untold = Untold {
        four: four.is_err(),
        six: six.is_err(),
    };
    let mut found = Vec::new();
    let mut exists = false;
    // That it has none of one family is looked at again only when it has none at all.
    let (mut age, mut age_of_none) = (None, None);
    let mut failure = None;
    for answer in [four, six] {
        match answer {
            Ok(answer) if answer.data.is_empty() => {
                exists |= answer.exists;
                age_of_none = earlier(age_of_none, answer.age);
            }
            Ok(answer) => {
                exists = true;
                age = earlier(age, answer.age);
                found.extend(answer.data.into_iter().filter_map(|data| match data {
                    Data::Address(address) => Some(address),
                    Data::Service { .. } => None,
                }));
            }
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(Addresses {
            age: if found.is_empty() { age_of_none } else { age },
            found,
            untold,
            exists,
        }),
    }
}

fn places(addresses: Vec<IpAddr>, port: u16) -> Vec<Place> {
    let each = with_port(&addresses, port).into_iter();
    each.map(|address| Place {
        name: address.to_string(),
        addresses: vec![address],
        untold: Untold::default(),
    })
    .collect()
}

fn with_port(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let each = addresses.iter().map(|ip| SocketAddr::new(*ip, port));
    each.collect()
}

fn earlier(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

//! The pools of callers, made again from their descriptions by the workers whose tasks call by them.

#![expect(
    clippy::mutable_key_type,
    reason = "credentials and rules are hashed and compared by what they are, not by what they hold"
)]

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;

use crate::connect::is_local;
use crate::discovery::{Discovery, Here};
use crate::error::{Error, ErrorKind, Result};
use crate::pool::{Balancer, PoolOptions, WorkerPool};
use crate::runtime::Runtime;
use crate::tls::{Credentials, Peers};
use crate::wire::{self, PoolDescription};

/// How long a pool that was made again is kept after its last use.
const KEPT: Duration = Duration::from_secs(60);

/// Descriptions that one session may define, and how large each may be.
pub(crate) const MOST_DEFINED: usize = 16;
pub(crate) const LARGEST_DEFINED: usize = 64 * 1024;

/// What a pool is, for the workers that its calls run on.
pub(crate) fn describe(options: &PoolOptions, found_in: Option<&Discovery>) -> Bytes {
    let discovery = match found_in.map(Discovery::describe) {
        None => None,
        Some(Some(discovery)) => Some(discovery),
        Some(None) => {
            return undescribed("its workers are found by a discovery of its program's own");
        }
    };
    let is_of_here = found_in.is_some_and(Discovery::is_of_here)
        || options.addresses.iter().any(|text| is_local(text));
    let origin = if is_of_here {
        match Here::find() {
            Ok(here) => Some(here.to_wire()),
            Err(error) => return undescribed(error.message()),
        }
    } else {
        None
    };
    let description = PoolDescription {
        undescribed: String::new(),
        origin,
        discovery,
        addresses: options.addresses.clone(),
        tags: options.tags.clone(),
        lease: u32::try_from(options.lease).unwrap_or(u32::MAX),
        dispatch_timeout_us: u64::try_from(options.dispatch_timeout.as_micros())
            .unwrap_or(u64::MAX),
        max_payload: options.max_payload,
        balancer: match options.balancer {
            Balancer::LeastLoaded => wire::Balancer::LeastLoaded,
            Balancer::RoundRobin | Balancer::Custom(_) => wire::Balancer::RoundRobin,
        }
        .into(),
    };
    let described = description.encode_to_vec();
    if described.len() > LARGEST_DEFINED {
        return undescribed(&format!(
            "its description has {} bytes, at most {LARGEST_DEFINED} travel: give it fewer addresses",
            described.len()
        ));
    }
    described.into()
}

fn undescribed(why: &str) -> Bytes {
    let description = PoolDescription {
        undescribed: why.to_owned(),
        ..PoolDescription::default()
    };
    description.encode_to_vec().into()
}

/// What a worker gives to the pools that it makes for its tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Own {
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) allow_plaintext: bool,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) peers: Option<Peers>,
}

/// The pools of callers, made again; of one runtime.
#[derive(Default)]
pub(crate) struct CallersPools {
    pools: Mutex<HashMap<(Bytes, Own), Kept>>,
}

struct Kept {
    pool: WorkerPool,
    used: Instant,
}

impl CallersPools {
    /// The pool of a description.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for one that cannot be made here; what making it failed with.
    pub(crate) fn get(
        &self,
        runtime: &Runtime,
        described: &Bytes,
        own: &Own,
    ) -> Result<WorkerPool> {
        let mut pools = self.lock();
        let now = Instant::now();
        let key = (described.clone(), own.clone());
        if let Some(kept) = pools.get_mut(&key).filter(|kept| !kept.pool.is_closing()) {
            kept.used = now;
            return Ok(kept.pool.clone());
        }
        let pool = WorkerPool::as_described(
            &runtime.own_reference(),
            options(described, own)?,
            described,
        )?;
        if pools.is_empty() {
            let runtime = runtime.own_reference();
            runtime
                .clone()
                .spawn_io(async move { expire(&runtime).await });
        }
        let kept = Kept {
            pool: pool.clone(),
            used: now,
        };
        pools.insert(key, kept);
        Ok(pool)
    }

    /// Lets go of all: the runtime closes.
    pub(crate) fn clear(&self) {
        let pools = std::mem::take(&mut *self.lock());
        drop(pools);
    }

    /// Lets go of those that nobody has asked for lately. When to look again; `None`: there are none left.
    fn expire(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut pools = self.lock();
        pools.retain(|_, kept| kept.used + KEPT > now);
        pools.values().map(|kept| kept.used + KEPT).min()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Bytes, Own), Kept>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after a runtime's pools while it has some.
async fn expire(runtime: &Runtime) {
    let mut next = Some(Instant::now() + KEPT);
    while let Some(at) = next {
        tokio::time::sleep_until(at.into()).await;
        next = runtime.callers_pools().expire();
    }
}

/// # Errors
/// [`ErrorKind::Unsupported`] for a pool that cannot be made here.
fn options(described: &Bytes, own: &Own) -> Result<PoolOptions> {
    let description = PoolDescription::decode(described.clone())
        .map_err(|error| unsupported(&format!("its description cannot be read: {error}")))?;
    if !description.undescribed.is_empty() {
        return Err(unsupported(&description.undescribed));
    }
    if let Some(origin) = &description.origin
        && !Here::find()?.is(origin)
    {
        return Err(unsupported(
            "it is one of another machine, container or network namespace, where its workers are reached by shared \
             memory, Unix sockets or loopback",
        ));
    }
    let balancer = match description.balancer() {
        wire::Balancer::RoundRobin => Balancer::RoundRobin,
        wire::Balancer::LeastLoaded => Balancer::LeastLoaded,
    };
    let discovery = description
        .discovery
        .map(Discovery::from_description)
        .transpose()
        .map_err(|error| unsupported(error.message()))?;
    Ok(PoolOptions {
        spawn: Some(0),
        discovery,
        addresses: description.addresses,
        tags: description.tags,
        lease: description.lease as usize,
        dispatch_timeout: Duration::from_micros(description.dispatch_timeout_us),
        secret: own.secret.clone(),
        allow_plaintext: own.allow_plaintext,
        credentials: own.credentials.clone(),
        peers: own.peers.clone(),
        max_payload: description.max_payload,
        balancer,
        ..PoolOptions::default()
    })
}

fn unsupported(why: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "the caller's pool cannot be used here: {why}; give the worker a pool of its own for the calls of its tasks \
             (WorkerOptions.pool)"
        ),
    )
}

/// The caller did not say by which pool it calls.
pub(crate) fn not_told() -> Error {
    unsupported("the caller has not described it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::LocalDiscovery;

    fn described(options: &PoolOptions) -> PoolDescription {
        let found_in = options.discovery.as_ref();
        PoolDescription::decode(describe(options, found_in)).unwrap()
    }

    fn remade(description: &PoolDescription) -> Result<PoolOptions> {
        options(&description.encode_to_vec().into(), &Own::default())
    }

    fn found_in_shared_memory() -> PoolOptions {
        let local = LocalDiscovery::new("flock").unwrap().in_directory("/tmp");
        PoolOptions {
            discovery: Some(Discovery::Local(local)),
            tags: vec!["gpu".to_owned()],
            lease: 3,
            dispatch_timeout: Duration::from_millis(1500),
            secret: Some(b"mine".to_vec()),
            balancer: Balancer::LeastLoaded,
            ..PoolOptions::default()
        }
    }

    #[test]
    fn a_pool_is_made_again_without_what_is_secret() {
        let description = described(&found_in_shared_memory());
        let own = Own {
            secret: Some(b"own".to_vec()),
            allow_plaintext: true,
            ..Own::default()
        };
        let bytes = Bytes::from(description.encode_to_vec());
        assert!(!bytes.windows(4).any(|window| window == b"mine"));
        let options = options(&bytes, &own).unwrap();
        assert_eq!(options.spawn, Some(0));
        assert_eq!(options.tags, ["gpu"]);
        assert_eq!(options.lease, 3);
        assert_eq!(options.dispatch_timeout, Duration::from_millis(1500));
        assert_eq!(options.secret.as_deref(), Some(&b"own"[..]));
        assert!(options.allow_plaintext);
        assert!(matches!(options.balancer, Balancer::LeastLoaded));
        let Some(Discovery::Local(local)) = options.discovery else {
            panic!("not found where it was");
        };
        assert_eq!(local.namespace(), "flock");
    }

    #[test]
    fn what_is_good_on_another_machine_only_is_refused() {
        let local = found_in_shared_memory();
        let loopback = PoolOptions {
            addresses: vec!["[::1]:4000".to_owned()],
            ..PoolOptions::default()
        };
        for options in [local, loopback] {
            let mut description = described(&options);
            remade(&description).unwrap();
            description.origin.as_mut().unwrap().network_namespace += 1;
            let refused = remade(&description).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Unsupported);
            assert!(refused.message().contains("another machine"), "{refused}");
        }
        let lan = described(&PoolOptions {
            addresses: vec!["10.1.2.3:4000".to_owned()],
            ..PoolOptions::default()
        });
        assert_eq!(lan.origin, None);
    }

    #[test]
    fn a_pool_that_is_too_large_to_describe_says_so() {
        let addresses = (0..10_000).map(|n| format!("10.0.0.1:{n}")).collect();
        let options = PoolOptions {
            addresses,
            ..PoolOptions::default()
        };
        let refused = remade(&described(&options)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.message().contains("fewer addresses"), "{refused}");
    }

    #[test]
    fn a_description_that_is_none_is_refused() {
        let garbage = Bytes::from_static(b"\xff\xff\xff");
        let refused = super::options(&garbage, &Own::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_pool_is_kept_between_its_uses() {
        let runtime = Runtime::new(Default::default()).unwrap();
        let described = describe(
            &PoolOptions {
                addresses: vec!["127.0.0.1:1".to_owned()],
                ..PoolOptions::default()
            },
            None,
        );
        let pools = CallersPools::default();
        let own = Own::default();
        let get = || pools.get(&runtime, &described, &own).unwrap();
        let first = get();
        assert!(first.is(&get()));
        first.close_blocking(None).unwrap();
        let second = get();
        assert!(!first.is(&second));
        assert!(pools.expire().is_some());
        pools.clear();
        assert!(pools.expire().is_none());
        runtime.close_blocking(None).unwrap();
    }
}

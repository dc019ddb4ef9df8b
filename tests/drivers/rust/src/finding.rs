//! Discoveries and balancers by the options of `tests/drivers/PROTOCOL.md`, and the driver's own of each.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use wool::value::{Limits, decode, encode};
use wool::{
    Balancer, Choice, CustomDiscovery, Discovery, DnsDiscovery, Error, ErrorKind, LanDiscovery,
    LoadBalancer, LocalDiscovery, Publication, Result, StackedDiscovery, StaticDiscovery,
    Subscriber, WorkerRecord,
};

use crate::protocol::{self, Failure, Options};

/// How often the driver's own discovery looks into its directory.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Local discovery, in its own place without a directory.
pub(crate) fn local(namespace: &str, directory: &str) -> Result<Discovery> {
    let local = LocalDiscovery::new(namespace)?;
    Ok(Discovery::Local(match directory {
        "" => local,
        directory => local.in_directory(directory),
    }))
}

/// What the options name, stacked where that is more than one; `here` is the option that means local discovery. The inner
/// error is for the runner.
pub(crate) fn discovery(
    options: &Options,
    here: &str,
) -> Result<Result<Option<Discovery>>, Failure> {
    let directory = options.text("directory").unwrap_or_default();
    let lan = options.texts("lan")?.pop();
    let interfaces = options.texts("interface")?;
    let found = || {
        let mut found = Vec::new();
        if let Some(namespace) = options.text(here) {
            found.push(local(namespace, directory)?);
        }
        if let Some(namespace) = lan {
            let lan = LanDiscovery::new().on_interfaces(interfaces);
            found.push(Discovery::Lan(match namespace.as_str() {
                "" => lan,
                namespace => lan.in_namespace(namespace)?,
            }));
        }
        if let Some(addresses) = options.text("static") {
            found.push(Discovery::Static(StaticDiscovery::new(
                addresses.split(','),
            )?));
        }
        if let Some(name) = options.text("dns") {
            let servers = options.text("dns_server").into_iter();
            found.push(Discovery::Dns(
                DnsDiscovery::new(name)?.by_servers(servers)?,
            ));
        }
        if let Some(directory) = options.text("custom") {
            found.push(Discovery::Custom(Arc::new(Folder(directory.into()))));
        }
        Ok(match found.len() {
            0 => None,
            1 => found.pop(),
            _ => Some(Discovery::Stacked(StackedDiscovery::new(found)?)),
        })
    };
    Ok(found())
}

/// `extra=NAME:VALUE`, several times.
pub(crate) fn extra(options: &Options) -> Result<BTreeMap<String, String>, Failure> {
    let pairs = options.tokens("extra").map(|token| {
        let (name, value) = token
            .split_once(':')
            .ok_or_else(|| Failure::new("extra= wants a name and a value"))?;
        Ok((protocol::untext(name)?, protocol::untext(value)?))
    });
    pairs.collect()
}

pub(crate) fn balancer(options: &Options) -> Result<Balancer, Failure> {
    Ok(match options.text("balancer") {
        None | Some("round_robin") => Balancer::RoundRobin,
        Some("least_loaded") => Balancer::LeastLoaded,
        Some("custom") => Balancer::Custom(Arc::new(ByTag)),
        Some(other) => return Err(Failure::new(format!("there is no balancer {other:?}"))),
    })
}

/// Goes by the tag of the call.
struct ByTag;

impl LoadBalancer for ByTag {
    fn choose(&self, choice: Choice) {
        let workers = choice.workers();
        let index = match choice.tag() {
            "none" => None,
            "broken" => Some(workers.len()),
            tag => match tag.strip_prefix("to:") {
                Some(uid) => workers.iter().position(|worker| *worker.uid == *uid),
                None => {
                    let order =
                        |at: &usize| (workers[*at].in_flight, Arc::clone(&workers[*at].uid));
                    (0..workers.len()).min_by_key(order)
                }
            },
        };
        match index {
            None => choice.none(),
            Some(index) => {
                if let Err(error) = choice.choose(index) {
                    protocol::log(&format!("chosen badly: {error}"));
                }
            }
        }
    }
}

/// A discovery whose records are files in a directory: named by the worker's uid, with its record as hex.
struct Folder(PathBuf);

impl CustomDiscovery for Folder {
    fn subscribe(&self, subscriber: Subscriber) -> Result<Box<dyn Send>> {
        let (held, end) = mpsc::channel::<()>();
        let directory = self.0.clone();
        std::thread::Builder::new()
            .name("driver-discovery".to_owned())
            .spawn(move || watch(&directory, &subscriber, &end))
            .map_err(|problem| Error::new(ErrorKind::Discovery, problem.to_string()))?;
        Ok(Box::new(held))
    }

    fn publish(&self, record: WorkerRecord, publication: Publication) {
        publication.answer(self.write(&record));
    }

    fn withdraw(&self, uid: &str, publication: Publication) {
        publication.answer(std::fs::remove_file(self.0.join(uid)).map_err(failed));
    }
}

impl Folder {
    fn write(&self, record: &WorkerRecord) -> Result<()> {
        let encoded = encode(&record.to_value()?, &Limits::default())?;
        std::fs::create_dir_all(&self.0).map_err(failed)?;
        // The dot keeps it out of sight until it is whole.
        let hidden = self.0.join(format!(".{}", record.uid));
        std::fs::write(&hidden, protocol::hex(&encoded)).map_err(failed)?;
        std::fs::rename(&hidden, self.0.join(&record.uid)).map_err(failed)
    }
}

fn failed(problem: std::io::Error) -> Error {
    Error::new(ErrorKind::Discovery, problem.to_string())
}

/// Tells what is in the directory and what changes, until `end` is dropped.
fn watch(directory: &Path, subscriber: &Subscriber, end: &mpsc::Receiver<()>) {
    let mut known = HashMap::new();
    let mut scanned = false;
    loop {
        let now = look(directory);
        for (uid, content) in &now {
            if known.get(uid) != Some(content)
                && let Some(record) = read(content)
                && let Err(error) = subscriber.found(record)
            {
                protocol::log(&format!("{uid} is no record: {error}"));
            }
        }
        for uid in known.keys().filter(|uid| !now.contains_key(*uid)) {
            subscriber.gone(uid);
        }
        known = now;
        if !std::mem::replace(&mut scanned, true) {
            subscriber.scanned();
        }
        match end.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn look(directory: &Path) -> HashMap<String, String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let visible = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let content = (!name.starts_with('.')).then(|| std::fs::read_to_string(entry.path()));
        Some((name, content?.ok()?))
    });
    visible.collect()
}

fn read(content: &str) -> Option<WorkerRecord> {
    let bytes = protocol::unhex(content.trim()).ok()?;
    WorkerRecord::from_value(&decode(&bytes, &Limits::default()).ok()?).ok()
}

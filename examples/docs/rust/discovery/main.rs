//! Workers are found in a folder, by a discovery of the program's own, and on the local network.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use wool::{
    CustomDiscovery, Discovery, LanDiscovery, PoolOptions, Publication, Routine, Runtime,
    RuntimeOptions, StackedDiscovery, Subscriber, Worker, WorkerOptions, WorkerPool, WorkerRecord,
};

/// A discovery: a file for each worker, under its uid.
struct Folder(PathBuf);

impl CustomDiscovery for Folder {
    fn publish(&self, record: WorkerRecord, publication: Publication) {
        // Nobody is to read half a record.
        let draft = self.0.join("draft");
        let written = std::fs::write(&draft, record.to_bytes())
            .and_then(|()| std::fs::rename(&draft, self.0.join(&record.uid)));
        publication.answer(written.map_err(failed));
    }

    fn withdraw(&self, uid: &str, publication: Publication) {
        publication.answer(std::fs::remove_file(self.0.join(uid)).map_err(failed));
    }

    /// What is returned ends the thread when it is dropped.
    fn subscribe(&self, subscriber: Subscriber) -> wool::Result<Box<dyn Send>> {
        let (held, ended): (Sender<()>, _) = channel();
        let folder = self.0.clone();
        thread::spawn(move || watch(&folder, &subscriber, &ended));
        Ok(Box::new(held))
    }
}

/// Tells a pool what has changed, until that is closed.
fn watch(folder: &Path, subscriber: &Subscriber, ended: &Receiver<()>) {
    let mut known = BTreeMap::new();
    loop {
        match records(folder) {
            Ok(there) => {
                for (uid, record) in &there {
                    if known.get(uid) != Some(record)
                        && let Err(error) = subscriber.found(record.clone())
                    {
                        subscriber.unreadable(uid, error.message());
                    }
                }
                for uid in known.keys().filter(|uid| !there.contains_key(*uid)) {
                    subscriber.gone(uid);
                }
                known = there;
                subscriber.scanned();
            }
            Err(error) => subscriber.failed(failed(error)),
        }
        let again = ended.recv_timeout(Duration::from_millis(20));
        if again != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn records(folder: &Path) -> std::io::Result<BTreeMap<String, WorkerRecord>> {
    let mut records = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let bytes = match std::fs::read(entry?.path()) {
            // It has just gone.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            bytes => bytes?,
        };
        if let Ok(record) = WorkerRecord::from_bytes(&bytes) {
            records.insert(record.uid.clone(), record);
        }
    }
    Ok(records)
}

fn failed(error: std::io::Error) -> wool::Error {
    wool::Error::new(wool::ErrorKind::Discovery, error.to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("wool-discovery-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let runtime = Runtime::new(RuntimeOptions::default())?;
    runtime.register(Routine::unary("wool.card", |_task, arguments| async move {
        let (count,): (i64,) = arguments.extract()?;
        Ok(count)
    }))?;

    let own = Discovery::Custom(Arc::new(Folder(folder.clone())));
    // This machine is all of its network; without interfaces it is every network but that.
    let namespace = format!("shearing-{}", std::process::id());
    let lan = LanDiscovery::new().in_namespace(namespace)?;
    let lan = Discovery::Lan(lan.on_interfaces(["lo"]));
    let stack = StackedDiscovery::new([own.clone(), lan.clone()])?;
    let worker = Worker::start(
        &runtime,
        WorkerOptions {
            publish: Some(Discovery::Stacked(stack)),
            extra: [("zone".to_owned(), "hill".to_owned())].into(),
            ..WorkerOptions::default()
        },
    )?;

    for discovery in [own, lan] {
        let options = PoolOptions {
            discovery: Some(discovery.clone()),
            ..PoolOptions::default()
        };
        let pool = WorkerPool::new(&runtime, options)?;
        let carded: i64 = pool.call("wool.card", (3,)).await?.extract()?;
        for worker in discovery.list(&runtime, Duration::from_secs(5))?.workers {
            println!("carded {carded} in the zone {}", worker.extra["zone"]);
        }
    }
    drop(worker);
    runtime.close_blocking(None)?;
    Ok(std::fs::remove_dir_all(&folder)?)
}

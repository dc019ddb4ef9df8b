//! A program that is a worker, and one that starts it, calls it, and asks it to end while it has something to do.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use wool::{
    Discovery, Grace, LocalDiscovery, PoolOptions, Routine, Runtime, RuntimeOptions, Worker,
    WorkerOptions, WorkerPool,
};

/// The worker: it serves until SIGTERM or SIGINT, and then lets its tasks end.
fn work(discovery: Discovery) -> wool::Result<()> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    runtime.register(shear())?;
    let options = WorkerOptions {
        publish: Some(discovery),
        ..WorkerOptions::default()
    };
    Worker::run(&runtime, options, Grace::For(Duration::from_secs(30)))?;
    runtime.close_blocking(None)
}

/// A generator.
fn shear() -> Routine {
    Routine::stream("wool.shear", |_task, arguments, mut yielder| async move {
        let (sheep,): (i64,) = arguments.extract()?;
        for number in 1..=sheep {
            yielder.yield_(format!("sheep {number}")).await?;
        }
        Ok(())
    })
}

fn shearing(directory: &Path) -> wool::Result<Discovery> {
    let local = LocalDiscovery::new("shearing")?;
    Ok(Discovery::Local(local.in_directory(directory)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(directory) = std::env::args_os().nth(1) {
        return Ok(work(shearing(Path::new(&directory))?)?);
    }
    let directory = std::env::temp_dir().join(format!("wool-worker-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let mut worker = Command::new(std::env::current_exe()?)
        .arg(&directory)
        .spawn()?;
    let ended = call(&directory, worker.id()).await;
    if ended.is_err() {
        worker.kill()?;
    }
    let status: ExitStatus = worker.wait()?;
    std::fs::remove_dir_all(&directory)?;
    ended?;
    assert!(status.success(), "the worker has ended with {status}");
    println!("the worker has ended");
    Ok(())
}

async fn call(directory: &Path, worker: u32) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let options = PoolOptions {
        discovery: Some(shearing(directory)?),
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;
    let mut asked = false;
    let mut sheep = pool.stream("wool.shear", (3,)).open()?;
    while let Some(one) = sheep.next().await {
        let one: String = one?.extract()?;
        println!("{one}");
        if !asked {
            asked = true;
            let signal = format!("kill -TERM {worker}");
            assert!(Command::new("sh").args(["-c", &signal]).status()?.success());
        }
    }
    drop(pool);
    runtime.close_blocking(None)?;
    Ok(())
}

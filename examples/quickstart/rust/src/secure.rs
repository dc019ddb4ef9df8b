//! A worker and a caller that know each other by their certificates: `make certs` puts some into `certs`.
//!
//! ```sh
//! quickstart-secure worker 0.0.0.0:7000
//! quickstart-secure caller localhost:7000
//! ```

use std::path::Path;
use std::time::Duration;

use wool::{
    Credentials, CredentialsOptions, Grace, Pem, PoolOptions, Routine, Runtime, Worker,
    WorkerOptions, WorkerPool,
};

fn credentials(own: &str) -> wool::Result<Credentials> {
    let file = |name: String| Some(Pem::File(Path::new("certs").join(name)));
    Credentials::new(CredentialsOptions {
        ca: file("ca.pem".to_owned()),
        certificate: file(format!("{own}.pem")),
        key: file(format!("{own}.key")),
        ..Default::default()
    })
}

/// Serves until SIGTERM or SIGINT.
fn work(bind: &str) -> wool::Result<()> {
    let runtime = Runtime::new(Default::default())?;
    runtime.register(Routine::unary("calc.add", |_task, arguments| async move {
        let (a, b): (i64, i64) = arguments.extract()?;
        Ok(a + b)
    }))?;
    let options = WorkerOptions {
        bind: bind.to_owned(),
        credentials: Some(credentials("worker")?),
        ..Default::default()
    };
    let grace = Grace::For(Duration::from_secs(30));
    Worker::run_with(&runtime, options, grace, |worker| {
        println!("{}", worker.address());
    })?;
    runtime.close_blocking(None)
}

async fn call(address: &str) -> wool::Result<()> {
    let runtime = Runtime::new(Default::default())?;
    let options = PoolOptions {
        addresses: vec![address.to_owned()],
        credentials: Some(credentials("caller")?),
        ..Default::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;
    let sum: i64 = pool.call("calc.add", (1, 2)).await?.extract()?;
    println!("1 + 2 = {sum}");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [mode, bind] if mode == "worker" => Ok(work(bind)?),
        [mode, address] if mode == "caller" => Ok(call(address).await?),
        _ => Err("worker BIND, or caller ADDRESS".into()),
    }
}

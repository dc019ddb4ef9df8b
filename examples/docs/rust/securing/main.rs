//! Who is who, and who may call what: a worker, and three pools that are not the same to it. The certificates are in `certs`.

use std::path::Path;
use std::time::Duration;

use wool::{
    Credentials, CredentialsOptions, Peers, Pem, PoolOptions, Routine, Runtime, RuntimeOptions,
    Worker, WorkerOptions, WorkerPool,
};

fn file(name: &str) -> Option<Pem> {
    Some(Pem::File(Path::new("certs").join(name)))
}

fn credentials(own: &str) -> wool::Result<Credentials> {
    Credentials::new(CredentialsOptions {
        ca: file("ca.pem"),
        certificate: file(&format!("{own}.pem")),
        key: file(&format!("{own}.key")),
        ..CredentialsOptions::default()
    })
}

fn serve(runtime: &Runtime) -> wool::Result<Worker> {
    runtime.register(Routine::unary("wool.greet", |task, _arguments| {
        let names = task.info().peer.join(", ");
        async move { Ok(format!("hello, {names}")) }
    }))?;
    runtime.register(Routine::unary("admin.reset", |_task, _arguments| async {
        Ok("done")
    }))?;
    let options = WorkerOptions {
        credentials: Some(credentials("worker")?),
        // Whom it talks to, of those whom the authority vouches for.
        callers: Some(Peers::named(["*.wool.example"])?),
        // What is not for all of them.
        routine_callers: vec![("admin.*".to_owned(), Peers::named(["admin.wool.example"])?)],
        ..WorkerOptions::default()
    };
    Worker::start(runtime, options)
}

fn connect(
    runtime: &Runtime,
    worker: &Worker,
    credentials: Credentials,
) -> wool::Result<WorkerPool> {
    let options = PoolOptions {
        addresses: vec![worker.address().to_owned()],
        credentials: Some(credentials),
        dispatch_timeout: Duration::from_secs(2),
        ..PoolOptions::default()
    };
    WorkerPool::new(runtime, options)
}

async fn ask(pool: &WorkerPool, routine: &'static str) {
    match pool.call(routine, ()).await {
        Ok(answer) => println!("{}", answer.as_str().unwrap_or_default()),
        Err(error) => println!("{routine}: {:?}", error.kind()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> wool::Result<()> {
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let worker = serve(&runtime)?;
    let caller = connect(&runtime, &worker, credentials("caller")?)?;
    ask(&caller, "wool.greet").await;
    ask(&caller, "admin.reset").await;
    let admin = connect(&runtime, &worker, credentials("admin")?)?;
    ask(&admin, "admin.reset").await;
    // It knows the worker, and has nothing to show.
    let nobody = Credentials::new(CredentialsOptions {
        ca: file("ca.pem"),
        ..CredentialsOptions::default()
    })?;
    let nobody = connect(&runtime, &worker, nobody)?;
    ask(&nobody, "wool.greet").await;
    Ok(())
}

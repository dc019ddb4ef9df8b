//! A caller's certificate is renewed while it calls, as an operator would do it, and then spoilt. Those of `certs` are used.

use std::path::Path;
use std::time::Duration;

use wool::{
    Credentials, CredentialsOptions, Pem, PoolOptions, Routine, Runtime, RuntimeOptions, Worker,
    WorkerOptions, WorkerPool,
};

type Failure = Box<dyn std::error::Error>;

fn credentials(folder: &Path, own: &str) -> wool::Result<Credentials> {
    let file = |name: String| Some(Pem::File(folder.join(name)));
    Credentials::new(CredentialsOptions {
        ca: file("ca.pem".to_owned()),
        certificate: file(format!("{own}.pem")),
        key: file(format!("{own}.key")),
        // How often the files are looked at.
        poll: Duration::from_secs(10),
        ..CredentialsOptions::default()
    })
}

fn serve(runtime: &Runtime) -> wool::Result<Worker> {
    runtime.register(Routine::unary("wool.caller", |task, _arguments| {
        let names = task.info().peer.join(", ");
        async move { Ok(names) }
    }))?;
    runtime.register(Routine::stream(
        "wool.shear",
        |_task, _arguments, mut out| async move {
            for sheep in 1..=3_i64 {
                out.yield_(sheep).await?;
            }
            Ok(())
        },
    ))?;
    let options = WorkerOptions {
        credentials: Some(credentials(Path::new("certs"), "worker")?),
        ..WorkerOptions::default()
    };
    Worker::start(runtime, options)
}

/// Puts a file into the place of another, whole: nobody reads half of it.
fn replace(folder: &Path, name: &str, text: &[u8]) -> std::io::Result<()> {
    let draft = folder.join("draft");
    std::fs::write(&draft, text)?;
    std::fs::rename(&draft, folder.join(name))
}

/// Makes one of `certs` the folder's own.
fn issue(folder: &Path, name: &str) -> std::io::Result<()> {
    let certs = Path::new("certs");
    // The key first: whoever sees the new certificate finds its key.
    replace(
        folder,
        "own.key",
        &std::fs::read(certs.join(format!("{name}.key")))?,
    )?;
    replace(
        folder,
        "own.pem",
        &std::fs::read(certs.join(format!("{name}.pem")))?,
    )
}

/// Calls until the worker sees this name.
async fn seen_as(pool: &WorkerPool, name: &str) -> wool::Result<()> {
    while pool.call("wool.caller", ()).await?.as_str() != Some(name) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("called by {name}");
    Ok(())
}

async fn rotate(runtime: &Runtime, folder: &Path) -> Result<(), Failure> {
    std::fs::copy("certs/ca.pem", folder.join("ca.pem"))?;
    issue(folder, "caller")?;
    let own = credentials(folder, "own")?;
    let worker = serve(runtime)?;
    let options = PoolOptions {
        addresses: vec![worker.address().to_owned()],
        credentials: Some(own.clone()),
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(runtime, options)?;
    seen_as(&pool, "caller.wool.example").await?;
    let mut sheep = pool.stream("wool.shear", ()).open()?;
    let mut shorn = i64::from(sheep.next().await.is_some());

    issue(folder, "next")?;
    // They would be looked at within ten seconds; this does it now.
    println!("renewed: {}", own.reload()?);
    seen_as(&pool, "next.wool.example").await?;
    // What was running goes on where it was.
    while let Some(one) = sheep.next().await {
        one?;
        shorn += 1;
    }
    println!("{shorn} sheep");

    replace(folder, "own.key", b"nonsense")?;
    if let Err(error) = own.reload() {
        println!("not renewed: {:?}", error.kind());
    }
    // Also for those who come later: it is what a health check asks for.
    println!("a problem: {}", own.problem().is_some());
    // Those of before are still good.
    seen_as(&pool, "next.wool.example").await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("wool-rotating-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let rotated = rotate(&runtime, &folder).await;
    std::fs::remove_dir_all(&folder)?;
    rotated
}

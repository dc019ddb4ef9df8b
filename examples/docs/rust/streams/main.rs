//! Generators in another process: pulled, sent to, thrown at, closed, and read ahead.

use wool::{Fault, PoolOptions, Routine, Runtime, Value, WorkerPool};

/// What the worker serves.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::stream(
        "wool.count",
        |_task, arguments, mut out| async move {
            let (to,): (i64,) = arguments.extract()?;
            for n in 1..=to {
                // Runs on when the caller asks for the next item; ends here when it closes the stream.
                out.yield_(n).await?;
            }
            Ok(())
        },
    ))?;
    runtime.register(Routine::stream(
        "wool.weigh",
        |_task, _arguments, mut out| async move {
            let mut total = 0;
            loop {
                match out.yield_(total).await {
                    Ok(sent) => total += sent.as_i64().unwrap_or(0),
                    Err(fault) if fault.type_name == "Reset" => total = 0,
                    // Thrown and not caught, or the stream was closed: what has to be tidied up goes here.
                    Err(fault) => return Err(fault),
                }
            }
        },
    ))
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    let options = PoolOptions {
        spawn: Some(1),
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;

    let mut numbers = pool.stream("wool.count", (1000,)).open()?;
    while let Some(n) = numbers.next().await {
        let n: i64 = n?.extract()?;
        println!("pulled {n}");
        if n == 3 {
            break;
        }
    }
    // Closes the generator, and waits for its clean-up; dropping the stream closes it, too.
    numbers.close().await?;

    let mut scale = pool.stream("wool.weigh", ()).open()?;
    println!("nothing on it: {}", number(scale.next().await)?);
    println!("put 4 on: {}", number(scale.send(4).await)?);
    println!("put 3 on: {}", number(scale.send(3).await)?);
    let reset = Fault::new("Reset", "take it all off");
    println!("reset: {}", number(scale.throw(reset).await)?);
    scale.close().await?;

    let mut sum = 0;
    let mut numbers = pool.stream("wool.count", (1000,)).prefetch(100).open()?;
    while let Some(n) = numbers.next().await {
        sum += n?.extract::<i64>()?;
    }
    println!("1 + ... + 1000 = {sum}");
    Ok(())
}

/// The item of a generator that has not ended.
fn number(item: Option<wool::Result<Value>>) -> wool::Result<i64> {
    Ok(item.transpose()?.unwrap_or_default().extract()?)
}

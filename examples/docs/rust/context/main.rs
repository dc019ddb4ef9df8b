//! Values that ride along with calls, on to what these call, and back.

use wool::{Context, PoolOptions, Routine, Runtime, WorkerPool};

/// What the worker serves.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary("wool.name", |task, _arguments| async move {
        let context = &task.info().context;
        context.set("shop", "greeted", true)?;
        Ok(context.get("shop", "customer")?.unwrap_or_default())
    }))?;
    runtime.register(Routine::unary(
        "wool.greet",
        |task, _arguments| async move {
            // The context of this task goes along, and takes up what is changed there.
            let name: String = wool::call("wool.name", ()).await?.extract()?;
            task.info().context.unset("shop", "hint");
            Ok(format!("Good morning, {name}"))
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

    let context = Context::new();
    context.set("shop", "customer", "Dolly")?;
    context.set("shop", "hint", "shy")?;
    let greeting: String = pool
        .call("wool.greet", ())
        .context(&context)
        .await?
        .extract()?;
    println!("{greeting}");
    let greeted: bool = context
        .get("shop", "greeted")?
        .unwrap_or_default()
        .extract()?;
    println!("greeted: {greeted}");
    let hint = context.get("shop", "hint")?;
    println!("hint: {}", if hint.is_none() { "none" } else { "there" });
    Ok(())
}

//! Errors across processes: one of the program's own, one that is none, and what is said of their cause.

use std::fmt;

use wool::value::{Map, Value};
use wool::{ApplicationError, Fault, PoolOptions, Routine, Runtime, WorkerPool};

/// Known by its name in every language, with its data.
#[derive(Debug)]
struct OutOfStock {
    item: String,
    left: i64,
}

impl ApplicationError for OutOfStock {
    const NAME: &'static str = "wool.OutOfStock";

    fn to_value(&self) -> Value {
        let entries = vec![
            ("item".into(), self.item.as_str().into()),
            ("left".into(), self.left.into()),
        ];
        Map::from_entries(entries).map_or(Value::Null, Value::Map)
    }

    fn from_value(value: Value) -> Option<OutOfStock> {
        let map = value.as_map()?;
        Some(OutOfStock {
            item: map.get("item")?.as_str()?.to_owned(),
            left: map.get("left")?.as_i64()?,
        })
    }
}

impl fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only {} of {} left", self.left, self.item)
    }
}

impl std::error::Error for OutOfStock {}

/// What the worker serves.
fn routines(runtime: &Runtime) -> wool::Result<()> {
    runtime.register(Routine::unary(
        "wool.order",
        |_task, arguments| async move {
            let (item, count): (String, i64) = arguments.extract()?;
            let left = 3;
            if count > left {
                return Err(Fault::of(&OutOfStock { item, left }));
            }
            Ok(left - count)
        },
    ))?;
    runtime.register(Routine::unary(
        "wool.parse",
        |_task, arguments| async move {
            let (text,): (String,) = arguments.extract()?;
            // Every error becomes a fault, with its type's name and its sources.
            Ok(text.parse::<i64>()?)
        },
    ))?;
    runtime.register(Routine::unary("wool.break", |_task, _arguments| async {
        let shears: Vec<i64> = Vec::new();
        Ok(shears[2])
    }))
}

#[wool::main(routines)]
async fn main(runtime: Runtime) -> wool::Result<()> {
    let options = PoolOptions {
        spawn: Some(1),
        ..PoolOptions::default()
    };
    let pool = WorkerPool::new(&runtime, options)?;

    if let Err(error) = pool.call("wool.order", ("yarn", 5)).await {
        // Whatever the worker is written in, where it raises an error of this name.
        if let Some(OutOfStock { item, left }) = error.downcast() {
            println!("{item}: {left} left");
        }
    }
    if let Err(error) = pool.call("wool.parse", ("a lot",)).await {
        println!("{}", error.kind());
        if let Some(fault) = error.fault() {
            println!("{}, raised in {}", fault.type_name, fault.language);
        }
    }
    // A panic harms its task and nothing else.
    if let Err(error) = pool.call("wool.break", ()).await {
        println!("{}", error.kind());
    }
    let left = pool.call("wool.order", ("yarn", 2)).await?;
    println!("{} left", left.extract::<i64>()?);
    Ok(())
}

//! The Rust worker: routines by name, and the point where the program becomes a worker.

use std::sync::{Arc, Mutex, PoisonError};

use wool::value::{Map, ValueError};
use wool::{Routine, Runtime, serve_if_spawned};

use crate::failure::Failure;
use crate::team::Role;
use crate::words::{self, Counts};

/// Serves until the pool that started this process says stop, or has gone.
pub(crate) fn serve(roles: &[Role]) -> Result<(), Failure> {
    let runtime = Runtime::new(Default::default())?;
    runtime.register(Routine::unary("demo.ping", |_task, arguments| async move {
        let (n,): (i64,) = arguments.extract()?;
        Ok(n)
    }))?;
    runtime.register(Routine::stream(
        "demo.few",
        |_task, arguments, mut out| async move {
            let (n,): (i64,) = arguments.extract()?;
            for i in 0..n {
                out.yield_(i).await?;
            }
            Ok(())
        },
    ))?;
    for role in roles {
        register(&runtime, *role)?;
    }

    if !serve_if_spawned(&runtime)? {
        return Err(Failure::usage("wool-demo serve is for pools to start"));
    }
    Ok(runtime.close_blocking(None)?)
}

fn register(runtime: &Runtime, role: Role) -> wool::Result<()> {
    match role {
        Role::Tokenise => runtime.register(Routine::unary(
            "demo.tokenise",
            |_task, arguments| async move {
                let (text,): (Vec<u8>,) = arguments.extract()?;
                Ok(words::words(&text).collect::<Vec<String>>())
            },
        )),
        Role::Count => runtime.register(Routine::unary(
            "demo.count",
            |_task, arguments| async move {
                let (words,): (Vec<String>,) = arguments.extract()?;
                Ok(words::count(words))
            },
        )),
        Role::Merge => runtime.register(Routine::unary(
            "demo.merge",
            |_task, arguments| async move {
                let (parts,): (Vec<Counts>,) = arguments.extract()?;
                let mut sum = Counts::new();
                for part in parts {
                    words::add(&mut sum, part);
                }
                Ok(sum)
            },
        )),
        Role::Rank => rank(runtime),
    }
}

/// The one role with a memory: what has been added is what the stream tells about.
fn rank(runtime: &Runtime) -> wool::Result<()> {
    let standings = Arc::new(Mutex::new(Counts::new()));
    let added = Arc::clone(&standings);
    runtime.register(Routine::unary("demo.add", move |_task, arguments| {
        let standings = Arc::clone(&added);
        async move {
            let (counts,): (Counts,) = arguments.extract()?;
            words::add(
                &mut standings.lock().unwrap_or_else(PoisonError::into_inner),
                counts,
            );
            Ok(())
        }
    }))?;
    runtime.register(Routine::stream(
        "demo.top",
        move |_task, arguments, mut out| {
            let standings = Arc::clone(&standings);
            async move {
                let (most,): (usize,) = arguments.extract()?;
                loop {
                    let item = item(
                        &standings.lock().unwrap_or_else(PoisonError::into_inner),
                        most,
                    )?;
                    out.yield_(item).await?;
                }
            }
        },
    ))
}

fn item(standings: &Counts, most: usize) -> Result<Map, ValueError> {
    let mut item = Map::new();
    item.insert("words", standings.values().sum::<u64>())?;
    item.insert("distinct", standings.len())?;
    item.insert("top", words::top(standings, most))?;
    Ok(item)
}

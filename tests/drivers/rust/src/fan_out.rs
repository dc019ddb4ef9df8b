//! Maps and broadcasts of the caller, as a Rust program would write them.

use std::collections::HashMap;

use tokio::sync::oneshot;
use wool::value::{Arguments, Value};
use wool::{Result, WorkerPool};

use crate::protocol::{self, Failure, Tokens, log, say};

/// The maps that may be left, by the ids of their commands.
#[derive(Default)]
pub(crate) struct Maps(HashMap<String, oneshot::Sender<()>>);

impl Maps {
    pub(crate) fn map(
        &mut self,
        id: &str,
        mut tokens: Tokens<'_>,
        pool: &WorkerPool,
        program: &tokio::runtime::Handle,
    ) -> std::result::Result<(), Failure> {
        let routine = tokens.next("routine")?;
        let in_flight = tokens.number("in flight")?;
        let ordered = tokens.next("order")? == "ordered";
        let limit: usize = tokens.number("limit")?;
        let inputs = tokens.values()?;
        let tag = tokens.options().texts("tag")?.pop().unwrap_or_default();
        let mut map = pool.map(routine, inputs).in_flight(in_flight).tag(tag);
        if ordered {
            map = map.ordered();
        }
        let (leave, mut left) = oneshot::channel();
        self.0.insert(id.to_owned(), leave);
        let id = id.to_owned();
        drop(program.spawn(async move {
            let (progress, mut outcomes) = (map.progress(), Vec::new());
            while limit == 0 || outcomes.len() < limit {
                let next = tokio::select! {
                    next = map.next() => next,
                    // The sender is there as long as the caller.
                    _ = &mut left => None,
                };
                let Some((index, result)) = next else { break };
                outcomes.push(outcome(&index.to_string(), &result));
            }
            // Cancels what is under way.
            drop(map);
            let told = progress.get();
            let total = told.total.unwrap_or(told.added);
            say(&format!(
                "mapped {id} {total} {} {} {}",
                told.done,
                told.failed,
                counted(&outcomes)
            ));
        }));
        Ok(())
    }

    /// A map that has ended or never was is left alone.
    pub(crate) fn leave(&mut self, id: &str) {
        if let Some(leave) = self.0.remove(id) {
            // Its receiver is gone with the map.
            let _ = leave.send(());
        }
    }
}

pub(crate) fn broadcast(
    id: &str,
    mut tokens: Tokens<'_>,
    pool: &WorkerPool,
    program: &tokio::runtime::Handle,
) -> std::result::Result<(), Failure> {
    let routine = tokens.next("routine")?;
    let call = pool.broadcast(routine, Arguments::new(tokens.values()?));
    let id = id.to_owned();
    drop(program.spawn(async move {
        let mut answers = match call.open() {
            Ok(answers) => answers,
            Err(error) => return say(&protocol::error(&id, &error)),
        };
        let mut outcomes = Vec::new();
        while let Some((uid, result)) = answers.next().await {
            outcomes.push(outcome(&uid, &result));
        }
        outcomes.sort();
        say(&format!("broadcast {id} {}", counted(&outcomes)));
    }));
    Ok(())
}

fn outcome(whose: &str, result: &Result<Value>) -> String {
    match result {
        Ok(value) => match protocol::report(value) {
            Ok(token) => format!("{whose}={token}"),
            Err(failure) => {
                log(&failure.to_string());
                format!("{whose}=-")
            }
        },
        Err(error) => format!("{whose}!{}", error.kind().name()),
    }
}

fn counted(outcomes: &[String]) -> String {
    let mut tokens = vec![outcomes.len().to_string()];
    tokens.extend_from_slice(outcomes);
    tokens.join(" ")
}

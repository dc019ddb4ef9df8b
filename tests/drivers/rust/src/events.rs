//! What the runtime tells of its tasks, kept for the runner.

use std::sync::{Arc, Mutex, PoisonError};

use wool::value::Uuid;
use wool::{Runtime, TaskEvent, TaskEvents};

use crate::protocol::{Failure, Options};

/// Listens, if the options say so.
pub(crate) struct Events {
    listening: Option<TaskEvents>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Events {
    pub(crate) fn listen(runtime: &Runtime, options: &Options) -> Result<Events, Failure> {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let capacity: Option<usize> = options.number("events")?;
        let listening = capacity
            .map(|capacity| {
                let heard = Arc::clone(&heard);
                runtime.on_task_event(capacity, move |event| {
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    heard.push(token(event));
                })
            })
            .transpose()?;
        Ok(Events { listening, heard })
    }

    /// `MISSED N EVENT*N`.
    pub(crate) fn report(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = self.listening.as_ref().map_or(0, TaskEvents::missed);
        let mut report = format!("{missed} {}", heard.len());
        for event in &*heard {
            report.push(' ');
            report.push_str(event);
        }
        report
    }
}

fn token(event: &TaskEvent) -> String {
    let text = |id: [u8; 16]| Uuid::from_bytes(id).to_string();
    format!(
        "{}/{}/{}/{}/{}/{}/{}",
        event.side.name(),
        event.kind.name(),
        text(event.id),
        event.caller.map_or("-".to_owned(), text),
        event.routine,
        event.iteration.map_or("-", |iteration| iteration.name()),
        match event.outcome {
            None => "-",
            Some(Ok(())) => "OK",
            Some(Err(kind)) => kind.name(),
        }
    )
}

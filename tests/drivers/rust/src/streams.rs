//! Streams of the caller, stepped as the runner says, through [`ResultStream`] as a Rust program would.

use std::collections::HashMap;

use tokio::sync::mpsc;
use wool::value::Value;
use wool::{CallHandle, Error, Fault, Result, ResultStream};

use crate::caller::reported;
use crate::protocol::{self, say};

/// The streams of a caller, by the ids of their commands.
#[derive(Default)]
pub(crate) struct Streams(HashMap<String, Stream>);

struct Stream {
    steps: mpsc::UnboundedSender<Step>,
    /// `None` where opening failed.
    handle: Option<CallHandle>,
}

pub(crate) enum Step {
    Next,
    /// What the codec refuses is the step's own error.
    Send(Result<Value>),
    Throw(Fault),
    Close,
}

impl Streams {
    /// An error in opening is the answer to the first step.
    pub(crate) fn open(
        &mut self,
        id: &str,
        opened: Result<ResultStream>,
        program: &tokio::runtime::Handle,
    ) {
        let (steps, mut asked) = mpsc::unbounded_channel();
        let handle = opened.as_ref().ok().map(ResultStream::handle);
        let name = id.to_owned();
        drop(program.spawn(async move {
            let mut stream = Stepped {
                opened: Some(opened),
            };
            while let Some(step) = asked.recv().await {
                say(&match stream.step(step).await {
                    Some(Ok(item)) => reported("item", &name, &item),
                    Some(Err(error)) => protocol::error(&name, &error),
                    None => format!("end {name}"),
                });
            }
        }));
        self.0.insert(id.to_owned(), Stream { steps, handle });
    }

    /// A step of a stream that was never opened is left alone.
    pub(crate) fn step(&self, id: &str, step: Step) {
        if let Some(stream) = self.0.get(id) {
            // The task lives as long as the program.
            let _ = stream.steps.send(step);
        }
    }

    pub(crate) fn cancel(&self, id: &str) {
        if let Some(Stream {
            handle: Some(handle),
            ..
        }) = self.0.get(id)
        {
            handle.cancel();
        }
    }
}

struct Stepped {
    /// `None` once it was closed, or its failure in opening reported.
    opened: Option<Result<ResultStream>>,
}

impl Stepped {
    async fn step(&mut self, step: Step) -> Option<Result<Value, Error>> {
        let mut stream = match self.opened.take()? {
            Ok(stream) => stream,
            Err(error) => return Some(Err(error)),
        };
        let answer = match step {
            Step::Close => return stream.close().await.err().map(Err),
            Step::Next => stream.next().await,
            Step::Send(Ok(value)) => stream.send(value).await,
            Step::Send(Err(error)) => Some(Err(error)),
            Step::Throw(fault) => stream.throw(fault).await,
        };
        self.opened = Some(Ok(stream));
        answer
    }
}

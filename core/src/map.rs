//! One call for each of many inputs.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use wool_values::{IntoInput, Value};

use crate::call::CallRequest;
use crate::client::{as_part_of_task, call_on, call_options};
use crate::error::Result;
use crate::fan_out::{FanOut, MapProgress};
use crate::payload::Payload;
use crate::pool::WorkerPool;

impl WorkerPool {
    /// Calls a routine once for each input: a value is its one argument, [`Arguments`](crate::Arguments) are all of
    /// them. What it returns is a stream of each input's index and how its call ended; one that fails does not stop the
    /// others. Nothing happens before the first is asked for; dropping it cancels what is under way.
    ///
    /// ```no_run
    /// # async fn example(pool: wool::WorkerPool) -> wool::Result<()> {
    /// let mut squares = pool.map("calc.square", 1..=1_000).in_flight(16);
    /// while let Some((index, square)) = squares.next().await {
    ///     match square {
    ///         Ok(square) => println!("{index}: {square:?}"),
    ///         Err(error) if wool::retryable(&error) => println!("{index} never began"),
    ///         Err(error) => println!("{index} failed: {error}"),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn map<I>(&self, routine: &str, inputs: I) -> Map<I::IntoIter>
    where
        I: IntoIterator<Item: IntoInput>,
    {
        let inputs = inputs.into_iter();
        let progress = MapProgress::default();
        if let (least, Some(most)) = inputs.size_hint()
            && least == most
        {
            progress.set_total(least as u64);
        }
        Map {
            pool: self.clone(),
            request: as_part_of_task(CallRequest::unary(routine, Payload::raw(Vec::new()))),
            inputs: Some(inputs),
            in_flight: 0,
            ordered: false,
            calls: None,
            progress,
        }
    }
}

/// The calls of a [`WorkerPool::map`], as a stream of the inputs' indices and the calls' results. Its options are set
/// before the first of them is asked for; those of calls are each call's own, e.g. its timeout.
#[must_use = "a map does nothing until it is polled"]
pub struct Map<I> {
    pool: WorkerPool,
    request: CallRequest,
    /// Those that have not been taken yet.
    inputs: Option<I>,
    in_flight: usize,
    ordered: bool,
    /// Once the first result was asked for.
    calls: Option<FanOut>,
    progress: MapProgress,
}

call_options!(Map<I>, I);
call_on!(Map<I>, I);

impl<I> Map<I> {
    fn set(mut self, set: impl FnOnce(&mut CallRequest)) -> Self {
        set(&mut self.request);
        self
    }

    /// How many calls are under way at once, 0 = 64. An input is taken from the iterator when its call can be made, so
    /// that inputs may be many, or without end. While results are not taken, so many more are ready at most.
    pub fn in_flight(mut self, calls: usize) -> Self {
        self.in_flight = calls;
        self
    }

    /// Gives the results in the order of their inputs, not as they come: a slow one holds up those behind it.
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// Tells how far it has come, on any thread, e.g. for a progress bar.
    pub fn progress(&self) -> MapProgress {
        self.progress.clone()
    }
}

impl<I: Iterator<Item: IntoInput>> Map<I> {
    /// The index of the next input whose call has ended, and its result. `None` after the last one.
    pub async fn next(&mut self) -> Option<(usize, Result<Value>)> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Result<Value>)>> {
        let calls = self.calls.get_or_insert_with(|| {
            let (request, progress) = (self.request.clone(), self.progress.clone());
            FanOut::told(&self.pool, request, self.in_flight, self.ordered, progress)
        });
        while let Some(inputs) = &mut self.inputs
            && calls.wants_more()
        {
            let Some(input) = inputs.next() else {
                self.inputs = None;
                self.progress.set_total(self.progress.get().added);
                break;
            };
            let added = Payload::arguments(&input.into_input()).and_then(|input| calls.add(input));
            if let Err(error) = added {
                calls.add_failed(error);
            }
        }
        let next = std::task::ready!(calls.poll(cx));
        Poll::Ready(next.map(|(index, outcome)| (index as usize, outcome.into_value())))
    }
}

impl<I: Iterator<Item: IntoInput>> Stream for Map<I> {
    type Item = (usize, Result<Value>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

/// The iterator is never pinned.
impl<I> Unpin for Map<I> {}

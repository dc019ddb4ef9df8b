//! Every language calls every language: how long a call takes for each pair, as the caller measures it.

use std::time::Duration;

use crate::failure::Failure;
use crate::process::Process;
use crate::screen::{Screen, Style};
use crate::team::{Crew, Team};

/// Calls that a caller measures.
const CALLS: &str = "500";
/// A caller that has not measured them by then will not.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Columns of a measurement.
const COLUMN: usize = 7;
/// Columns of one kind of measurement, for its title.
const LEAST_WIDTH: usize = 18;

/// What is known of a pair.
#[derive(Clone, Copy)]
enum Pair {
    Pending,
    /// The medians, in microseconds.
    Measured {
        call: f64,
        stream: f64,
    },
    Failed,
}

/// Measures all pairs, one after the other, in a table that fills. Whether all of them answered: pairs that did not
/// are told as such.
///
/// # Errors
/// Only when the table cannot be written.
pub(crate) async fn show(screen: &mut Screen, team: &Team) -> Result<bool, Failure> {
    let workers = &team.crews;
    let mut pairs = vec![vec![Pair::Pending; workers.len()]; workers.len()];
    let mut failures = Vec::new();
    for (row, caller) in workers.iter().enumerate() {
        for (column, worker) in workers.iter().enumerate() {
            screen.frame(&table(screen.style(), workers, &pairs))?;
            pairs[row][column] = measure(caller, worker).await.unwrap_or_else(|failure| {
                failures.push(failure);
                Pair::Failed
            });
        }
    }
    screen.settle(&table(screen.style(), workers, &pairs))?;
    for failure in &failures {
        let line = screen.style().bad(&format!("  {failure}"));
        screen.print(&[line])?;
    }
    Ok(failures.is_empty())
}

/// One language's program finds another's workers and calls them.
async fn measure(caller: &Crew, worker: &Crew) -> Result<Pair, Failure> {
    let (from, to) = (caller.language.name(), worker.language.name());
    let name = format!("the {from} caller of the {to} workers");
    let arguments = ["call", &worker.namespace, CALLS];
    let mut process = Process::start(name.clone(), &caller.program, &arguments)?;
    let line = process.line(TIMEOUT).await?;
    process.end().await?;
    let mut numbers = line.split(' ').map(str::parse::<f64>);
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(call)), Some(Ok(stream)), None) => Ok(Pair::Measured { call, stream }),
        _ => Err(Failure::new(format!("{name} printed {line:?}"))),
    }
}

fn table(style: Style, workers: &[Crew], pairs: &[Vec<Pair>]) -> Vec<String> {
    let width = (COLUMN * workers.len()).max(LEAST_WIDTH);
    let margin = " ".repeat(width - COLUMN * workers.len());
    let names = workers.iter().fold(String::new(), |names, worker| {
        let name = format!("{:>COLUMN$}", worker.language.name());
        names + &style.language(worker.language, &name)
    });
    let mut lines = vec![
        String::new(),
        style.bold("  Everybody calls everybody; the median, in microseconds"),
        String::new(),
        style.dim(&format!(
            "  {:<12}{:>width$}    {:>width$}",
            "", "a call to", "a stream of 5 from"
        )),
        format!("  {:<12}{margin}{names}    {margin}{names}", ""),
    ];
    for (caller, row) in workers.iter().zip(pairs) {
        let name = format!("{:<12}", format!("from {}", caller.language.name()));
        let calls: String = row
            .iter()
            .map(|pair| cell(style, *pair, Of::Call))
            .collect();
        let streams: String = row
            .iter()
            .map(|pair| cell(style, *pair, Of::Stream))
            .collect();
        lines.push(format!(
            "  {}{margin}{calls}    {margin}{streams}",
            style.language(caller.language, &name)
        ));
    }
    lines
}

/// Which of a pair's numbers.
#[derive(Clone, Copy)]
enum Of {
    Call,
    Stream,
}

fn cell(style: Style, pair: Pair, of: Of) -> String {
    match (pair, of) {
        (Pair::Pending, _) => style.dim(&format!("{:>COLUMN$}", "...")),
        (Pair::Failed, _) => style.bad(&format!("{:>COLUMN$}", "failed")),
        (Pair::Measured { call: time, .. }, Of::Call)
        | (Pair::Measured { stream: time, .. }, Of::Stream) => format!("{time:>COLUMN$.0}"),
    }
}

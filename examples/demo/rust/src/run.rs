//! The demo, from its first process to its last.

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::{mpsc, watch};
use wool::{Runtime, Value};

use crate::command_line::Plan;
use crate::failure::Failure;
use crate::loss::Loss;
use crate::mapping;
use crate::pairs;
use crate::pipeline::{self, Pipeline};
use crate::progress::Progress;
use crate::screen::Screen;
use crate::team::Team;
use crate::text::Text;
use crate::view::{Standings, TOP, View, grouped};
use crate::words::{self, Counts};

/// Differences that are told.
const DIFFERENCES: usize = 5;
const TOP_BAR: usize = 40;

/// Runs the demo. The status is a failure when a count is wrong, a task failed, or a pair did not answer.
pub(crate) fn run(plan: Plan) -> Result<ExitCode, Failure> {
    let text = Arc::new(Text::read(&plan.files, plan.at_least)?);
    let mut signals = signals()?;
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    executor.block_on(async {
        tokio::select! {
            all_well = demo(plan, text) => Ok(match all_well? {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }),
            // Dropping the demo ends its processes.
            Some(signal) = signals.recv() => Err(Failure::interrupted(signal)),
        }
    })
}

/// Signals that ask for the end.
fn signals() -> Result<mpsc::UnboundedReceiver<i32>, Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for signal in signals.forever() {
            if sender.send(signal).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

async fn demo(plan: Plan, text: Arc<Text>) -> Result<bool, Failure> {
    let mut screen = Screen::new();
    let runtime = Runtime::new(Default::default())?;
    let team = Arc::new(Team::start(&runtime, plan)?);

    let counted = count(&mut screen, &team, Arc::clone(&text)).await?;
    let mapped = mapping::show(&mut screen, &team, &text).await?;
    let paired = pairs::show(&mut screen, &team).await?;

    drop(team);
    // Closes the pools, which end their processes.
    runtime.close_blocking(None)?;
    Ok(counted && mapped && paired)
}

/// Counts the words, shows it, checks it. Whether all is well.
async fn count(screen: &mut Screen, team: &Arc<Team>, text: Arc<Text>) -> Result<bool, Failure> {
    let pieces = text.pieces();
    introduce(screen, team, &text, pieces.len())?;
    let progress = Arc::new(Progress::new(pieces.len(), |role| {
        pipeline::tasks(role, pieces.len())
    }));
    let pipeline = Pipeline::new(Arc::clone(team), Arc::clone(&text), Arc::clone(&progress));
    let (tell, over) = watch::channel(false);
    let work = async {
        let counts = pipeline.count(pieces).await;
        progress.finish();
        // The view may have failed; then there is nobody to tell.
        let _ = tell.send(true);
        Ok::<_, Failure>(counts)
    };
    let mut view = View::new(screen, &progress, team);
    let mut loss = Loss::default();
    let (counts, standings, ()) = tokio::try_join!(
        work,
        view.follow(over.clone()),
        loss.cause(team, &progress, over)
    )?;
    let whole = loss.made_good(screen, team, &progress).await?;

    let troubles: Vec<_> = progress
        .troubles()
        .iter()
        .map(|trouble| screen.style().bad(&format!("  {trouble}")))
        .collect();
    screen.print(&troubles)?;
    let exact = check(screen, &text, counts, standings.as_ref())?;
    Ok(exact && whole && troubles.is_empty())
}

fn introduce(screen: &mut Screen, team: &Team, text: &Text, pieces: usize) -> Result<(), Failure> {
    let style = screen.style();
    let files = match text.files() {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let again = match text.times() {
        1 => String::new(),
        times => format!(", {times} times over"),
    };
    let mut lines = vec![style.bold(&format!(
        "Counting the words of {files}{again}: {} bytes in {} pieces",
        grouped(text.len() as u64),
        grouped(pieces as u64)
    ))];
    for (language, how) in &team.missing {
        lines.push(format!(
            "  {} {how}",
            style.bad(&format!("without {}:", language.name()))
        ));
    }
    Ok(screen.print(&lines)?)
}

/// Compares with a plain loop, and shows the result. Whether they are the same.
fn check(
    screen: &mut Screen,
    text: &Text,
    counts: Option<Value>,
    standings: Option<&Standings>,
) -> Result<bool, Failure> {
    let style = screen.style();
    let found: Counts = counts.map(Value::extract).transpose()?.unwrap_or_default();
    let began = Instant::now();
    let expected = words::count(text.contents().flat_map(words::words));
    let took = began.elapsed();
    let total: u64 = expected.values().sum();

    let top = words::top(&found, TOP);
    let most = top.first().map_or(0, |(_, count)| *count);
    let mut lines = vec![String::new()];
    for (word, count) in &top {
        let (bar, _) = style.bar(*count, most, TOP_BAR);
        lines.push(format!(
            "  {}{:>9}  {}",
            style.bold(&format!("{word:<12}")),
            grouped(*count),
            style.dim(&bar)
        ));
    }
    lines.push(String::new());
    let differences = differences(&expected, &found);
    let streamed = standings.is_some_and(|standings| {
        standings.words == found.values().sum::<u64>()
            && standings.distinct == found.len() as u64
            && standings.top == top
    });
    if differences.is_empty() {
        lines.push(format!(
            "  {}  {} words, {} different: just what a plain loop counts (in {:.0} ms)",
            style.good("correct"),
            grouped(total),
            grouped(expected.len() as u64),
            took.as_secs_f64() * 1e3
        ));
    } else {
        lines.push(style.bad(&format!(
            "  WRONG  {} words have other counts than a plain loop finds, such as",
            grouped(differences.len() as u64)
        )));
        lines.extend(differences.into_iter().take(DIFFERENCES));
    }
    if !streamed {
        lines
            .push(style.bad("  WRONG  the last item of the stream of standings is something else"));
    }
    let exact = expected == found && streamed;
    screen.print(&lines)?;
    Ok(exact)
}

fn differences(expected: &Counts, found: &Counts) -> Vec<String> {
    let mut words: Vec<&String> = expected.keys().chain(found.keys()).collect();
    words.sort_unstable();
    words.dedup();
    let of = |counts: &Counts, word: &String| counts.get(word).copied().unwrap_or_default();
    words
        .into_iter()
        .filter(|word| of(expected, word) != of(found, word))
        .map(|word| {
            let (right, wrong) = (of(expected, word), of(found, word));
            format!("         {word}: {wrong} instead of {right}")
        })
        .collect()
}

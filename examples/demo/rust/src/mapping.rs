//! One call for each piece of the text, by the pool's own map, and the bar that its progress makes.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use wool::{MapProgress, Value};

use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::team::{Role, Team};
use crate::text::Text;
use crate::view::grouped;
use crate::words;

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(80);
const BAR: usize = 24;

/// Has every piece's words found once more, and compares their number with a plain loop's. Whether it is the same.
pub(crate) async fn show(screen: &mut Screen, team: &Team, text: &Text) -> Result<bool, Failure> {
    let Some(pool) = team.pool(Role::Tokenise) else {
        return Ok(false);
    };
    let style = screen.style();
    screen.print(&[
        String::new(),
        style.bold("  The same pieces by one map: a call for each, 64 at once"),
    ])?;
    let pieces = text.pieces();
    let inputs = pieces.iter().map(|piece| text.bytes(piece));
    let mut map = pool.map("demo.tokenise", inputs);
    let progress = map.progress();
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut found, mut quarter) = (0, 0);
    loop {
        tokio::select! {
            ended = map.next() => match ended {
                // What fails is counted by the progress, and stops nobody.
                Some((_, list)) => found += list.map_or(0, |list| words_in(&list)),
                None => break,
            },
            _ = frames.tick() => tell(screen, &progress, &mut quarter)?,
        }
    }
    let expected: usize = text.contents().map(|file| words::words(file).count()).sum();
    let right = found == expected;
    let verdict = match right {
        true => style.good("correct"),
        false => style.bad("WRONG"),
    };
    let words = grouped(found as u64);
    screen.settle(&[
        line(style, &progress),
        format!("  {verdict}  {words} words"),
    ])?;
    Ok(right)
}

fn words_in(list: &Value) -> usize {
    list.as_list().map_or(0, <[Value]>::len)
}

/// A frame on a terminal; elsewhere a line for every quarter.
fn tell(screen: &mut Screen, progress: &MapProgress, quarter: &mut u64) -> Result<(), Failure> {
    let lines = [line(screen.style(), progress)];
    if screen.is_live() {
        return Ok(screen.frame(&lines)?);
    }
    let now = progress.get();
    let reached = 4 * now.done / now.total.unwrap_or(0).max(1);
    // All of it is told at the end.
    if (*quarter + 1..4).contains(&reached) {
        *quarter = reached;
        screen.print(&lines)?;
    }
    Ok(())
}

fn line(style: Style, progress: &MapProgress) -> String {
    let now = progress.get();
    let total = now.total.unwrap_or(now.added);
    let (full, empty) = style.bar(now.done, total, BAR);
    let failed = format!("{} failed", now.failed);
    format!(
        "  map     {}{}  {:>3} %  {}/{total} done  {}",
        style.bold(&full),
        style.dim(&empty),
        100 * now.done / total.max(1),
        now.done,
        match now.failed {
            0 => failed,
            _ => style.bad(&failed),
        },
    )
}

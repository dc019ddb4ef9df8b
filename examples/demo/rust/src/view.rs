//! What the counting looks like while it goes on, and afterwards.

use std::io;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use wool::Value;
use wool::value::Map;

use crate::failure::Failure;
use crate::progress::Progress;
use crate::screen::{Screen, Style};
use crate::team::{Crew, Role, Team};

/// Time between two frames, and so between two items of the stream of standings.
const FRAME: Duration = Duration::from_millis(80);
/// The stream of standings is open as long as the work goes on.
const STREAM_TIMEOUT: Duration = Duration::from_secs(120);
/// Words in the standings.
pub(crate) const TOP: usize = 10;
/// Of those, shown while the work goes on.
const SHOWN: usize = 5;
/// Columns of process ids.
const PROCESSES: usize = 17;
/// Columns of what a worker does and its bar together.
const DOES_AND_BAR: usize = 24;
const PIECES_BAR: usize = 24;

/// The standings as the ranking worker tells them.
pub(crate) struct Standings {
    pub(crate) words: u64,
    pub(crate) distinct: u64,
    pub(crate) top: Vec<(String, u64)>,
    /// Items of the stream so far, this one included.
    items: usize,
}

impl Standings {
    fn from_item(item: Value, items: usize) -> Result<Standings, Failure> {
        let mut item: Map = item.extract()?;
        let mut take = |name: &str| {
            item.remove(name)
                .ok_or_else(|| Failure::new(format!("an item of demo.top has no {name:?}")))
        };
        Ok(Standings {
            words: take("words")?.extract()?,
            distinct: take("distinct")?.extract()?,
            top: take("top")?.extract()?,
            items,
        })
    }
}

/// A crew as it is shown.
struct Row<'a> {
    crew: &'a Crew,
    does: String,
}

/// The picture of the work.
pub(crate) struct View<'a> {
    screen: &'a mut Screen,
    progress: &'a Progress,
    team: &'a Team,
    rows: Vec<Row<'a>>,
    /// The last quarter of the work that was told as a plain line.
    quarter: usize,
}

impl<'a> View<'a> {
    pub(crate) fn new(screen: &'a mut Screen, progress: &'a Progress, team: &'a Team) -> View<'a> {
        let rows = team
            .crews
            .iter()
            .map(|crew| Row {
                crew,
                does: crew
                    .roles
                    .iter()
                    .map(|role| role.name())
                    .collect::<Vec<_>>()
                    .join(" "),
            })
            .collect();
        View {
            screen,
            progress,
            team,
            rows,
            quarter: 0,
        }
    }

    /// Shows the work until `over`, and returns the standings at its end. Each frame asks the ranking worker's
    /// generator for one more item: it runs when we look, and not otherwise.
    pub(crate) async fn follow(
        &mut self,
        mut over: watch::Receiver<bool>,
    ) -> Result<Option<Standings>, Failure> {
        let Some(pool) = self.team.pool(Role::Rank) else {
            return Ok(None);
        };
        let mut items = pool
            .stream("demo.top", (TOP,))
            .timeout(STREAM_TIMEOUT)
            .open()?;
        let mut standings: Option<Standings> = None;
        let mut asked = 0;
        let mut frames = tokio::time::interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = frames.tick() => {}
                _ = over.wait_for(|over| *over) => {}
            }
            let last = *over.borrow();
            asked += 1;
            match items.next().await {
                Some(Ok(item)) => standings = Some(Standings::from_item(item, asked)?),
                Some(Err(error)) => {
                    self.progress.trouble(format!("demo.top: {error}"));
                    standings = None;
                }
                None => {}
            }
            if last {
                break;
            }
            self.show(standings.as_ref())?;
        }
        // The generator has no end of its own: this closes it at its yield.
        items.close().await?;
        let lines = self.lines(standings.as_ref());
        self.screen.settle(&lines)?;
        Ok(standings)
    }

    fn show(&mut self, standings: Option<&Standings>) -> io::Result<()> {
        if self.screen.is_live() {
            let lines = self.lines(standings);
            return self.screen.frame(&lines);
        }
        let pieces = self.progress.pieces();
        let quarter = 4 * (pieces.done + pieces.failed) / pieces.total.max(1);
        // All of it is told by the last frame.
        if (self.quarter + 1..4).contains(&quarter) {
            self.quarter = quarter;
            let lines = [self.pieces_line(), self.standings_line(standings)];
            self.screen.print(&lines)?;
        }
        Ok(())
    }

    fn lines(&self, standings: Option<&Standings>) -> Vec<String> {
        let does = self.rows.iter().map(|row| row.does.len()).max();
        let does = does.unwrap_or_default();
        let bar = DOES_AND_BAR.saturating_sub(does).max(4);
        let mut lines = vec![
            String::new(),
            self.style().dim(&format!(
                "  {:<6}  {:<PROCESSES$}  {:<does$}  {:bar$}  {:>11}  {:>9}  {:>6}",
                "pool", "processes", "does", "", "tasks", "in flight", "word/s"
            )),
        ];
        lines.extend(self.rows.iter().map(|row| self.row(row, does, bar)));
        lines.push(String::new());
        lines.push(self.pieces_line());
        lines.push(self.standings_line(standings));
        lines.extend(self.progress.noted());
        lines
    }

    fn row(&self, row: &Row<'_>, does: usize, bar: usize) -> String {
        let style = self.style();
        let tasks = self.progress.of(&row.crew.roles);
        let (full, empty) = style.bar(tasks.done as u64, tasks.total as u64, bar);
        let name = style.language(
            row.crew.language,
            &format!("{:<6}", row.crew.language.name()),
        );
        let counted = format!("{:>11}", format!("{}/{}", tasks.done, tasks.total));
        format!(
            "  {name}  {:<PROCESSES$}  {:<does$}  {}{}  {}  {:>9}  {:>6}",
            processes(&row.crew.processes()),
            row.does,
            style.language(row.crew.language, &full),
            style.dim(&empty),
            if tasks.failed > 0 {
                style.bad(&counted)
            } else {
                counted
            },
            tasks.in_flight,
            short(tasks.words as f64 / self.progress.elapsed().as_secs_f64().max(1e-3)),
        )
    }

    fn pieces_line(&self) -> String {
        let style = self.style();
        let pieces = self.progress.pieces();
        let over = (pieces.done + pieces.failed) as u64;
        let total = pieces.total as u64;
        let (full, empty) = style.bar(over, total, PIECES_BAR);
        let failed = format!("{} failed", pieces.failed);
        format!(
            "  pieces  {}{}  {:>3} %  {}/{total} done  {}  {:.1} s",
            style.bold(&full),
            style.dim(&empty),
            100 * over / total.max(1),
            pieces.done,
            if pieces.failed > 0 {
                style.bad(&failed)
            } else {
                failed
            },
            self.progress.elapsed().as_secs_f64(),
        )
    }

    fn standings_line(&self, standings: Option<&Standings>) -> String {
        let style = self.style();
        let Some(standings) = standings.filter(|standings| !standings.top.is_empty()) else {
            return "  so far".to_owned();
        };
        let words: Vec<_> = standings
            .top
            .iter()
            .take(SHOWN)
            .map(|(word, count)| format!("{} {}", style.bold(word), grouped(*count)))
            .collect();
        format!(
            "  so far  {}  {}",
            words.join("  "),
            style.dim(&format!("(item {})", standings.items))
        )
    }

    fn style(&self) -> Style {
        self.screen.style()
    }
}

/// The first ids, and how many more there are.
fn processes(ids: &[u32]) -> String {
    let mut words: Vec<String> = ids.iter().take(2).map(u32::to_string).collect();
    if ids.len() > words.len() {
        words.push(format!("+{}", ids.len() - words.len()));
    }
    words.join(" ")
}

/// 1234567 as 1,234,567.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// 1234567 as 1.2 M.
fn short(number: f64) -> String {
    if number >= 999_500.0 {
        format!("{:.1} M", number / 1e6)
    } else if number >= 1e3 {
        format!("{:.0} k", number / 1e3)
    } else {
        format!("{number:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}

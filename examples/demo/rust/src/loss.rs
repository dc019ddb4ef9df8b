//! The worker process that the demo kills in the middle of the work.

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep};

use crate::failure::Failure;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::team::{Crew, Role, Team};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(5);
/// A pool that is not whole by then will not be.
const WHOLE_WITHIN: Duration = Duration::from_secs(15);

/// What became of it.
#[derive(Default)]
pub(crate) struct Loss {
    killed: Option<u32>,
}

impl Loss {
    /// Kills a process of the tokenising language when a third of the pieces is done.
    ///
    /// # Errors
    /// It cannot be killed.
    pub(crate) async fn cause(
        &mut self,
        team: &Team,
        progress: &Progress,
        over: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let mut looks = interval(LOOK);
        loop {
            looks.tick().await;
            let pieces = progress.pieces();
            if *over.borrow() {
                return Ok(());
            }
            if 3 * pieces.done >= pieces.total {
                break;
            }
        }
        // A crew that has one process only would leave nobody to go on, if only for a moment.
        let Some((crew, process)) = crew(team).and_then(|crew| {
            let processes = crew.processes();
            Some((crew, *processes.first()?))
        }) else {
            return Ok(());
        };
        kill(process)?;
        self.killed = Some(process);
        progress.note(format!(
            "  killed  process {process}, a {} worker: its calls fail as WORKER_LOST and are made again",
            crew.language.name()
        ));
        Ok(())
    }

    /// Waits until the pool has replaced what was killed, and tells. Whether it has.
    pub(crate) async fn made_good(
        &self,
        screen: &mut Screen,
        team: &Team,
        progress: &Progress,
    ) -> Result<bool, Failure> {
        let (Some(killed), Some(crew)) = (self.killed, crew(team)) else {
            return Ok(true);
        };
        let until = Instant::now() + WHOLE_WITHIN;
        let style = screen.style();
        loop {
            let status = crew.pool.status();
            let serving = crew.processes();
            if serving.len() == status.processes.len() && !serving.contains(&killed) {
                let again = progress.made_again();
                let line = format!(
                    "  whole   the {} pool has {} processes again; {again} calls were made again",
                    crew.language.name(),
                    serving.len()
                );
                screen.print(&[style.good(&line)])?;
                return Ok(true);
            }
            if Instant::now() > until {
                let line = format!("  the {} pool is not whole again", crew.language.name());
                screen.print(&[style.bad(&line)])?;
                return Ok(false);
            }
            sleep(LOOK).await;
        }
    }
}

fn crew(team: &Team) -> Option<&Crew> {
    let mut crews = team.crews.iter();
    crews.find(|crew| crew.roles.contains(&Role::Tokenise) && !crew.roles.contains(&Role::Rank))
}

fn kill(process: u32) -> io::Result<()> {
    // The shell's own `kill`, which is everywhere.
    let status = Command::new("sh")
        .args(["-c", "kill -KILL \"$0\"", &process.to_string()])
        .stdin(Stdio::null())
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "process {process} cannot be killed"
    )))
}

//! The work: pieces of text fan out over the workers and come together as one map of counts.
//!
//! A batch of pieces is tokenised and counted, piece by piece and all at once, merged into one map, and added to the
//! standings. So many batches are under way together, and no more: that bounds what is in flight. At last the maps of
//! the batches are merged, level by level.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use wool::{Arguments, ErrorKind, Value};

use crate::progress::Progress;
use crate::team::{Role, Team};
use crate::text::{Piece, Text};

/// Pieces of a batch, and maps of a merge.
const BATCH: usize = 8;
/// Batches under way.
const BATCHES: usize = 4;
/// A task that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A task whose worker was lost is made again so often.
const TRIES: usize = 5;

/// Counts on their way, with the words in them.
struct Part {
    counts: Value,
    words: u64,
}

/// What every task needs.
#[derive(Clone)]
pub(crate) struct Pipeline {
    team: Arc<Team>,
    text: Arc<Text>,
    progress: Arc<Progress>,
}

/// How many tasks a role has for so many pieces.
pub(crate) fn tasks(role: Role, pieces: usize) -> usize {
    let batches = pieces.div_ceil(BATCH);
    match role {
        Role::Tokenise | Role::Count => pieces,
        Role::Rank => batches,
        Role::Merge => {
            let (mut merges, mut parts) = (batches, batches);
            while parts > 1 {
                parts = parts.div_ceil(BATCH);
                merges += parts;
            }
            merges
        }
    }
}

impl Pipeline {
    pub(crate) fn new(team: Arc<Team>, text: Arc<Text>, progress: Arc<Progress>) -> Pipeline {
        Pipeline {
            team,
            text,
            progress,
        }
    }

    /// The counts of all pieces, a map; `None` when none could be counted. Failures are in the progress.
    pub(crate) async fn count(&self, pieces: Vec<Piece>) -> Option<Value> {
        let mut batches = pieces.chunks(BATCH).map(<[Piece]>::to_vec);
        let mut running = JoinSet::new();
        let mut parts = Vec::new();
        loop {
            while running.len() < BATCHES
                && let Some(batch) = batches.next()
            {
                let pipeline = self.clone();
                running.spawn(async move { pipeline.batch(batch).await });
            }
            match running.join_next().await {
                Some(part) => parts.extend(part.ok().flatten()),
                None => break,
            }
        }
        while parts.len() > 1 {
            parts = self.merge_level(parts).await;
        }
        parts.pop().map(|part| part.counts)
    }

    async fn batch(&self, pieces: Vec<Piece>) -> Option<Part> {
        let mut running = JoinSet::new();
        for piece in pieces {
            let pipeline = self.clone();
            running.spawn(async move {
                let part = pipeline.piece(&piece).await;
                pipeline.progress.piece(part.is_some());
                part
            });
        }
        let counted = running.join_all().await.into_iter().flatten().collect();
        let merged = self.merge(counted).await?;
        self.add(&merged).await;
        Some(merged)
    }

    async fn piece(&self, piece: &Piece) -> Option<Part> {
        let text = self.text.bytes(piece);
        let found = self.task(Role::Tokenise, "demo.tokenise", (text,)).await?;
        let words = found.as_list().map_or(0, <[Value]>::len) as u64;
        self.progress.words(Role::Tokenise, words);

        let counts = self.task(Role::Count, "demo.count", (found,)).await?;
        self.progress.words(Role::Count, words);
        Some(Part { counts, words })
    }

    async fn merge_level(&self, parts: Vec<Part>) -> Vec<Part> {
        let mut running = JoinSet::new();
        let mut parts = parts.into_iter().peekable();
        while parts.peek().is_some() {
            let group = parts.by_ref().take(BATCH).collect();
            let pipeline = self.clone();
            running.spawn(async move { pipeline.merge(group).await });
        }
        running.join_all().await.into_iter().flatten().collect()
    }

    async fn merge(&self, parts: Vec<Part>) -> Option<Part> {
        let words = parts.iter().map(|part| part.words).sum();
        let maps: Vec<Value> = parts.into_iter().map(|part| part.counts).collect();
        let counts = self.task(Role::Merge, "demo.merge", (maps,)).await?;
        self.progress.words(Role::Merge, words);
        Some(Part { counts, words })
    }

    async fn add(&self, part: &Part) {
        let counts = part.counts.clone();
        if self.task(Role::Rank, "demo.add", (counts,)).await.is_some() {
            self.progress.words(Role::Rank, part.words);
        }
    }

    /// Calls a routine of a role. A task whose worker was lost may have run; whether it may run twice is for the
    /// caller to say, and here it may, but for the one that keeps the standings.
    async fn task(
        &self,
        role: Role,
        routine: &str,
        arguments: impl Into<Arguments>,
    ) -> Option<Value> {
        let arguments = arguments.into();
        let tries = if role == Role::Rank { 1 } else { TRIES };
        let pool = self.team.pool(role)?;
        let call = async {
            for _ in 1..tries {
                let call = pool.call(routine, arguments.clone()).timeout(TIMEOUT);
                match call.await {
                    Err(error) if error.kind() == ErrorKind::WorkerLost => {
                        self.progress.again(role);
                    }
                    outcome => return outcome,
                }
            }
            let last = pool.call(routine, arguments).timeout(TIMEOUT);
            last.into_future().await
        };
        self.progress.task(role, call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_are_those_of_the_batches_and_of_the_levels_above() {
        assert_eq!(tasks(Role::Merge, 1), 1);
        assert_eq!(tasks(Role::Merge, 8), 1);
        assert_eq!(tasks(Role::Merge, 9), 2 + 1);
        assert_eq!(tasks(Role::Merge, 65 * 8), 65 + 9 + 2 + 1);
    }
}

//! Paired rounds: in each, all contenders do the same job one after another, so that a noisy moment of the
//! machine meets all of them, and ratios are taken within a round.

use std::time::Duration;

use crate::job::{Failure, Job};
use crate::peers::{Measured, Peers};
use crate::plan::Section;

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: usize,
    /// Of one job.
    pub time: Duration,
}

/// What is known of a contender at one number in flight: medians over the rounds.
#[derive(Clone, Debug)]
pub struct Cell {
    pub contender: &'static str,
    pub in_flight: usize,
    pub p50_us: f64,
    pub p99_us: f64,
    pub per_second: f64,
    /// Processor time of both processes.
    pub cpu_us: f64,
    /// Calls per second to those of the rival in the same round; `None` for a rival that failed.
    pub to_rival: Option<f64>,
}

/// A contender that could not be measured, and why.
pub struct Missing {
    pub contender: &'static str,
    pub why: String,
}

struct Entry {
    name: &'static str,
    peers: Peers,
    /// By number in flight, then by round.
    measured: Vec<Vec<Measured>>,
}

pub fn measure(section: &Section, effort: Effort) -> (Vec<Cell>, Vec<Missing>) {
    let mut missing = Vec::new();
    let mut entries = Vec::new();
    for contender in &section.contenders {
        let started = Peers::start(&contender.programs).and_then(|mut peers| {
            warm_up(section, effort, &mut peers)?;
            Ok(peers)
        });
        match started {
            Ok(peers) => entries.push(Entry {
                name: contender.name,
                peers,
                measured: vec![Vec::new(); section.in_flight.len()],
            }),
            Err(why) => missing.push(Missing {
                contender: contender.name,
                why: why.to_string(),
            }),
        }
    }
    for round in 0..effort.rounds {
        for (index, &in_flight) in section.in_flight.iter().enumerate() {
            // Nobody always comes after the same neighbour's heat.
            let count = entries.len();
            let order: Vec<usize> = (0..count).map(|turn| (turn + round) % count).collect();
            for turn in order {
                let entry = &mut entries[turn];
                match entry.peers.run(job(section, in_flight, effort)) {
                    Ok(measured) => entry.measured[index].push(measured),
                    Err(why) => missing.push(Missing {
                        contender: entry.name,
                        why: format!("{why} (at {in_flight} in flight)"),
                    }),
                }
            }
            entries.retain(|entry| missing.iter().all(|lost| lost.contender != entry.name));
        }
    }
    let cells = cells(section, &entries);
    (cells, missing)
}

fn job(section: &Section, in_flight: usize, effort: Effort) -> Job {
    Job {
        shape: section.shape,
        in_flight,
        time: effort.time,
    }
}

fn warm_up(section: &Section, effort: Effort, peers: &mut Peers) -> Result<(), Failure> {
    for &in_flight in section.in_flight {
        peers.run(Job {
            time: effort.time / 4,
            ..job(section, in_flight, effort)
        })?;
    }
    Ok(())
}

fn cells(section: &Section, entries: &[Entry]) -> Vec<Cell> {
    let rival = section.contenders.first().map(|rival| rival.name);
    let rival = entries.iter().find(|entry| Some(entry.name) == rival);
    let mut cells = Vec::new();
    for (index, &in_flight) in section.in_flight.iter().enumerate() {
        for entry in entries {
            let rounds = &entry.measured[index];
            let over = |number: fn(&Measured) -> f64| median(rounds.iter().map(number).collect());
            let to_rival = rival.map(|rival| {
                let pairs = rounds.iter().zip(&rival.measured[index]);
                median(pairs.map(|(own, its)| rate(own) / rate(its)).collect())
            });
            cells.push(Cell {
                contender: entry.name,
                in_flight,
                p50_us: over(|m| m.sample.p50.as_secs_f64() * 1e6),
                p99_us: over(|m| m.sample.p99.as_secs_f64() * 1e6),
                per_second: over(rate),
                cpu_us: over(|m| m.cpu.as_secs_f64() * 1e6 / m.sample.calls as f64),
                to_rival,
            });
        }
    }
    cells
}

fn rate(measured: &Measured) -> f64 {
    measured.sample.calls as f64 / measured.sample.elapsed.as_secs_f64()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => numbers[n / 2],
        n => f64::midpoint(numbers[n / 2 - 1], numbers[n / 2]),
    }
}

//! What is measured: who, in which shape, at how many in flight, beside which rival.

use std::path::PathBuf;

use crate::job::{Failure, LARGE, Shape};
use crate::peers::Programs;
use crate::secure::Certificates;

/// One who is measured.
#[derive(Clone, Debug)]
pub struct Contender {
    pub name: &'static str,
    pub programs: Programs,
}

impl Contender {
    /// Both programs get one more word.
    fn told(mut self, word: &str) -> Contender {
        self.programs.worker.push(word.to_owned());
        self.programs.caller.push(word.to_owned());
        self
    }
}

/// A part of the table. Its first contender is the rival that the others are compared with.
pub struct Section {
    /// The word for it on the command line.
    pub word: &'static str,
    pub title: &'static str,
    pub unit: Unit,
    pub shape: Shape,
    pub in_flight: &'static [usize],
    pub contenders: Vec<Contender>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Calls,
    Items,
    Megabytes,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Unit::Calls => "calls/s",
            Unit::Items => "items/s",
            Unit::Megabytes => "MB/s",
        }
    }

    pub fn of(self, calls_per_second: f64) -> f64 {
        match self {
            Unit::Calls | Unit::Items => calls_per_second,
            Unit::Megabytes => calls_per_second * LARGE as f64 / 1e6,
        }
    }
}

/// Programs of the other languages; `None`: not there.
#[derive(Default)]
pub struct Others {
    pub go: Option<PathBuf>,
    pub node: Option<PathBuf>,
}

pub fn sections(others: &Others, certificates: &Certificates) -> Result<Vec<Section>, Failure> {
    let this = std::env::current_exe()?.display().to_string();
    let rust = |worker: &[&str], caller: &str| {
        let words = |rest: &[&str]| -> Vec<String> {
            std::iter::once(this.as_str())
                .chain(rest.iter().copied())
                .map(str::to_owned)
                .collect()
        };
        Programs {
            worker: words(&[&["worker"], worker].concat()),
            caller: words(&["caller", caller]),
        }
    };
    let contender = |name, programs| Contender { name, programs };
    let ours = contender("wool, Rust", rust(&["ours"], "ours"));
    let languages = || {
        let mut list = vec![ours.clone()];
        if let Some(program) = &others.go {
            list.push(contender("wool, Go", modes(&[], program)));
        }
        if let Some(script) = &others.node {
            list.push(contender("wool, Node", modes(&["node"], script)));
        }
        list
    };
    let tonic = |kind| contender(kind, rust(&["rival"], "rival"));
    let submit = contender("wool, Rust, submit", rust(&["ours"], "submit"));
    let on_io_thread = contender("wool, Rust, on the I/O thread", rust(&["ours", "io"], "io"));
    let callers = || {
        let others = vec![on_io_thread.clone(), submit.clone()];
        [vec![tonic("tonic unary")], languages(), others].concat()
    };
    Ok(vec![
        Section {
            word: "echo",
            title: "64-byte echo, TCP loopback",
            unit: Unit::Calls,
            shape: Shape::Echo,
            in_flight: &[1, 64, 256],
            contenders: callers(),
        },
        Section {
            word: "mtls",
            title: "64-byte echo, TCP loopback, mutual TLS",
            unit: Unit::Calls,
            shape: Shape::Echo,
            in_flight: &[1, 64, 256],
            contenders: callers()
                .into_iter()
                .map(|contender| contender.told(&certificates.word()))
                .collect(),
        },
        Section {
            word: "unix",
            title: "64-byte echo, Unix socket",
            unit: Unit::Calls,
            shape: Shape::Echo,
            in_flight: &[1, 64],
            contenders: vec![
                contender("tonic unary", rust(&["rival", "unix"], "rival")),
                contender("wool, Rust", rust(&["ours", "unix"], "ours")),
            ],
        },
        Section {
            word: "large",
            title: "1 MiB arguments, TCP loopback",
            unit: Unit::Megabytes,
            shape: Shape::Length,
            in_flight: &[8],
            contenders: [vec![tonic("tonic unary")], languages()].concat(),
        },
        Section {
            word: "pull",
            title: "64-byte items, each asked for, TCP loopback",
            unit: Unit::Items,
            shape: Shape::Pull,
            in_flight: &[1],
            contenders: [vec![tonic("tonic bidi stream")], languages()].concat(),
        },
        Section {
            word: "flow",
            title: "64-byte items, the worker up to 256 ahead, TCP loopback",
            unit: Unit::Items,
            shape: Shape::Flow,
            in_flight: &[1],
            contenders: vec![tonic("tonic server stream"), ours.clone()],
        },
        Section {
            word: "beside",
            title: "64-byte echo, beside arguments of 100 MiB on the same connection",
            unit: Unit::Calls,
            shape: Shape::Beside,
            in_flight: &[1, 64],
            contenders: vec![tonic("tonic unary"), ours],
        },
    ])
}

/// A program of another language: worker or caller by its first argument.
fn modes(interpreter: &[&str], program: &std::path::Path) -> Programs {
    let mode = |mode: &str| {
        let mut words: Vec<String> = interpreter.iter().map(|&word| word.to_owned()).collect();
        words.extend([program.display().to_string(), mode.to_owned()]);
        words
    };
    Programs {
        worker: mode("worker"),
        caller: mode("caller"),
    }
}

//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::job::Failure;
use crate::plan::Others;
use crate::rounds::Effort;

pub const USAGE: &str = "\
wool-bench [--quick] [--rounds N] [--millis N] [--sections echo,mtls,unix,large,pull]
           [--go PROGRAM] [--node SCRIPT] [--json FILE]";

pub struct Options {
    pub effort: Effort,
    /// Empty = all.
    sections: Vec<String>,
    pub others: Others,
    pub json: Option<PathBuf>,
}

impl Options {
    pub fn parse(words: &[&str]) -> Result<Options, Failure> {
        let mut options = Options {
            effort: Effort {
                rounds: 5,
                time: Duration::from_secs(1),
            },
            sections: Vec::new(),
            others: Others::default(),
            json: None,
        };
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            if word == "--quick" {
                options.effort = Effort {
                    rounds: 1,
                    time: Duration::from_millis(100),
                };
                continue;
            }
            let value = *words
                .next()
                .ok_or_else(|| format!("{word} is no option or lacks its value\n{USAGE}"))?;
            match word {
                "--rounds" => options.effort.rounds = value.parse()?,
                "--millis" => options.effort.time = Duration::from_millis(value.parse()?),
                "--sections" => options.sections = value.split(',').map(str::to_owned).collect(),
                "--go" => options.others.go = Some(value.into()),
                "--node" => options.others.node = Some(value.into()),
                "--json" => options.json = Some(value.into()),
                _ => return Err(format!("{word} is no option\n{USAGE}").into()),
            }
        }
        Ok(options)
    }

    pub fn wants(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|word| word == section)
    }

    /// Languages whose programs were not given.
    pub fn missing(&self) -> Vec<&'static str> {
        let others = [("Go", &self.others.go), ("Node", &self.others.node)];
        let gone = others.into_iter().filter(|(_, program)| program.is_none());
        gone.map(|(name, _)| name).collect()
    }
}

//! Who does what: languages, roles, and the workers that are started for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command_line::Plan;
use crate::failure::Failure;
use crate::process::Process;

/// A worker that has not told its address by then will not.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// A language with a program in this demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    C,
    Go,
    Node,
}

impl Language {
    pub(crate) const ALL: [Language; 4] =
        [Language::Rust, Language::C, Language::Go, Language::Node];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::C => "C",
            Language::Go => "Go",
            Language::Node => "Node",
        }
    }

    /// As the command line has it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::C => "c",
            Language::Go => "go",
            Language::Node => "node",
        }
    }
}

/// A stage of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `demo.tokenise(text bytes)`: the list of its words.
    Tokenise,
    /// `demo.count(words)`: a map of word to count.
    Count,
    /// `demo.merge(list of such maps)`: their sum, a map again.
    Merge,
    /// `demo.add(map)`: adds to the standings. `demo.top(most)`: a stream of the standings so far.
    Rank,
}

impl Role {
    pub(crate) const ALL: [Role; 4] = [Role::Tokenise, Role::Count, Role::Merge, Role::Rank];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Tokenise => "tokenise",
            Role::Count => "count",
            Role::Merge => "merge",
            Role::Rank => "rank",
        }
    }

    /// Whose role it is; when that language is missing, Rust stands in.
    fn language(self) -> Language {
        match self {
            Role::Tokenise => Language::C,
            Role::Count => Language::Go,
            Role::Merge => Language::Rust,
            Role::Rank => Language::Node,
        }
    }
}

/// A worker process that serves.
pub(crate) struct Worker {
    pub(crate) language: Language,
    pub(crate) roles: Vec<Role>,
    pub(crate) program: PathBuf,
    pub(crate) address: String,
    pub(crate) process: Process,
}

/// All workers, and the languages that are missing.
pub(crate) struct Team {
    pub(crate) workers: Vec<Worker>,
    pub(crate) missing: Vec<(Language, String)>,
}

impl Team {
    /// Starts a worker for each language that has a program.
    ///
    /// # Errors
    /// The first worker that does not come up; the others are ended.
    pub(crate) async fn start(plan: Plan) -> Result<Team, Failure> {
        let own = std::env::current_exe()?;
        let mut programs = vec![(Language::Rust, own)];
        programs.extend(plan.programs);
        let present = |language| programs.iter().any(|(other, _)| *other == language);
        let stands_in = |role: Role| {
            if present(role.language()) {
                role.language()
            } else {
                Language::Rust
            }
        };
        let mut starting = Vec::new();
        for (language, program) in &programs {
            let roles: Vec<Role> = Role::ALL
                .into_iter()
                .filter(|&role| stands_in(role) == *language)
                .collect();
            let process = serve(*language, program, &roles)?;
            starting.push((*language, program.clone(), roles, process));
        }
        let mut workers = Vec::new();
        for (language, program, roles, mut process) in starting {
            let address = process.line(START_TIMEOUT).await?;
            workers.push(Worker {
                language,
                roles,
                program,
                address,
                process,
            });
        }
        Ok(Team {
            workers,
            missing: plan.missing,
        })
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.workers
            .iter()
            .map(|worker| worker.address.clone())
            .collect()
    }

    /// Lets every worker end by itself, and waits for it.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        // All at once: dropping the input is what asks for the end.
        let mut processes: Vec<_> = self
            .workers
            .into_iter()
            .map(|worker| worker.process)
            .collect();
        processes.iter_mut().for_each(Process::close_input);
        for process in processes {
            process.end().await?;
        }
        Ok(())
    }
}

fn serve(language: Language, program: &Path, roles: &[Role]) -> Result<Process, Failure> {
    let name = format!("the {} worker", language.name());
    let mut arguments = vec!["serve"];
    // The Rust worker knows all roles, so that it can stand in; the others have theirs.
    if language == Language::Rust {
        arguments.extend(roles.iter().map(|role| role.name()));
    }
    Process::start(name, program, &arguments)
}

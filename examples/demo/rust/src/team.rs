//! Who does what: languages, roles, and a pool of worker processes for each.

use std::path::{Path, PathBuf};

use wool::{
    Discovery, LocalDiscovery, PoolOptions, ProcessState, Runtime, SpawnCommand, WorkerPool,
};

use crate::command_line::Plan;
use crate::failure::Failure;

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

/// A language's pool, and the worker processes that it keeps up.
pub(crate) struct Crew {
    pub(crate) language: Language,
    pub(crate) roles: Vec<Role>,
    pub(crate) program: PathBuf,
    /// Where its workers are found.
    pub(crate) namespace: String,
    pub(crate) pool: WorkerPool,
}

/// All crews, and the languages that are missing.
pub(crate) struct Team {
    pub(crate) crews: Vec<Crew>,
    pub(crate) missing: Vec<(Language, String)>,
}

impl Team {
    /// Opens a pool for each language that has a program. The pools start their workers in the background.
    ///
    /// # Errors
    /// The first pool that cannot be opened; the others are closed.
    pub(crate) fn start(runtime: &Runtime, plan: Plan) -> Result<Team, Failure> {
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
        let crews = programs
            .iter()
            .map(|(language, program)| {
                let roles = Role::ALL
                    .into_iter()
                    .filter(|&role| stands_in(role) == *language)
                    .collect();
                Crew::start(runtime, *language, program, roles)
            })
            .collect::<Result<_, _>>()?;
        Ok(Team {
            crews,
            missing: plan.missing,
        })
    }

    /// The pool of the language that has this role.
    pub(crate) fn pool(&self, role: Role) -> Option<&WorkerPool> {
        let crew = self.crews.iter().find(|crew| crew.roles.contains(&role))?;
        Some(&crew.pool)
    }
}

impl Crew {
    fn start(
        runtime: &Runtime,
        language: Language,
        program: &Path,
        roles: Vec<Role>,
    ) -> Result<Crew, Failure> {
        let namespace = format!("demo-{}-{}", std::process::id(), language.key());
        let discovery = Discovery::Local(LocalDiscovery::new(&namespace)?);
        let mut command = vec![program.as_os_str().to_owned(), "serve".into()];
        // The Rust worker knows all roles, so that it can stand in; the others have theirs.
        if language == Language::Rust {
            command.extend(roles.iter().map(|role| role.name().into()));
        }
        // The standings are in one process's memory.
        let processes = match roles.contains(&Role::Rank) {
            true => 1,
            false => std::thread::available_parallelism()?.get(),
        };
        let pool = WorkerPool::new(
            runtime,
            PoolOptions {
                spawn: Some(processes),
                command: Some(SpawnCommand::new(command)?),
                discovery: Some(discovery),
                quorum: processes,
                ..Default::default()
            },
        )?;
        Ok(Crew {
            language,
            roles,
            program: program.to_owned(),
            namespace,
            pool,
        })
    }

    /// The ids of its processes that serve.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let processes = self.pool.status().processes.into_iter();
        processes
            .filter(|process| process.state == ProcessState::Serving)
            .map(|process| process.pid)
            .collect()
    }
}

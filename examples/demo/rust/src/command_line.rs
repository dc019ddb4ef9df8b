//! What the command line asks for.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::team::{Language, Role};

const USAGE: &str = "usage:
  wool-demo serve ROLE...           what a pool starts as its worker
  wool-demo call NAMESPACE CALLS    measures calls to the workers found there
  wool-demo run [--at-least BYTES] [--with LANGUAGE=PROGRAM | --without LANGUAGE=REASON]... FILE...
                                    the demo; examples/demo/run.sh calls it";

/// One of the program's three modes.
pub(crate) enum Command {
    Serve(Vec<Role>),
    Call { namespace: String, calls: usize },
    Run(Plan),
}

/// What the demo has to work with.
pub(crate) struct Plan {
    /// The text is gone through until it is so many bytes: a short one is over before there is anything to see.
    pub(crate) at_least: usize,
    /// The programs of languages other than Rust, which is this one.
    pub(crate) programs: Vec<(Language, PathBuf)>,
    /// Languages that have no program here, and how to change that.
    pub(crate) missing: Vec<(Language, String)>,
    pub(crate) files: Vec<PathBuf>,
}

pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Failure> {
    let mut arguments = arguments.into_iter();
    match arguments.next().as_deref().and_then(|mode| mode.to_str()) {
        Some("serve") => Ok(Command::Serve(
            arguments.map(role).collect::<Result<_, _>>()?,
        )),
        Some("call") => {
            let namespace = text(arguments.next())?;
            let calls = text(arguments.next())?.parse().map_err(|_| usage())?;
            Ok(Command::Call { namespace, calls })
        }
        Some("run") => plan(arguments).map(Command::Run),
        _ => Err(usage()),
    }
}

fn plan(mut arguments: impl Iterator<Item = OsString>) -> Result<Plan, Failure> {
    let mut plan = Plan {
        at_least: 0,
        programs: Vec::new(),
        missing: Vec::new(),
        files: Vec::new(),
    };
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--at-least") => {
                plan.at_least = text(arguments.next())?.parse().map_err(|_| usage())?;
            }
            Some("--with") => {
                let (language, program) = assignment(arguments.next())?;
                plan.programs.push((language, program.into()));
            }
            Some("--without") => plan.missing.push(assignment(arguments.next())?),
            _ => plan.files.push(argument.into()),
        }
    }
    Ok(plan)
}

/// `LANGUAGE=...`
fn assignment(argument: Option<OsString>) -> Result<(Language, String), Failure> {
    let argument = text(argument)?;
    let (name, value) = argument.split_once('=').ok_or_else(usage)?;
    let language = Language::ALL
        .into_iter()
        .find(|language| language.key() == name)
        .ok_or_else(usage)?;
    Ok((language, value.to_owned()))
}

fn role(argument: OsString) -> Result<Role, Failure> {
    let name = text(Some(argument))?;
    Role::ALL
        .into_iter()
        .find(|role| role.name() == name)
        .ok_or_else(usage)
}

fn text(argument: Option<OsString>) -> Result<String, Failure> {
    argument
        .and_then(|argument| argument.into_string().ok())
        .ok_or_else(usage)
}

fn usage() -> Failure {
    Failure::usage(USAGE)
}

//! Credentials, and who is believed, by the options of `tests/drivers/PROTOCOL.md`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use wool::{Credentials, CredentialsOptions, Error, ErrorKind, Peers, Pem, Result};

use crate::protocol::{self, Failure, Options};

/// How often the files are looked at.
const POLL: Duration = Duration::from_millis(50);

/// The credentials of a process: those that it was given first.
#[derive(Default)]
pub(crate) struct Kept(OnceLock<Credentials>);

impl Kept {
    /// The credentials that the options name, if they do. The inner error is for the runner.
    pub(crate) fn given(
        &self,
        options: &Options,
    ) -> std::result::Result<Result<Option<Credentials>>, Failure> {
        let Some(folder) = named(options, "credentials", "")? else {
            return Ok(Ok(None));
        };
        let files = Files {
            folder: folder.into(),
            certificate: named(options, "certificate", "own")?,
            mutual: options.number("one_way")? != Some(1),
        };
        Ok(Credentials::new(files.named()).map(|made| {
            // The first ones stay.
            let _ = self.0.set(made.clone());
            Some(made)
        }))
    }

    pub(crate) fn get(&self) -> Option<&Credentials> {
        self.0.get()
    }

    /// Looks at the files now: as the answer to `reload`, whether they have changed.
    ///
    /// # Errors
    /// Those of the credentials, and for a process that has none.
    pub(crate) fn reload(&self) -> Result<u8> {
        self.some()?.reload().map(u8::from)
    }

    /// What is wrong with the files as they are now, as a token.
    ///
    /// # Errors
    /// For a process that has none.
    pub(crate) fn problem(&self) -> Result<String> {
        let problem = self.some()?.problem();
        let message = problem.as_ref().map_or("", Error::message);
        Ok(protocol::text(message))
    }

    fn some(&self) -> Result<&Credentials> {
        self.get().ok_or_else(|| {
            let message = "this process was given no credentials";
            Error::new(ErrorKind::InvalidArgument, message)
        })
    }
}

/// A text that may be `-`, for none.
fn named(
    options: &Options,
    key: &str,
    default: &str,
) -> std::result::Result<Option<String>, Failure> {
    let text = options.texts(key)?.into_iter().next();
    Ok(Some(text.unwrap_or_else(|| default.to_owned())).filter(|text| !text.is_empty()))
}

/// Where everything lies.
struct Files {
    folder: PathBuf,
    /// The name of the certificate and its key.
    certificate: Option<String>,
    mutual: bool,
}

impl Files {
    fn named(&self) -> CredentialsOptions {
        self.options(|path| Pem::File(path.to_owned()))
    }

    fn options(&self, pem: impl Fn(&Path) -> Pem) -> CredentialsOptions {
        let own = |ending: &str| {
            let name = self.certificate.as_ref()?;
            Some(pem(&self.folder.join(format!("{name}.{ending}"))))
        };
        CredentialsOptions {
            ca: Some(pem(&self.folder.join("ca.pem"))),
            certificate: own("pem"),
            key: own("key"),
            mutual: self.mutual,
            poll: POLL,
            ..CredentialsOptions::default()
        }
    }
}

/// What `KEY=PATTERN`, several times, accepts; `None` without one.
pub(crate) fn patterns(
    options: &Options,
    key: &str,
) -> std::result::Result<Result<Option<Peers>>, Failure> {
    let patterns = options.texts(key)?;
    Ok(match patterns.is_empty() {
        true => Ok(None),
        false => Peers::named(patterns).map(Some),
    })
}

/// `allow=ROUTINE:PATTERN`, several times: the patterns of one routine are together, where the first of them stands.
pub(crate) fn allowed(
    options: &Options,
) -> std::result::Result<Result<Vec<(String, Peers)>>, Failure> {
    let mut rules: Vec<(String, Vec<String>)> = Vec::new();
    for token in options.tokens("allow") {
        let (routine, pattern) = token
            .split_once(':')
            .ok_or_else(|| Failure::new("allow= wants a routine and a pattern"))?;
        let (routine, pattern) = (protocol::untext(routine)?, protocol::untext(pattern)?);
        match rules.iter_mut().find(|(named, _)| *named == routine) {
            Some((_, patterns)) => patterns.push(pattern),
            None => rules.push((routine, vec![pattern])),
        }
    }
    let rules = rules
        .into_iter()
        .map(|(routine, patterns)| Ok((routine, Peers::named(patterns)?)));
    Ok(rules.collect())
}

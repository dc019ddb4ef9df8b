//! Credentials, and who is believed, by the options of `tests/drivers/PROTOCOL.md`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use wool::{
    Credentials, CredentialsOptions, Error, ErrorKind, PeerCheck, PeerLimits, PeerRequest, Peers,
    Pem, Result,
};

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
        let made = match options.number("provided")? {
            Some(1) => Credentials::provided_by(move || files.read(), POLL),
            _ => Credentials::new(files.named()),
        };
        Ok(made.map(|made| {
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
    /// To be looked at by the library.
    fn named(&self) -> CredentialsOptions {
        let own = |ending: &str| Some(Pem::File(self.own(ending)?));
        CredentialsOptions {
            ca: Some(Pem::File(self.ca())),
            certificate: own("pem"),
            key: own("key"),
            mutual: self.mutual,
            poll: POLL,
            ..CredentialsOptions::default()
        }
    }

    /// As they are now.
    fn read(&self) -> Result<CredentialsOptions> {
        let own = |ending: &str| self.own(ending).map(|path| read(&path)).transpose();
        Ok(CredentialsOptions {
            ca: Some(read(&self.ca())?),
            certificate: own("pem")?,
            key: own("key")?,
            mutual: self.mutual,
            ..CredentialsOptions::default()
        })
    }

    fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    fn own(&self, ending: &str) -> Option<PathBuf> {
        let name = self.certificate.as_ref()?;
        Some(self.folder.join(format!("{name}.{ending}")))
    }
}

fn read(path: &Path) -> Result<Pem> {
    let read = std::fs::read(path);
    read.map(Pem::Text).map_err(|problem| {
        let message = format!("{} cannot be provided: {problem}", path.display());
        Error::new(ErrorKind::Io, message)
    })
}

/// Whose identities a pool believes: by `peer=` or by `peer_check=`.
pub(crate) fn believed(options: &Options) -> std::result::Result<Result<Option<Peers>>, Failure> {
    match options.texts("peer_check")?.pop() {
        Some(identity) => Ok(Ok(Some(Peers::asked(Believes(identity))))),
        None => patterns(options, "peer"),
    }
}

/// The pool's own check, which believes one identity.
struct Believes(String);

impl PeerCheck for Believes {
    fn ask(&self, request: PeerRequest) {
        if self.0 == "throw" {
            return request.fail("the check fell over");
        }
        let believe = request.identity() == self.0;
        request.answer(believe);
    }
}

/// `peer_limits=CONNECTIONS:SESSIONS:CALLS:BYTES`.
pub(crate) fn peer_limits(options: &Options) -> std::result::Result<PeerLimits, Failure> {
    let Some(limits) = options.text("peer_limits") else {
        return Ok(PeerLimits::default());
    };
    let wrong = || Failure::new(format!("peer_limits= wants four numbers, not {limits:?}"));
    let parts: Vec<&str> = limits.split(':').collect();
    let [connections, sessions, calls, bytes] = parts[..] else {
        return Err(wrong());
    };
    let number = |part: &str| part.parse().map_err(|_| wrong());
    Ok(PeerLimits {
        connections: number(connections)?,
        sessions: number(sessions)?,
        calls: number(calls)?,
        bytes: bytes.parse().map_err(|_| wrong())?,
    })
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

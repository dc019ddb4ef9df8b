//! Which peers are accepted, by the names that their certificates hold.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::credentials::invalid;
use super::peer_check::{PeerCheck, PeerRequest};
use crate::error::{Error, ErrorKind, Result};

/// Which peers are accepted, by a name that their certificate holds: a DNS name or a URI (SPIFFE).
#[derive(Clone)]
pub struct Peers(Arc<Rule>);

enum Rule {
    Patterns(Vec<String>),
    Check(Box<Check>),
    Asked(Box<dyn PeerCheck>),
}

/// How long a check of the host's own may take.
const ASKED_WITHIN: Duration = Duration::from_secs(10);

type Check = dyn Fn(&[String]) -> bool + Send + Sync;

impl Peers {
    /// Those with a name that is one of these: `"worker.example"`, `"*.example"` (one label), `"spiffe://example/pool/worker"`,
    /// `"spiffe://example/pool/*"` (all below), `"*"` (whoever the authority vouches for).
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for a pattern with a `*` elsewhere, or an empty one.
    pub fn named<T: Into<String>>(patterns: impl IntoIterator<Item = T>) -> Result<Peers> {
        let patterns: Vec<String> = patterns.into_iter().map(Into::into).collect();
        for pattern in &patterns {
            let rest = match pattern.as_str() {
                "*" => "",
                uri if is_uri(uri) => uri.strip_suffix("/*").unwrap_or(uri),
                name => name.strip_prefix("*.").unwrap_or(name),
            };
            if rest.contains('*') || pattern.is_empty() {
                return Err(invalid(format!(
                    "\"{pattern}\" is no pattern for the names of peers: use \"worker.example\", \"*.example\", \
                     \"spiffe://example/worker\", \"spiffe://example/*\" or \"*\""
                )));
            }
        }
        Ok(Peers(Arc::new(Rule::Patterns(patterns))))
    }

    /// Those that the host's own function accepts, by all names of the certificate. It is asked on the I/O thread of the
    /// runtime and must not block.
    pub fn checked_by(check: impl Fn(&[String]) -> bool + Send + Sync + 'static) -> Peers {
        Peers(Arc::new(Rule::Check(Box::new(check))))
    }

    /// Those that the host's own check believes, which may take its time: for [`PoolOptions::peers`](crate::PoolOptions::peers)
    /// alone.
    pub fn asked(check: impl PeerCheck) -> Peers {
        Peers(Arc::new(Rule::Asked(Box::new(check))))
    }

    /// Whether names are accepted at once. A check that has to be asked accepts nothing here.
    pub(crate) fn accept(&self, names: &[String]) -> bool {
        match &*self.0 {
            Rule::Asked(_) => false,
            Rule::Check(check) => check(names),
            Rule::Patterns(patterns) => patterns
                .iter()
                .any(|pattern| pattern == "*" || names.iter().any(|name| fits(pattern, name))),
        }
    }
}

impl Peers {
    pub(crate) fn is_asked(&self) -> bool {
        matches!(&*self.0, Rule::Asked(_))
    }

    /// Whether the identity is believed that the worker with this uid claims.
    ///
    /// # Errors
    /// [`ErrorKind::Handshake`]: the host's own check could not decide.
    pub(crate) async fn believe(&self, identity: &str, uid: &str) -> Result<bool> {
        let Rule::Asked(check) = &*self.0 else {
            return Ok(self.accept(&[identity.to_owned()]));
        };
        let (request, answered) = PeerRequest::new(identity, uid);
        check.ask(request);
        let failed = |why: &str| {
            Error::new(
                ErrorKind::Handshake,
                format!("whether \"{identity}\" is believed could not be decided: {why}"),
            )
        };
        match tokio::time::timeout(ASKED_WITHIN, answered).await {
            Ok(Ok(Ok(believe))) => Ok(believe),
            Ok(Ok(Err(why))) => Err(failed(&why)),
            Ok(Err(_)) => Err(failed("the check ended without an answer")),
            Err(_) => Err(failed(&format!(
                "no answer came within {} s",
                ASKED_WITHIN.as_secs()
            ))),
        }
    }
}

fn is_uri(name: &str) -> bool {
    name.contains("://")
}

/// Hosts are the same in any case; a URI's path is not.
fn fits(pattern: &str, name: &str) -> bool {
    if is_uri(pattern) {
        return match pattern.strip_suffix("/*") {
            Some(above) => name
                .strip_prefix(above)
                .is_some_and(|rest| rest.len() > 1 && rest.starts_with('/')),
            None => pattern == name,
        };
    }
    match pattern.strip_prefix("*.") {
        Some(domain) => name
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
        None => pattern.eq_ignore_ascii_case(name),
    }
}

/// Two are the same that were made as one.
impl PartialEq for Peers {
    fn eq(&self, other: &Peers) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Peers {}

impl Hash for Peers {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Rule::Check(_) | Rule::Asked(_) => f.write_str("Peers(checked)"),
            Rule::Patterns(patterns) => f.debug_tuple("Peers").field(patterns).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(patterns: &[&str], names: &[&str]) -> bool {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let peers = Peers::named(patterns.iter().copied());
        peers.is_ok_and(|peers| peers.accept(&names))
    }

    #[test]
    fn names_fit_as_they_are_and_by_one_label() {
        assert!(accepted(&["a.example"], &["b.example", "A.Example"]));
        assert!(accepted(&["*.example"], &["a.example"]));
        for name in ["example", "a.b.example", ".example", "a.example.org"] {
            assert!(!accepted(&["*.example"], &[name]), "{name}");
        }
        assert!(!accepted(&[], &["a.example"]));
        assert!(accepted(&["*"], &[]));
    }

    #[test]
    fn uris_fit_as_they_are_and_below() {
        let id = "spiffe://example/pool/Worker";
        assert!(accepted(&[id], &[id]));
        assert!(accepted(&["spiffe://example/pool/*"], &[id]));
        assert!(accepted(&["spiffe://example/*"], &[id]));
        assert!(!accepted(&["spiffe://example/pool/worker"], &[id]));
        for other in [
            "spiffe://example/pool",
            "spiffe://example/pool/",
            "spiffe://example/pooled/x",
        ] {
            assert!(!accepted(&["spiffe://example/pool/*"], &[other]), "{other}");
        }
    }

    #[test]
    fn stars_elsewhere_are_refused() {
        for pattern in [
            "",
            "a.*",
            "*a.example",
            "*.*.example",
            "spiffe://*/a",
            "spiffe://a/*/b",
        ] {
            assert!(Peers::named([pattern]).is_err(), "{pattern}");
        }
    }
}

//! Why a handshake failed, in words that say what to do.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// What the TLS library said, if it was the one that failed somewhere below an error.
pub(crate) fn reason(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<Error>() {
            return Some(told(tls));
        }
        next = match error.downcast_ref::<std::io::Error>() {
            // Its source is that of what it holds, not what it holds.
            Some(io) => io
                .get_ref()
                .map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    None
}

fn told(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(problem) => format!("its certificate is refused here: {}", refused(problem)),
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                "it asks for a certificate, and this side has none: give the credentials certificate and key".to_owned()
            }
            AlertDescription::UnknownCA => {
                "it does not know the authority of this side's certificate".to_owned()
            }
            // By TLS, what is said of signatures that are not right, of authorities above all.
            AlertDescription::DecryptError => {
                "it refuses a signature (DecryptError): has the authority of this side's certificate another key there?".to_owned()
            }
            AlertDescription::CertificateExpired => "it says that this side's certificate has expired, or is not valid yet".to_owned(),
            AlertDescription::CertificateRevoked => "it says that this side's certificate is revoked".to_owned(),
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied => {
                format!("it refuses this side's certificate ({alert:?}): has it the usage of a client, and a name?")
            }
            AlertDescription::NoApplicationProtocol => "it does not offer HTTP/2 (ALPN h2)".to_owned(),
            AlertDescription::ProtocolVersion => "it speaks no TLS 1.2 or 1.3".to_owned(),
            AlertDescription::HandshakeFailure => {
                "it has no cipher or kind of signature in common with this side (HandshakeFailure)".to_owned()
            }
            alert => format!("it ended the handshake ({alert:?})"),
        },
        Error::NoCertificatesPresented => {
            "it presents no certificate, and one is asked for".to_owned()
        }
        Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
        ) => "its certificate is larger than a handshake takes (64 KiB)".to_owned(),
        Error::InvalidMessage(_) => "it does not speak TLS at this port".to_owned(),
        Error::PeerIncompatible(problem) => format!("it speaks no TLS that this side does, 1.2 or 1.3 ({problem:?})"),
        // Of this library's own.
        Error::General(why) => why.clone(),
        error => error.to_string(),
    }
}

fn refused(problem: &CertificateError) -> String {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet: is the clock right?".to_owned()
        }
        CertificateError::Revoked => "it is revoked".to_owned(),
        CertificateError::UnknownIssuer => "it comes from no authority that is believed here (the credentials' ca)".to_owned(),
        CertificateError::BadSignature => {
            "it comes from no authority that is believed here: the one of that name in the credentials' ca has another key".to_owned()
        }
        CertificateError::UnknownRevocationStatus => {
            "no revocation list of the credentials' crl covers it".to_owned()
        }
        CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => {
            "the revocation list of its authority has expired: renew the crl".to_owned()
        }
        CertificateError::NotValidForName => {
            "it does not hold the identity that its record claims".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } if presented.is_empty() => format!(
            "it is for no name (a common name alone does not count), \"{}\" is wanted",
            expected.to_str()
        ),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "it is for {}, and not for \"{}\"",
            presented.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", "),
            expected.to_str()
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its extended key usage does not allow this role (serverAuth for workers, clientAuth for callers)".to_owned()
        }
        CertificateError::BadEncoding => "it cannot be read".to_owned(),
        problem => problem.to_string(),
    }
}

/// A name as people write it: the TLS library says `DnsName("a.example")`.
fn plain(name: &str) -> &str {
    let inside = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.map_or(name, |inside| inside.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn names_are_told_plainly() {
        assert_eq!(plain("DnsName(\"a.example\")"), "a.example");
        assert_eq!(plain("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(
            plain("UniformResourceIdentifier(\"spiffe://a/b\")"),
            "spiffe://a/b"
        );
        assert_eq!(plain("DirectoryName"), "DirectoryName");
    }
}

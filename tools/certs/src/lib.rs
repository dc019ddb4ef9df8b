//! A certificate authority for development, and certificates for workers and callers: with the usages and names that
//! libwool asks for, and short lives. A real network has an authority of its own.

use std::io::{Error, ErrorKind, Result, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// How long a certificate is valid, in days, where nothing else is said.
pub const DAYS: i64 = 7;
/// Clocks differ.
const BEFORE: Duration = Duration::hours(1);

/// Signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: String,
}

/// What a certificate is to be like.
#[derive(Clone, Debug)]
pub struct Request {
    /// DNS names, IP addresses and URIs (`spiffe://...`), told apart by their form.
    pub names: Vec<String>,
    /// For workers.
    pub server: bool,
    /// For callers.
    pub client: bool,
    /// From when on, seconds from now.
    pub begins: i64,
    /// Until when, seconds from now.
    pub ends: i64,
    /// The common name, by which nobody is known.
    pub common_name: String,
    /// By which it can be revoked.
    pub serial: u64,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Issued {
    /// PEM.
    pub certificate: String,
    /// PEM, PKCS #8.
    pub key: String,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            names: Vec::new(),
            server: true,
            client: true,
            begins: -BEFORE.whole_seconds(),
            ends: Duration::days(DAYS).whole_seconds(),
            common_name: "wool".to_owned(),
            serial: 0,
        }
    }
}

impl Authority {
    /// A new one, with a key of its own. Of two with one name, peers that know one do not believe the other.
    ///
    /// # Errors
    /// Those of the system's random generator.
    pub fn new(name: &str) -> Result<Authority> {
        Authority::with_key(name, KeyPair::generate().map_err(failed)?)
    }

    fn with_key(name: &str, key: KeyPair) -> Result<Authority> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = called(name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.key_identifier_method = KeyIdMethod::Sha256;
        let now = OffsetDateTime::now_utc();
        parameters.not_before = now - BEFORE;
        parameters.not_after = now + Duration::days(365);
        let certificate = parameters.self_signed(&key).map_err(failed)?.pem();
        let pem = key.serialize_pem();
        Ok(Authority {
            issuer: Issuer::new(parameters, key),
            certificate,
            key: pem,
        })
    }

    /// # Errors
    /// For a name that no certificate can hold.
    pub fn issue(&self, request: &Request) -> Result<Issued> {
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = request
            .parameters()?
            .signed_by(&key, &self.issuer)
            .map_err(failed)?;
        Ok(Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// A list of what it has revoked, by serials, PEM; good for some days, or over already.
    ///
    /// # Errors
    /// None in practice; those of signing.
    pub fn revoke(&self, serials: &[u64], is_over: bool) -> Result<String> {
        let now = OffsetDateTime::now_utc();
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: now - BEFORE,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: now - BEFORE,
            next_update: if is_over {
                now - BEFORE / 2
            } else {
                now + Duration::days(DAYS)
            },
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer).map_err(failed)?;
        list.pem().map_err(failed)
    }
}

impl Request {
    /// For these names, both roles and so many days from now; with a negative number it has expired so long ago.
    pub fn for_days(days: i64, names: Vec<String>) -> Request {
        let ends = days.saturating_mul(Duration::DAY.whole_seconds());
        let begins = -BEFORE.whole_seconds();
        Request {
            names,
            begins: begins.min(ends.saturating_add(begins)),
            ends,
            ..Request::default()
        }
    }

    /// Signed by its own key, so that nobody vouches for it.
    ///
    /// # Errors
    /// For a name that no certificate can hold.
    pub fn self_signed(&self) -> Result<Issued> {
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = self.parameters()?.self_signed(&key).map_err(failed)?;
        Ok(Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    fn parameters(&self) -> Result<CertificateParams> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = called(&self.common_name);
        for name in &self.names {
            let invalid = |error| {
                let message = format!("\"{name}\" cannot be in a certificate: {error}");
                Error::new(ErrorKind::InvalidInput, message)
            };
            parameters
                .subject_alt_names
                .push(match name.parse::<IpAddr>() {
                    Ok(ip) => SanType::IpAddress(ip),
                    Err(_) if name.contains("://") => {
                        SanType::URI(name.as_str().try_into().map_err(invalid)?)
                    }
                    Err(_) => SanType::DnsName(name.as_str().try_into().map_err(invalid)?),
                });
        }
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if self.server {
            let usage = ExtendedKeyUsagePurpose::ServerAuth;
            parameters.extended_key_usages.push(usage);
        }
        if self.client {
            let usage = ExtendedKeyUsagePurpose::ClientAuth;
            parameters.extended_key_usages.push(usage);
        }
        let now = OffsetDateTime::now_utc();
        let at = |seconds| {
            let far = || Error::new(ErrorKind::InvalidInput, "no date is that far from now");
            now.checked_add(Duration::seconds(seconds)).ok_or_else(far)
        };
        parameters.not_before = at(self.begins)?;
        parameters.not_after = at(self.ends)?;
        parameters.use_authority_key_identifier_extension = true;
        if self.serial > 0 {
            parameters.serial_number = Some(SerialNumber::from(self.serial));
        }
        Ok(parameters)
    }
}

/// The authority of a folder: `ca.pem` and `ca.key`, made if they are not there. The certificate is made anew each time: its
/// name and key stay, and with them all that it has signed.
///
/// # Errors
/// Those of reading and writing.
pub fn authority_in(folder: &Path) -> Result<Authority> {
    std::fs::create_dir_all(folder)?;
    let key = folder.join("ca.key");
    let pair = match std::fs::read_to_string(&key) {
        Ok(key) => KeyPair::from_pem(&key).map_err(failed)?,
        Err(error) if error.kind() == ErrorKind::NotFound => KeyPair::generate().map_err(failed)?,
        Err(error) => return Err(error),
    };
    // Those who know another are to read that this one is unknown, not that its signatures are wrong.
    let end = pair.public_key_raw().iter().rev().take(4);
    let mark: String = end.map(|byte| format!("{byte:02x}")).collect();
    let authority = Authority::with_key(&format!("wool development CA {mark}"), pair)?;
    write(&key, &authority.key, 0o600)?;
    write(&folder.join("ca.pem"), &authority.certificate, 0o644)?;
    Ok(authority)
}

/// Writes `NAME.pem` and `NAME.key`, the latter for this user only.
///
/// # Errors
/// Those of writing.
pub fn save(folder: &Path, name: &str, issued: &Issued) -> Result<[PathBuf; 2]> {
    let paths = ["pem", "key"].map(|ending| folder.join(format!("{name}.{ending}")));
    // The key first: whoever sees the new certificate finds its key.
    write(&paths[1], &issued.key, 0o600)?;
    write(&paths[0], &issued.certificate, 0o644)?;
    Ok(paths)
}

/// Replaces a file whole: nobody reads half of it.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let new = path.with_extension("new");
    // Of a run that was broken off; its mode may be another.
    let _ = std::fs::remove_file(&new);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&new, path)
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn failed(error: rcgen::Error) -> Error {
    Error::other(error.to_string())
}

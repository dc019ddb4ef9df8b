//! What a worker says of itself in its TXT record: the keys of Python wool, and those that libwool adds.
//!
//! | key | holds |
//! |---|---|
//! | `pid` | of the process, decimal |
//! | `version` | by which Python's pools choose: this package's; with Python's door, one that they admit |
//! | `tags` | a JSON list of strings |
//! | `extra` | a JSON object; Python's values may be of any kind |
//! | `secure` | `true` or `false` |
//! | `identity` | the name that the certificate holds |
//! | `wool` | ours: the protocol, `<major>.<minor>`; without it, the worker is one of Python wool |
//! | `doors` | ours: `session`, `dispatch`, with commas |
//! | `ns` | ours: the namespace, of which the service type has only a few digits |
//! | `lang` | ours: the language |
//! | `lib` | ours: the version of this package |
//! | `addresses` | ours: `host:port`, with commas, where the address records cannot say it |
//!
//! What is empty is a key without a value, as Python writes it. Unknown keys are left alone.

use mdns_sd::{TxtProperties, TxtProperty};

use super::json;
use crate::discovery::TurnedAwayReason;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::{self, Door, WorkerRecord};

/// A key with its value and the sign between them: one byte holds the length.
const LARGEST: usize = 255;
/// All of them, with their lengths: with the names and addresses they fit into one packet.
const LARGEST_TOGETHER: usize = 1200;
/// As much is read, of whoever writes more than that.
const LARGEST_READ: usize = 4096;

/// By which Python's pools admit a worker that has their door.
const VERSION_WITH_DISPATCH: &str = "0.999.0";
/// Python wool's major version.
const PYTHON_MAJOR: &str = "0";

const DOORS: [(Door, &str); 2] = [(Door::Session, "session"), (Door::Dispatch, "dispatch")];

/// What a TXT record says.
#[derive(Debug, PartialEq)]
pub(super) struct Contents {
    /// Without uid and addresses.
    pub(super) record: WorkerRecord,
    pub(super) namespace: Option<String>,
    /// Where these are not those of the address records.
    pub(super) addresses: Option<String>,
}

/// Why a TXT record is that of no worker that can be called.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) reason: TurnedAwayReason,
    pub(super) message: String,
}

/// # Errors
/// [`ErrorKind::Discovery`] when something is too large for the network.
pub(super) fn write(
    record: &WorkerRecord,
    namespace: Option<&str>,
    addresses: Option<&str>,
) -> Result<Vec<TxtProperty>> {
    let has_dispatch = record.doors.contains(&(Door::Dispatch as i32));
    let version = if has_dispatch {
        VERSION_WITH_DISPATCH
    } else {
        wire::PACKAGE_VERSION
    };
    let tags = record.tags.iter().map(String::as_str);
    let mut extra: Vec<_> = record.extra.iter().collect();
    extra.sort_unstable();
    let extra = extra
        .into_iter()
        .map(|(name, text)| (&**name, text.as_str()));
    let json_unless = |is_empty, json: String| if is_empty { String::new() } else { json };
    let doors = DOORS
        .iter()
        .filter(|(door, _)| record.doors.contains(&(*door as i32)));
    let doors: Vec<_> = doors.map(|(_, name)| *name).collect();
    let pairs = [
        ("pid", record.pid.to_string()),
        ("version", version.to_owned()),
        (
            "tags",
            json_unless(record.tags.is_empty(), json::list(tags)),
        ),
        (
            "extra",
            json_unless(record.extra.is_empty(), json::object(extra)),
        ),
        ("secure", record.secure.to_string()),
        ("identity", record.identity.clone()),
        (
            "wool",
            format!("{}.{}", record.protocol_major, record.protocol_minor),
        ),
        ("doors", doors.join(",")),
        ("lang", record.language.clone()),
        ("lib", record.package_version.clone()),
    ];
    let optional = [("ns", namespace), ("addresses", addresses)];
    let optional = optional
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?.to_owned())));
    let pairs: Vec<_> = pairs.into_iter().chain(optional).collect();
    check_sizes(&pairs)?;
    let property = |(key, value): &(&str, String)| match &**value {
        "" => TxtProperty::from(*key),
        value => TxtProperty::from((key, value)),
    };
    Ok(pairs.iter().map(property).collect())
}

fn check_sizes(pairs: &[(&str, String)]) -> Result<()> {
    let size = |(key, value): &(&str, String)| key.len() + 1 + value.len();
    let Some(largest) = pairs.iter().max_by_key(|pair| size(pair)) else {
        return Ok(());
    };
    let advice = match largest.0 {
        "tags" => "give it fewer or shorter tags",
        "extra" => "say less in its `extra`",
        "addresses" => "advertise fewer addresses",
        _ => "make it shorter",
    };
    let too_large = |what: String| Err(Error::new(ErrorKind::Discovery, what));
    if size(largest) > LARGEST {
        return too_large(format!(
            "the worker's \"{}\" has {} bytes with its name, and on the LAN {LARGEST} is the most: {advice}",
            largest.0,
            size(largest)
        ));
    }
    let together: usize = pairs.iter().map(|pair| size(pair) + 1).sum();
    if together > LARGEST_TOGETHER {
        return too_large(format!(
            "the worker's record has {together} bytes, and on the LAN {LARGEST_TOGETHER} is the most; its \"{}\" has {}: \
             {advice}",
            largest.0,
            size(largest)
        ));
    }
    Ok(())
}

/// Total: whatever the bytes are, it is contents or a refusal.
pub(super) fn read(properties: &TxtProperties) -> Result<Contents, Refusal> {
    let size =
        |property: &TxtProperty| property.key().len() + property.val().map_or(0, <[u8]>::len);
    let together: usize = properties.iter().map(size).sum();
    if together > LARGEST_READ {
        return Err(Refusal {
            reason: TurnedAwayReason::TooLarge,
            message: format!("its TXT record has {together} bytes, and {LARGEST_READ} are read"),
        });
    }
    let pid = text(properties, "pid")?;
    let version = text(properties, "version")?;
    let Some(protocol) = properties.get("wool") else {
        return Err(refuse_python(pid, version));
    };
    let protocol = String::from_utf8_lossy(protocol.val().unwrap_or_default());
    let (major, minor) = protocol
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| unreadable("\"wool\" is no version"))?;
    let doors = text(properties, "doors")?;
    let doors = DOORS
        .iter()
        .filter(|(_, name)| doors.split(',').any(|door| door == *name));
    let lib = match text(properties, "lib")? {
        "" => version,
        lib => lib,
    };
    let optional =
        |key| Ok(Some(text(properties, key)?.to_owned()).filter(|text| !text.is_empty()));
    Ok(Contents {
        namespace: optional("ns")?,
        addresses: optional("addresses")?,
        record: WorkerRecord {
            doors: doors.map(|(door, _)| *door as i32).collect(),
            protocol_major: major,
            protocol_minor: minor,
            package_version: lib.to_owned(),
            language: text(properties, "lang")?.to_owned(),
            tags: tags(properties)?,
            extra: extra(properties)?.into_iter().collect(),
            identity: text(properties, "identity")?.to_owned(),
            secure: text(properties, "secure")?.eq_ignore_ascii_case("true"),
            pid: match pid {
                "" => 0,
                pid => pid
                    .parse()
                    .map_err(|_| unreadable("\"pid\" is no number"))?,
            },
            ..WorkerRecord::default()
        },
    })
}

/// Empty where there is none.
fn text<'a>(properties: &'a TxtProperties, key: &str) -> Result<&'a str, Refusal> {
    let value = properties.get_property_val(key).flatten();
    std::str::from_utf8(value.unwrap_or_default())
        .map_err(|_| unreadable(&format!("\"{key}\" is no text")))
}

fn tags(properties: &TxtProperties) -> Result<Vec<String>, Refusal> {
    match text(properties, "tags")? {
        "" => Ok(Vec::new()),
        tags => json::read_list(tags).ok_or_else(|| unreadable("\"tags\" is no list of strings")),
    }
}

fn extra(properties: &TxtProperties) -> Result<Vec<(String, String)>, Refusal> {
    match text(properties, "extra")? {
        "" => Ok(Vec::new()),
        extra => json::read_object(extra).ok_or_else(|| unreadable("\"extra\" is no JSON object")),
    }
}

/// One without our keys: a worker of Python wool, or none at all.
fn refuse_python(pid: &str, version: &str) -> Refusal {
    if version.is_empty() || pid.parse::<u32>().is_err() {
        return unreadable("neither \"wool\" nor \"pid\" and \"version\" are there");
    }
    let mut version = version.to_owned();
    crate::error::shorten(&mut version, 64);
    let major = version.split('.').next().unwrap_or_default();
    if major == PYTHON_MAJOR {
        return Refusal {
            reason: TurnedAwayReason::NoDoor,
            message: format!(
                "it is a worker of Python wool {version}, which has no door that this pool can use"
            ),
        };
    }
    Refusal {
        reason: TurnedAwayReason::Version,
        message: format!(
            "it is a worker of Python wool {version}, and only those of {PYTHON_MAJOR}.x are known here"
        ),
    }
}

fn unreadable(problem: &str) -> Refusal {
    Refusal {
        reason: TurnedAwayReason::Unreadable,
        message: format!("its TXT record is that of no worker: {problem}"),
    }
}

#[cfg(test)]
mod tests {
    use mdns_sd::IntoTxtProperties;
    use proptest::prelude::*;

    use super::*;

    fn full() -> WorkerRecord {
        WorkerRecord {
            doors: vec![Door::Session as i32],
            protocol_major: 1,
            protocol_minor: 2,
            package_version: wire::PACKAGE_VERSION.to_owned(),
            language: "go".to_owned(),
            tags: vec!["gpu".to_owned(), "größe \"7\"".to_owned()],
            extra: [("zone".to_owned(), "a".to_owned())].into(),
            identity: "worker.example".to_owned(),
            secure: true,
            pid: 7,
            ..WorkerRecord::default()
        }
    }

    fn as_sent(properties: Vec<TxtProperty>) -> TxtProperties {
        properties.into_txt_properties()
    }

    fn of(pairs: &[(&str, &str)]) -> TxtProperties {
        pairs.into_txt_properties()
    }

    fn value<'a>(properties: &'a TxtProperties, key: &str) -> Option<&'a str> {
        properties.get(key).map(TxtProperty::val_str)
    }

    #[test]
    fn a_record_comes_back() {
        let written = write(&full(), Some("größe"), Some("192.0.2.1:7000")).unwrap();
        let contents = read(&as_sent(written)).unwrap();
        assert_eq!(contents.record, full());
        assert_eq!(contents.namespace.as_deref(), Some("größe"));
        assert_eq!(contents.addresses.as_deref(), Some("192.0.2.1:7000"));
        let empty = WorkerRecord::default();
        let contents = read(&as_sent(write(&empty, None, None).unwrap())).unwrap();
        let version = wire::PACKAGE_VERSION.to_owned();
        let with_version = WorkerRecord {
            package_version: version,
            ..empty
        };
        assert_eq!(contents.record, with_version);
        assert_eq!((contents.namespace, contents.addresses), (None, None));
    }

    #[test]
    fn python_finds_its_keys() {
        let written = as_sent(write(&full(), None, None).unwrap());
        assert_eq!(value(&written, "pid"), Some("7"));
        assert_eq!(value(&written, "version"), Some(wire::PACKAGE_VERSION));
        assert_eq!(value(&written, "tags"), Some(r#"["gpu","größe \"7\""]"#));
        assert_eq!(value(&written, "extra"), Some(r#"{"zone":"a"}"#));
        assert_eq!(value(&written, "secure"), Some("true"));
        assert_eq!(value(&written, "identity"), Some("worker.example"));
        let bare = as_sent(write(&WorkerRecord::default(), None, None).unwrap());
        for key in ["tags", "extra", "identity"] {
            assert_eq!(bare.get_property_val(key), Some(None), "{key}");
        }
    }

    #[test]
    fn pythons_pools_admit_those_that_have_their_door() {
        let both = WorkerRecord {
            doors: vec![Door::Session as i32, Door::Dispatch as i32],
            ..full()
        };
        let written = as_sent(write(&both, None, None).unwrap());
        assert_eq!(value(&written, "version"), Some("0.999.0"));
        assert_eq!(read(&written).unwrap().record, both);
    }

    #[test]
    fn what_is_too_large_is_named_with_its_size() {
        let message = |record: &WorkerRecord, addresses: Option<&str>| {
            let error = write(record, None, addresses).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Discovery);
            error.message().to_owned()
        };
        let tagged = |length: usize| WorkerRecord {
            tags: vec!["x".repeat(length)],
            ..full()
        };
        // The name, the sign, and what is around the tag.
        let most = LARGEST - "tags=[\"\"]".len();
        write(&tagged(most), None, None).unwrap();
        let problem = message(&tagged(most + 1), None);
        for part in ["\"tags\"", "256", "255", "shorter tags"] {
            assert!(problem.contains(part), "{problem}");
        }
        let problem = message(&full(), Some(&"192.0.2.1:7000,".repeat(20)));
        assert!(problem.contains("\"addresses\" has 310 bytes"), "{problem}");
        let wide = WorkerRecord {
            extra: [("x".to_owned(), "x".repeat(240))].into(),
            identity: "x".repeat(240),
            language: "x".repeat(240),
            package_version: "x".repeat(240),
            ..tagged(most)
        };
        assert!(message(&wide, None).contains("1200 is the most"));
    }

    #[test]
    fn workers_of_python_are_told_from_what_is_none() {
        let reason = |pairs: &[(&str, &str)]| read(&of(pairs)).unwrap_err().reason;
        let python = [("pid", "42"), ("version", "0.15.7"), ("tags", "[\"x\"]")];
        assert_eq!(reason(&python), TurnedAwayReason::NoDoor);
        let other = [("pid", "42"), ("version", "2.0.0")];
        assert_eq!(reason(&other), TurnedAwayReason::Version);
        for none in [
            &[][..],
            &[("pid", "42")],
            &[("version", "0.15.7")],
            &[("pid", "x"), ("version", "0.15.7")],
        ] {
            assert_eq!(reason(none), TurnedAwayReason::Unreadable);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (key, text) in [
            ("wool", "1"),
            ("wool", "x.0"),
            ("pid", "-1"),
            ("tags", "x"),
            ("tags", "[1]"),
            ("extra", "[]"),
        ] {
            let refusal = read(&of(&[(key, text), ("wool", "1.0")])).unwrap_err();
            assert_eq!(refusal.reason, TurnedAwayReason::Unreadable);
            assert!(refusal.message.contains(key), "{}", refusal.message);
        }
        let no_text = vec![
            TxtProperty::from(("wool", "1.0")),
            TxtProperty::from(("lang", [0xff_u8])),
        ];
        assert!(
            read(&as_sent(no_text))
                .unwrap_err()
                .message
                .contains("lang")
        );
        let large = "x".repeat(LARGEST_READ);
        let refusal = read(&of(&[("wool", "1.0"), ("future", &large)])).unwrap_err();
        assert_eq!(refusal.reason, TurnedAwayReason::TooLarge);
    }

    #[test]
    fn values_of_any_kind_are_text() {
        let extra = r#"{"n": 3, "l": [1, "a"]}"#;
        let contents = read(&of(&[("wool", "1.0"), ("extra", extra)])).unwrap();
        let expected = [("n", "3"), ("l", r#"[1, "a"]"#)];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(contents.record.extra, expected.into_iter().collect());
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = read(&TxtProperties::from(&bytes[..]));
        }

        #[test]
        fn no_values_do_harm(values in prop::collection::vec((0..KEYS.len(), any::<Vec<u8>>()), 0..14)) {
            let properties = values.into_iter().map(|(key, value)| TxtProperty::from((KEYS[key], value)));
            let _ = read(&as_sent(properties.collect()));
        }

        #[test]
        fn what_is_written_is_read(
            tags in prop::collection::vec("\\PC{0,12}", 0..4),
            extra in prop::collection::btree_map("\\PC{0,8}", "\\PC{0,8}", 0..3),
            pid: u32,
            secure: bool,
        ) {
            let record = WorkerRecord { tags, extra: extra.into_iter().collect(), pid, secure, ..full() };
            if let Ok(written) = write(&record, None, None) {
                prop_assert_eq!(read(&as_sent(written)).map(|contents| contents.record), Ok(record));
            }
        }
    }

    const KEYS: [&str; 12] = [
        "pid",
        "version",
        "tags",
        "extra",
        "secure",
        "identity",
        "wool",
        "doors",
        "ns",
        "lang",
        "lib",
        "addresses",
    ];
}

//! A worker's record as hosts see it.

use std::collections::BTreeMap;

use prost::Message;
use wool_values::{IntoValue, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::ids;
use crate::parts::{list, map, text};
use crate::wire::{self, Door};

/// How a worker is found: what a discovery knows of it. One that was made elsewhere needs no more than an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRecord {
    /// Its UUID, lower case, with dashes; a restarted worker has another. Empty = not known: whoever answers is taken.
    pub uid: String,
    /// `"host:port"`, IPv6 hosts in brackets; at least one.
    pub addresses: Vec<String>,
    /// Labels by which pools choose.
    pub tags: Vec<String>,
    /// What its host says of it, for others.
    pub extra: BTreeMap<String, String>,
    /// It serves with TLS.
    pub secure: bool,
    /// The name that its certificate holds; empty = that of its address.
    pub identity: String,
    /// Of its process; 0 = not known.
    pub pid: u32,
    /// `"rust"`, `"go"` and so on; empty = not known.
    pub language: String,
    /// Of the library that it serves with; empty = not known.
    pub version: String,
    /// The protocol's major and minor version.
    pub protocol: (u32, u32),
    /// It has libwool's own door, through which pools call.
    pub session_door: bool,
    /// It has the door of Python wool.
    pub dispatch_door: bool,
}

/// One that nothing is known of, made for this version of the library.
impl Default for WorkerRecord {
    fn default() -> WorkerRecord {
        WorkerRecord {
            uid: String::new(),
            addresses: Vec::new(),
            tags: Vec::new(),
            extra: BTreeMap::new(),
            secure: false,
            identity: String::new(),
            pid: 0,
            language: String::new(),
            version: String::new(),
            protocol: (wire::MAJOR, wire::MINOR),
            session_door: true,
            dispatch_door: false,
        }
    }
}

impl WorkerRecord {
    /// One of which only the address is known.
    pub fn at(address: impl Into<String>) -> WorkerRecord {
        WorkerRecord {
            addresses: vec![address.into()],
            ..WorkerRecord::default()
        }
    }

    /// As bytes to keep or send (a protobuf of `proto/wool/v1/worker.proto`).
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_wire().encode_to_vec()
    }

    /// Reads what [`WorkerRecord::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<WorkerRecord> {
        let record = wire::WorkerRecord::decode(bytes)
            .map_err(|error| invalid(&format!("the bytes are none: {error}")))?;
        let record = WorkerRecord::from_wire(record);
        record.check()?;
        Ok(record)
    }

    /// As a map of its parts, for hosts of other languages: `uid`, `addresses`, `tags`, `extra`, `secure`, `identity`, `pid`,
    /// `language`, `version`, `protocol` (a list of two), `doors` (a list of `"session"`, `"dispatch"`).
    ///
    /// # Errors
    /// None that a record can lead to; those of building a map.
    pub fn to_value(&self) -> Result<Value> {
        let texts = |texts: &[String]| list(texts, |one| Ok(text(one)));
        let extra = self.extra.iter().map(|(key, value)| (&**key, text(value)));
        let doors = [
            (self.session_door, "session"),
            (self.dispatch_door, "dispatch"),
        ];
        let doors = doors
            .iter()
            .filter(|(there, _)| *there)
            .map(|(_, name)| text(name));
        let (major, minor) = self.protocol;
        map([
            ("uid", text(&self.uid)),
            ("addresses", texts(&self.addresses)?),
            ("tags", texts(&self.tags)?),
            ("extra", map(extra)?),
            ("secure", self.secure.into_value()),
            ("identity", text(&self.identity)),
            ("pid", self.pid.into_value()),
            ("language", text(&self.language)),
            ("version", text(&self.version)),
            (
                "protocol",
                Value::List(vec![major.into_value(), minor.into_value()]),
            ),
            ("doors", Value::List(doors.collect())),
        ])
    }

    /// Reads what [`WorkerRecord::to_value`] wrote. What is left out is as in [`WorkerRecord::default`]; what it does not
    /// know it leaves alone.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] naming the part that is none.
    pub fn from_value(value: &Value) -> Result<WorkerRecord> {
        let Value::Map(parts) = value else {
            return Err(invalid("it is no map"));
        };
        let mut record = WorkerRecord::default();
        for (key, part) in parts.iter() {
            let Value::String(key) = key else {
                continue;
            };
            let wrong = |wanted: &str| invalid(&format!("its \"{key}\" is {wanted}"));
            let text = || text_in(part).ok_or_else(|| wrong("no string"));
            let texts = || texts_in(part).ok_or_else(|| wrong("no list of strings"));
            match &**key {
                "uid" => record.uid = text()?,
                "addresses" => record.addresses = texts()?,
                "tags" => record.tags = texts()?,
                "identity" => record.identity = text()?,
                "language" => record.language = text()?,
                "version" => record.version = text()?,
                "extra" => {
                    let wrong = || wrong("no map of strings");
                    let Value::Map(extra) = part else {
                        return Err(wrong());
                    };
                    for (key, value) in extra.iter() {
                        let pair = text_in(key).zip(text_in(value));
                        record.extra.extend([pair.ok_or_else(wrong)?]);
                    }
                }
                "secure" => {
                    let Value::Bool(secure) = part else {
                        return Err(wrong("no boolean"));
                    };
                    record.secure = *secure;
                }
                "pid" => record.pid = number_in(part).ok_or_else(|| wrong("no process id"))?,
                "protocol" => {
                    let version = match part {
                        Value::List(pair) | Value::Tuple(pair) => match &pair[..] {
                            [major, minor] => number_in(major).zip(number_in(minor)),
                            _ => None,
                        },
                        _ => None,
                    };
                    record.protocol = version.ok_or_else(|| wrong("no list of two numbers"))?;
                }
                "doors" => {
                    let doors = texts()?;
                    record.session_door = doors.iter().any(|door| door == "session");
                    record.dispatch_door = doors.iter().any(|door| door == "dispatch");
                }
                _ => {}
            }
        }
        record.check()?;
        Ok(record)
    }

    fn check(&self) -> Result<()> {
        if !self.uid.is_empty() {
            ids::uid(&self.uid)?;
        }
        if self.addresses.is_empty() {
            return Err(invalid("it holds no address"));
        }
        Ok(())
    }

    pub(crate) fn to_wire(&self) -> wire::WorkerRecord {
        let doors = [
            (self.session_door, Door::Session),
            (self.dispatch_door, Door::Dispatch),
        ];
        let doors = doors.iter().filter(|(there, _)| *there);
        wire::WorkerRecord {
            uid: self.uid.to_ascii_lowercase(),
            addresses: self.addresses.clone(),
            doors: doors.map(|(_, door)| *door as i32).collect(),
            protocol_major: self.protocol.0,
            protocol_minor: self.protocol.1,
            package_version: self.version.clone(),
            language: self.language.clone(),
            tags: self.tags.clone(),
            extra: self.extra.clone().into_iter().collect(),
            identity: self.identity.clone(),
            secure: self.secure,
            pid: self.pid,
            ..wire::WorkerRecord::default()
        }
    }

    /// Without what is of this machine only.
    pub(crate) fn from_wire(record: wire::WorkerRecord) -> WorkerRecord {
        let has = |door: Door| record.doors.contains(&(door as i32));
        WorkerRecord {
            session_door: has(Door::Session),
            dispatch_door: has(Door::Dispatch),
            uid: record.uid,
            addresses: record.addresses,
            tags: record.tags,
            extra: record.extra.into_iter().collect(),
            secure: record.secure,
            identity: record.identity,
            pid: record.pid,
            language: record.language,
            version: record.package_version,
            protocol: (record.protocol_major, record.protocol_minor),
        }
    }
}

fn invalid(problem: &str) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("this is no worker's record: {problem}"),
    )
}

fn text_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        _ => None,
    }
}

fn texts_in(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::List(items) | Value::Tuple(items) => items.iter().map(text_in).collect(),
        _ => None,
    }
}

fn number_in(value: &Value) -> Option<u32> {
    match value {
        Value::Int(number) => (*number).try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use wool_values::Map;

    use super::*;

    fn full() -> WorkerRecord {
        WorkerRecord {
            uid: "0b0e2e5e-7f0c-4f0e-9a51-0d5a0f6a9d11".to_owned(),
            addresses: vec!["192.0.2.1:7000".to_owned(), "[2001:db8::1]:7000".to_owned()],
            tags: vec!["gpu".to_owned()],
            extra: [("zone".to_owned(), "a".to_owned())].into(),
            secure: true,
            identity: "worker.example".to_owned(),
            pid: 7,
            language: "go".to_owned(),
            version: "0.1.0".to_owned(),
            protocol: (1, 2),
            session_door: true,
            dispatch_door: true,
        }
    }

    #[test]
    fn a_record_is_the_same_after_each_way() {
        let record = full();
        let value = record.to_value().expect("a value");
        assert_eq!(WorkerRecord::from_value(&value).expect("a record"), record);
        let read = WorkerRecord::from_bytes(&record.to_bytes());
        assert_eq!(read.expect("a record"), record);
    }

    #[test]
    fn an_address_is_enough() {
        let parts = [(
            "addresses".into_value(),
            Value::List(vec!["a:1".into_value()]),
        )];
        let value = Value::Map(Map::from_entries(parts.into()).expect("a map"));
        let record = WorkerRecord::from_value(&value);
        assert_eq!(record.expect("a record"), WorkerRecord::at("a:1"));
    }

    #[test]
    fn what_is_no_record_is_named() {
        let cases = [
            ("uid", 1.into_value(), "\"uid\" is no string"),
            (
                "addresses",
                "a:1".into_value(),
                "\"addresses\" is no list of strings",
            ),
            ("pid", Value::from(-1), "\"pid\" is no process id"),
            (
                "protocol",
                Value::List(vec![]),
                "\"protocol\" is no list of two numbers",
            ),
            ("tags", Value::List(vec![]), "it holds no address"),
        ];
        for (key, part, problem) in cases {
            let parts = vec![(key.into_value(), part)];
            let value = Value::Map(Map::from_entries(parts).expect("a map"));
            let error = WorkerRecord::from_value(&value).expect_err(key);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains(problem), "{error}");
        }
    }
}

//! The golden vectors under `proto/vectors`, which every language is tested against.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a vector that cannot be read is a failure"
)]

use serde_json::Value as Json;
use wool_values::{
    Arguments, Date, Duration, ErrorKind, Limits, Map, Set, Time, Timestamp, Uuid, Value, decode,
    decode_shared, encode,
};

#[test]
fn values() {
    let mut encoded = 0;
    for vector in vectors("values.json") {
        let name = text(&vector["name"]);
        let value = value(&vector["value"]);
        let bytes = bytes(&vector["hex"]);
        let common = vector["common"].as_bool().unwrap_or_default();
        assert!(!common || is_common(&value), "{name} is not common");

        let decoded = decode(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(
            decoded.identical(&value),
            "{name}: {decoded:?} is not {value:?}"
        );
        let shared = decode_shared(&bytes.into(), &Limits::default()).unwrap();
        assert!(
            shared.identical(&value),
            "{name}: {shared:?} is not {value:?}"
        );

        let canonical =
            encode(&value, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let same = hex(&canonical) == text(&vector["hex"]);
        assert_ne!(same, decode_only(&vector), "{name}: {}", hex(&canonical));
        encoded += usize::from(same);
    }
    assert!(encoded > 0);
}

#[test]
fn refused() {
    for vector in vectors("refused.json") {
        let name = text(&vector["name"]);
        match decode(&bytes(&vector["hex"]), &Limits::default()) {
            Ok(value) => panic!("{name}: {value:?}"),
            Err(error) => assert_eq!(
                error.kind().name(),
                text(&vector["error"]),
                "{name}: {error}"
            ),
        }
    }
}

#[test]
fn arguments() {
    for vector in vectors("arguments.json") {
        let name = text(&vector["name"]);
        let decoded = Arguments::decode(&bytes(&vector["hex"]), &Limits::default());
        if let Some(kind) = vector["error"].as_str() {
            let error = decoded
                .err()
                .unwrap_or_else(|| panic!("{name} is accepted"));
            assert_eq!(error.kind().name(), kind, "{name}: {error}");
            continue;
        }
        let mut expected = Arguments::new(values_of(&vector["positional"]));
        for pair in vector["named"].as_array().unwrap() {
            expected = expected.with(text(&pair[0]), value(&pair[1]));
        }
        assert_eq!(
            decoded.unwrap_or_else(|e| panic!("{name}: {e}")),
            expected,
            "{name}"
        );
        let canonical = hex(&expected.encode(&Limits::default()).unwrap());
        assert_ne!(
            canonical == text(&vector["hex"]),
            decode_only(&vector),
            "{name}: {canonical}"
        );
    }
}

/// One byte less than is needed, at any place, is refused: no vector is a prefix of itself.
#[test]
fn every_prefix_is_truncated() {
    for vector in vectors("values.json") {
        let bytes = bytes(&vector["hex"]);
        for end in 0..bytes.len() {
            let error = decode(&bytes[..end], &Limits::default()).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Truncated,
                "{} cut to {end}",
                vector["name"]
            );
        }
    }
}

fn vectors(file: &str) -> Vec<Json> {
    let path = format!("{}/../../proto/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut reader = serde_json::Deserializer::from_str(&text);
    reader.disable_recursion_limit();
    reader.into_iter().next().unwrap().unwrap()
}

fn decode_only(vector: &Json) -> bool {
    vector["decode_only"].as_bool().unwrap_or_default()
}

/// The value that tagged JSON, as `proto/values.md` describes it, stands for.
fn value(json: &Json) -> Value {
    let tagged = json.as_object().unwrap();
    let (tag, body) = tagged.iter().next().unwrap();
    assert_eq!(tagged.len(), 1, "{json}");
    match tag.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(body.as_bool().unwrap()),
        "int" => Value::parse_integer(text(body)).unwrap(),
        "float" => Value::Float(text(body).parse().unwrap()),
        "string" => Value::from(text(body)),
        "bytes" => Value::from(bytes(body)),
        "list" => Value::List(values_of(body)),
        "tuple" => Value::Tuple(values_of(body)),
        "map" => {
            let pairs = body.as_array().unwrap().iter();
            let entries = pairs
                .map(|pair| (value(&pair[0]), value(&pair[1])))
                .collect();
            Value::Map(Map::from_entries(entries).unwrap())
        }
        "set" => Value::Set(Set::from_elements(values_of(body)).unwrap()),
        "timestamp" => Value::Timestamp(Timestamp::new(seconds(body), nanos(body)).unwrap()),
        "date" => Value::Date(Date::from_days(body.as_i64().unwrap().try_into().unwrap())),
        "time" => Value::Time(Time::from_nanos(text(body).parse().unwrap()).unwrap()),
        "duration" => Value::Duration(Duration::new(seconds(body), nanos(body)).unwrap()),
        "decimal" => {
            let value = Value::Decimal(text(body).parse().unwrap());
            assert_eq!(value.as_decimal().unwrap().as_str(), text(body));
            value
        }
        "uuid" => Value::Uuid(text(body).parse::<Uuid>().unwrap()),
        "named" => Value::named(text(&body["type"]), value(&body["value"])),
        other => panic!("no kind is tagged {other:?}"),
    }
}

fn is_common(value: &Value) -> bool {
    match value {
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Bytes(_) => true,
        Value::BigInt(_) => value.as_u64().is_some(),
        Value::List(elements) => elements.iter().all(is_common),
        Value::Map(map) => map
            .iter()
            .all(|(key, value)| is_common(key) && is_common(value)),
        _ => false,
    }
}

fn values_of(json: &Json) -> Vec<Value> {
    json.as_array().unwrap().iter().map(value).collect()
}

fn seconds(json: &Json) -> i64 {
    text(&json["seconds"]).parse().unwrap()
}

fn nanos(json: &Json) -> u32 {
    json["nanos"].as_u64().unwrap().try_into().unwrap()
}

fn text(json: &Json) -> &str {
    json.as_str()
        .unwrap_or_else(|| panic!("{json} is not text"))
}

fn bytes(json: &Json) -> Vec<u8> {
    let digits = text(json).as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! What C reads and writes, against the golden vectors and against bytes that are nearly those.

use wool_values::{Arguments, Value, decode};

use super::building::{Building, Container, limits};
use super::reading::Reading;
use crate::types::wool_value_kind_t::*;
use crate::types::wool_value_t;

/// The bytes of every vector of a file. The notation is one vector a line.
fn vectors(file: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/../proto/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter_map(|line| line.split_once("\"hex\":\""));
    lines
        .map(|(_, rest)| {
            let digits = rest.split('"').next().unwrap().as_bytes();
            let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
            digits.chunks(2).map(|two| pair(two).unwrap()).collect()
        })
        .collect()
}

/// Reads a value item by item and builds it again, as a C program that passes it on does.
fn rebuilt(value: Value) -> Vec<u8> {
    let mut reading = Reading::of_value(value);
    let mut building = Building::default();
    while let Some(item) = reading.next() {
        let item = item.to_c();
        building.step(|to| add(to, &item)).unwrap();
    }
    assert!(reading.skip().is_err());
    building.finish().unwrap()
}

/// Adds what C was shown.
fn add(to: &mut Building, item: &wool_value_t) -> Result<(), wool_core::Error> {
    // SAFETY: what an item points at lives in the reading, which outlives this call.
    let bytes = unsafe { crate::guard::bytes(item.bytes, "bytes") }.unwrap();
    let text = || std::str::from_utf8(bytes).unwrap().to_owned();
    let parts = || (item.integer, item.nanos);
    let value = match item.kind {
        kind if kind == WOOL_VALUE_LIST as i32 => return to.begin(Container::List, item.count),
        kind if kind == WOOL_VALUE_TUPLE as i32 => return to.begin(Container::Tuple, item.count),
        kind if kind == WOOL_VALUE_SET as i32 => return to.begin(Container::Set, item.count),
        kind if kind == WOOL_VALUE_MAP as i32 => return to.begin(Container::Map, item.count * 2),
        kind if kind == WOOL_VALUE_NAMED as i32 => return to.begin(Container::Named(text()), 1),
        kind if kind == WOOL_VALUE_NULL as i32 => Value::Null,
        kind if kind == WOOL_VALUE_BOOL as i32 => Value::Bool(item.boolean != 0),
        kind if kind == WOOL_VALUE_INT as i32 => Value::Int(item.integer),
        kind if kind == WOOL_VALUE_UINT as i32 => Value::from(item.unsigned_integer),
        kind if kind == WOOL_VALUE_FLOAT as i32 => Value::Float(item.number),
        kind if kind == WOOL_VALUE_STRING as i32 => Value::String(text()),
        kind if kind == WOOL_VALUE_BYTES as i32 => Value::from(bytes),
        kind if kind == WOOL_VALUE_TIMESTAMP as i32 => {
            Value::Timestamp(wool_values::Timestamp::new(parts().0, parts().1)?)
        }
        kind if kind == WOOL_VALUE_DURATION as i32 => {
            Value::Duration(wool_values::Duration::new(parts().0, parts().1)?)
        }
        kind if kind == WOOL_VALUE_DATE as i32 => Value::Date(wool_values::Date::from_days(
            item.integer.try_into().unwrap(),
        )),
        kind if kind == WOOL_VALUE_TIME as i32 => {
            Value::Time(wool_values::Time::from_nanos(item.integer.cast_unsigned())?)
        }
        kind if kind == WOOL_VALUE_DECIMAL as i32 => Value::Decimal(text().parse()?),
        kind if kind == WOOL_VALUE_UUID as i32 => {
            Value::Uuid(wool_values::Uuid::from_bytes(bytes.try_into().unwrap()))
        }
        kind if kind == WOOL_VALUE_BIGINT as i32 => Value::integer(item.integer < 0, bytes),
        other => panic!("no kind has the number {other}"),
    };
    to.add(value)
}

#[test]
fn golden_values_are_read_and_built() {
    let mut count = 0;
    for bytes in vectors("values.json") {
        let value = decode(&bytes, &limits()).unwrap();
        let canonical = wool_values::encode(&value, &limits()).unwrap();
        assert_eq!(rebuilt(value), canonical);
        count += 1;
    }
    assert!(count > 150);
}

/// Repeatable pseudo-random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

#[test]
fn damaged_values_are_read_or_refused() {
    let mut random = Random(7);
    let files = ["values.json", "refused.json", "arguments.json"];
    let seeds: Vec<Vec<u8>> = files.iter().flat_map(|file| vectors(file)).collect();
    let mut values = 0;
    for seed in seeds.iter().cycle().take(20_000) {
        let mut bytes = seed.clone();
        for _ in 0..=random.below(3) {
            let index = random.below(bytes.len());
            if let Some(byte) = bytes.get_mut(index) {
                *byte = random.below(256) as u8;
            }
        }
        if random.below(4) == 0 {
            bytes.truncate(random.below(bytes.len() + 1));
        }
        if let Ok(value) = decode(&bytes, &limits()) {
            values += 1;
            let canonical = wool_values::encode(&value, &limits()).unwrap();
            assert_eq!(rebuilt(value), canonical, "{bytes:02x?}");
        }
        if let Ok(arguments) = Arguments::decode(&bytes, &limits()) {
            let mut reading = Reading::of_arguments(arguments);
            // At each item the place of an error is found.
            while reading.next_as::<()>("nothing", |_| None).is_err() && reading.next().is_some() {}
        }
    }
    assert!(values > 1000);
}

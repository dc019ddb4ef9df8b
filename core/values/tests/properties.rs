//! What holds for any value, and for any bytes.

#![allow(
    clippy::unwrap_used,
    reason = "what cannot be made or read is a failure"
)]

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use wool_values::{
    Arguments, BigInt, Date, Duration, ErrorKind, Limits, Map, Set, Time, Timestamp, Uuid, Value,
    decode, decode_shared, encode,
};

fn scalar() -> impl Strategy<Value = Value> {
    let big = |negative| move |bytes: Vec<u8>| Value::integer(negative, &bytes);
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        vec(any::<u8>(), 0..24).prop_map(big(false)),
        vec(any::<u8>(), 0..24).prop_map(big(true)),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(|bits| Value::from(f64::from_bits(bits))),
        ".{0,40}".prop_map(Value::from),
        vec(any::<u8>(), 0..300).prop_map(Value::from),
        (any::<i64>(), 0..1_000_000_000_u32)
            .prop_map(|(s, n)| Value::from(Timestamp::new(s, n).unwrap())),
        (0..1_i64 << 35, 0..2_u32).prop_map(|(s, n)| Value::from(Timestamp::new(s, n).unwrap())),
        any::<i32>().prop_map(|days| Value::from(Date::from_days(days))),
        (0..86_400_000_000_000_u64).prop_map(|nanos| Value::from(Time::from_nanos(nanos).unwrap())),
        (any::<i64>(), 0..1_000_000_000_u32)
            .prop_map(|(s, n)| Value::from(Duration::new(s, n).unwrap())),
        "[-+]?[0-9]{1,20}(\\.[0-9]{0,12})?(E[-+]?[0-9]{1,4})?"
            .prop_map(|text| Value::Decimal(text.parse().unwrap())),
        any::<[u8; 16]>().prop_map(|bytes| Value::from(Uuid::from_bytes(bytes))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::List),
            vec(inner.clone(), 0..6).prop_map(Value::Tuple),
            vec((inner.clone(), inner.clone()), 0..20).prop_map(map_of_what_can_be),
            vec(inner.clone(), 0..20).prop_map(set_of_what_can_be),
            ("\\PC{1,40}", inner).prop_map(|(name, value)| Value::named(name, value)),
        ]
    })
}

/// The map of these entries, later values for the same key in place of earlier ones, NaN keys left out.
fn map_of_what_can_be(entries: Vec<(Value, Value)>) -> Value {
    let mut map = Map::new();
    for (key, value) in entries {
        let had = map.get_value(&key).is_some();
        if let Ok(old) = map.insert(key, value) {
            assert_eq!(old.is_some(), had);
        }
    }
    Value::Map(map)
}

/// The set of these elements, without NaN.
fn set_of_what_can_be(elements: Vec<Value>) -> Value {
    let mut set = Set::new();
    for element in elements {
        let had = set.contains(&element);
        if let Ok(new) = set.insert(element) {
            assert_ne!(new, had);
        }
    }
    Value::Set(set)
}

fn assert_same_after(bytes: &[u8], value: &Value) -> Result<(), TestCaseError> {
    let decoded = decode(bytes, &Limits::default())?;
    prop_assert!(decoded.identical(value), "{decoded:?} is not {value:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn values_come_back_identical(value in value()) {
        let bytes = encode(&value, &Limits::default())?;
        assert_same_after(&bytes, &value)?;
        let shared = decode_shared(&Bytes::from(bytes), &Limits::default())?;
        prop_assert!(shared.identical(&value));
    }

    #[test]
    fn a_byte_limit_is_exact(value in value()) {
        let bytes = encode(&value, &Limits::default())?;
        let exact = Limits::default().with_bytes(bytes.len());
        prop_assert_eq!(&encode(&value, &exact)?, &bytes);
        prop_assert!(decode(&bytes, &exact).is_ok());

        let less = Limits::default().with_bytes(bytes.len() - 1);
        prop_assert_eq!(encode(&value, &less).unwrap_err().kind(), ErrorKind::TooLarge);
        prop_assert_eq!(decode(&bytes, &less).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes in vec(any::<u8>(), 0..256)) {
        if let Ok(value) = decode(&bytes, &Limits::default()) {
            assert_same_after(&encode(&value, &Limits::default())?, &value)?;
        }
        let _ = Arguments::decode(&bytes, &Limits::default());
    }

    /// Closer to the truth than random bytes, these reach deeper.
    #[test]
    fn damaged_values_give_a_value_or_an_error(
        value in value(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encode(&value, &Limits::default())?;
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(value) = decode(&bytes, &Limits::default()) {
            assert_same_after(&encode(&value, &Limits::default())?, &value)?;
        }
    }

    #[test]
    fn arguments_come_back(
        positional in vec(value(), 0..4),
        named in prop::collection::btree_map(".{0,8}", value(), 0..4),
    ) {
        let mut arguments = Arguments::new(positional);
        arguments.named = named.into_iter().collect();
        let bytes = arguments.encode(&Limits::default())?;
        let decoded = Arguments::decode_shared(&bytes.clone().into(), &Limits::default())?;
        prop_assert_eq!(decoded.encode(&Limits::default())?, bytes);
    }

    #[test]
    fn big_integers_read_what_they_write(negative: bool, magnitude in vec(any::<u8>(), 9..80)) {
        if let Ok(big) = BigInt::new(negative, &magnitude) {
            prop_assert_eq!(big.to_string().parse::<BigInt>()?, big);
        }
    }

    #[test]
    fn decimals_keep_sign_digits_and_exponent(negative: bool, digits: u64, exponent in -40..40_i64) {
        let sign = if negative { "-" } else { "" };
        let decimal: wool_values::Decimal = format!("{sign}{digits}e{exponent}").parse()?;
        let text = decimal.as_str();
        prop_assert_eq!(text.starts_with('-'), negative);
        let (number, shift) = text.split_once('E').unwrap_or((text, "0"));
        let scale = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        prop_assert_eq!(shift.parse::<i64>().unwrap() - scale as i64, exponent);
        let found: String = number.chars().filter(char::is_ascii_digit).collect();
        prop_assert_eq!(found.parse::<u64>().unwrap(), digits);
    }
}

/// A value of `depth` containers in one another, of every kind there is.
fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::from(1), |value, level| match level % 6 {
        0 => Value::List(vec![value]),
        1 => Value::Tuple(vec![value]),
        2 => Value::named("n", value),
        3 => Value::Map(Map::from_entries(vec![(Value::Null, value)]).unwrap()),
        4 => Value::Map(Map::from_entries(vec![(value, Value::Null)]).unwrap()),
        _ => Value::Set(Set::from_elements(vec![Value::Null, value]).unwrap()),
    })
}

#[test]
fn the_depth_limit_is_the_same_on_both_sides() {
    for limit in [0, 1, 128, Limits::MAX_DEPTH - 1] {
        let (limits, more) = (
            Limits::default().with_depth(limit),
            Limits::default().with_depth(limit + 1),
        );
        let bytes = encode(&nested(limit), &limits).unwrap();
        assert_eq!(decode(&bytes, &limits), Ok(nested(limit)));

        let deeper = nested(limit + 1);
        assert_eq!(
            encode(&deeper, &limits).unwrap_err().kind(),
            ErrorKind::TooDeep
        );
        let bytes = encode(&deeper, &more).unwrap();
        assert_eq!(
            decode(&bytes, &limits).unwrap_err().kind(),
            ErrorKind::TooDeep
        );
    }
    assert_eq!(
        Limits::default().with_depth(usize::MAX).depth(),
        Limits::MAX_DEPTH
    );
}

#[test]
fn the_greatest_depth_leaves_stack_to_spare() {
    let limits = Limits::default().with_depth(Limits::MAX_DEPTH);
    let thread = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            let value = nested(Limits::MAX_DEPTH);
            let decoded = decode(&encode(&value, &limits)?, &limits)?;
            Ok::<_, wool_values::ValueError>(decoded == value && decoded.identical(&value.clone()))
        });
    assert_eq!(thread.unwrap().join().unwrap(), Ok(true));
}

#[test]
fn long_bytes_share_the_input() {
    let value = Value::List(vec![
        Value::from(vec![7_u8; 1 << 20]),
        Value::from(vec![7_u8; 8]),
    ]);
    let input = Bytes::from(encode(&value, &Limits::default()).unwrap());
    let range = input.as_ptr_range();
    let decoded = decode_shared(&input, &Limits::default()).unwrap();
    let shared = |index: usize| {
        range.contains(
            &decoded.as_list().unwrap()[index]
                .as_bytes()
                .unwrap()
                .as_ptr(),
        )
    };
    assert!(shared(0) && !shared(1));
}

#[test]
fn a_failed_encoding_leaves_the_buffer_as_it_was() {
    let mut out = b"before".to_vec();
    let value = Value::List(vec![Value::from("x"), Value::named("", Value::Null)]);
    let error = wool_values::encode_into(&value, &Limits::default(), &mut out).unwrap_err();
    assert_eq!(
        (error.kind(), error.path().as_str()),
        (ErrorKind::InvalidValue, "$[1]")
    );
    assert_eq!(out, b"before");
}

#[test]
fn long_tuples_need_no_shift_of_their_header() {
    for length in [
        0, 1, 13, 250, 251, 252, 253, 65_529, 65_530, 65_531, 65_532, 65_533, 70_000,
    ] {
        let value = Value::Tuple(vec![Value::from("x".repeat(length))]);
        let bytes = encode(&value, &Limits::default()).unwrap();
        assert_eq!(decode(&bytes, &Limits::default()), Ok(value), "{length}");
    }
}

#[test]
fn errors_tell_where() {
    let depth_2 = Limits::default().with_depth(2);
    let path = |bytes: &[u8]| decode(bytes, &depth_2).unwrap_err().path();
    assert_eq!(path(b"\xc1"), "$");
    assert_eq!(path(b"\x92\x01\xc1"), "$[1]");
    assert_eq!(path(b"\x81\xa5items\x92\x01\xc1"), "$.items[1]");
    assert_eq!(path(b"\x81\xa3a b\xc1"), "$[\"a b\"]");
    assert_eq!(path(b"\x81\x07\xc1"), "$[7]");
    assert_eq!(path(b"\x82\x07\x07\xc1\x07"), "$<key 1>");
    assert_eq!(path(b"\x91\x82\x01\x01\x01\x01"), "$[0]");
    let long = [b"\x81\xd9\xc8", "é".repeat(100).as_bytes(), b"\xc1"].concat();
    assert_eq!(path(&long), format!("$[\"{}…\"]", "é".repeat(64)));
}

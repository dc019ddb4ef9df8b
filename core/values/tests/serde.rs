//! Types of a program's own, through serde.

#![allow(clippy::unwrap_used, reason = "what cannot be converted is a failure")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wool_values::{
    BigInt, Date, Decimal, Duration, Map, Set, Time, Timestamp, Uuid, Value, ValueError,
    from_value, to_value,
};

fn back<T: Serialize + DeserializeOwned + PartialEq + Debug>(from: &T) -> Value {
    let value = to_value(from).unwrap();
    assert_eq!(&from_value::<T>(value.clone()).unwrap(), from);
    value
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.map(|(key, value)| (Value::from(key), value));
    Value::Map(Map::from_entries(entries.into()).unwrap())
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Shape {
    Dot,
    Named(String),
    Line(Point, Point),
    Circle { at: Point, radius: f32 },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Unit;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Meters(u64);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Sheep {
    name: String,
    #[serde(with = "serde_bytes")]
    fleece: Vec<u8>,
    mother: Option<Box<Sheep>>,
    #[serde(default)]
    tags: BTreeMap<String, i8>,
}

#[test]
fn what_serde_knows_has_its_kind() {
    let point = || Point { x: 1.0, y: -0.5 };
    let as_map = || map([("x", Value::from(1.0)), ("y", Value::from(-0.5))]);
    assert_eq!(back(&point()), as_map());
    assert_eq!(back(&Shape::Dot), Value::from("Dot"));
    assert_eq!(
        back(&Shape::Named("a".to_owned())),
        map([("Named", Value::from("a"))])
    );
    assert_eq!(
        back(&Shape::Line(point(), point())),
        map([("Line", Value::Tuple(vec![as_map(), as_map()]))])
    );
    back(&Shape::Circle {
        at: point(),
        radius: 0.5,
    });
    assert_eq!(back(&Unit), Value::Null);
    assert_eq!(back(&Meters(u64::MAX)), Value::from(u64::MAX));
    assert_eq!(
        back(&(1_u8, 'x', "y".to_owned())),
        Value::from((1, "x", "y"))
    );
    assert_eq!(back(&vec![Some(1), None]), Value::from(vec![Some(1), None]));
    assert_eq!(back(&i128::MIN), Value::from(i128::MIN));
    assert_eq!(back(&u128::MAX), Value::from(u128::MAX));
    back(&HashMap::from([(1_u64, true), (u64::MAX, false)]));
    back(&BTreeMap::from([((1, "a".to_owned()), ())]));
    back(&HashSet::from(["a".to_owned()]));
    let dolly = Sheep {
        name: "Dolly".to_owned(),
        fleece: vec![0, 255],
        mother: Some(Box::new(Sheep {
            name: "6LL3".to_owned(),
            fleece: vec![],
            mother: None,
            tags: BTreeMap::new(),
        })),
        tags: BTreeMap::from([("weight".to_owned(), -1)]),
    };
    let value = back(&dolly);
    let fleece = value.as_map().unwrap().get("fleece").unwrap();
    assert_eq!(fleece.as_bytes().unwrap().as_ref(), [0, 255]);
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Everything {
    any: Value,
    big: BigInt,
    at: Timestamp,
    day: Date,
    time: Time,
    span: Duration,
    price: Decimal,
    id: Uuid,
    map: Map,
    set: Set,
}

fn everything() -> Everything {
    let entries = vec![
        (Value::from((1, 2)), Value::Null),
        (Value::from(1.5), 1.into()),
    ];
    Everything {
        any: Value::List(vec![
            Value::named("geometry.Point", (1, 2)),
            Value::from(vec![1_u8, 2]),
            Value::from(u64::MAX),
            Value::Set(Set::from_elements(vec![Value::from(1), Value::from("a")]).unwrap()),
            Value::from(Uuid::from_bytes([7; 16])),
        ]),
        big: (-(1_i128 << 100)).to_string().parse().unwrap(),
        at: Timestamp::new(-1, 999_999_999).unwrap(),
        day: Date::from_days(-719_162),
        time: Time::from_nanos(1).unwrap(),
        span: Duration::new(i64::MIN, 0).unwrap(),
        price: "1.10".parse().unwrap(),
        id: Uuid::from_bytes([1; 16]),
        map: Map::from_entries(entries).unwrap(),
        set: Set::from_elements(vec![Value::Null]).unwrap(),
    }
}

#[test]
fn the_kinds_of_this_crate_are_kept() {
    let value = back(&everything());
    let kinds: Vec<&str> = value
        .as_map()
        .unwrap()
        .iter()
        .map(|(_, value)| value.kind().name())
        .collect();
    let expected = [
        "list",
        "int",
        "timestamp",
        "date",
        "time",
        "duration",
        "decimal",
        "uuid",
        "map",
        "set",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(to_value(&value).unwrap(), value);
}

/// In a format that does not know them they are text and numbers.
#[test]
fn other_formats_see_text_and_numbers() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Order {
        id: Uuid,
        price: Decimal,
        at: Timestamp,
        note: Value,
    }
    let order = Order {
        id: Uuid::from_bytes([0; 16]),
        price: "1.10".parse().unwrap(),
        at: Timestamp::new(1, 2).unwrap(),
        note: Value::List(vec![Value::Null, Value::from("x"), Value::from(1.5)]),
    };
    let text = serde_json::to_string(&order).unwrap();
    assert_eq!(
        text,
        r#"{"id":"00000000-0000-0000-0000-000000000000","price":"1.10","at":[1,2],"note":[null,"x",1.5]}"#
    );
    assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
}

#[test]
fn what_does_not_fit_says_where() {
    fn refused<T: DeserializeOwned + Debug>(value: impl Into<Value>) -> String {
        from_value::<T>(value.into()).unwrap_err().to_string()
    }
    assert_eq!(refused::<u8>(256), "256 does not fit u8");
    assert_eq!(refused::<Point>(1), "expected map, found int");
    assert_eq!(
        refused::<Point>(map([("x", 1.into())])),
        "missing field `y`"
    );
    assert_eq!(
        refused::<Vec<Point>>(vec![map([("x", 1.into()), ("y", "2".into())])]),
        "$[0].y: expected float, found string"
    );
    assert_eq!(
        refused::<HashMap<u8, u8>>(Value::from(HashMap::from([(1, 300)]))),
        "$[1]: 300 does not fit u8"
    );
    assert_eq!(
        refused::<Shape>(map([("Circle", map([("radius", true.into())]))])),
        "$.Circle.radius: expected float, found bool"
    );
    assert_eq!(
        refused::<Shape>("Square"),
        "unknown variant `Square`, expected one of `Dot`, `Named`, `Line`, `Circle`"
    );
    assert_eq!(
        refused::<(i64, i64)>((1, 2, 3)),
        "expected 2 elements, found 3"
    );
    assert_eq!(refused::<Uuid>("text"), "expected uuid, found string");
    let error: ValueError = to_value(&vec![HashMap::from([("k", BadKey)])]).unwrap_err();
    assert_eq!(error.to_string(), "$[0].k: no bad keys");
}

struct BadKey;

impl Serialize for BadKey {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no bad keys"))
    }
}

/// One side may learn of a field before the other.
#[test]
fn fields_that_are_not_known_are_passed_over() {
    let value = map([("x", 1.into()), ("y", 2.into()), ("z", "more".into())]);
    assert_eq!(
        from_value::<Point>(value).unwrap(),
        Point { x: 1.0, y: 2.0 }
    );
}

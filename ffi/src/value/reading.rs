//! A value, or the arguments of a call, while it is read.

use std::sync::Arc;

use wool_core::Error;
use wool_values::{Argument, Arguments, ErrorKind, Value, ValueError};

use super::building::codec;
use crate::memory::EMPTY;
use crate::types::wool_value_kind_t::*;
use crate::types::*;

/// Values in the order in which they are read, a container's head before its contents.
pub(super) struct Reading {
    items: Vec<Item>,
    at: usize,
    top: Top,
}

/// What the outermost values are, for errors to say.
enum Top {
    Value,
    /// So many positional arguments, then pairs of a name and an argument.
    Arguments {
        positional: usize,
    },
    /// The arguments of a routine, one for each of its parameters.
    Bound {
        routine: Arc<str>,
        parameters: Arc<[String]>,
        /// Whether each was given by its name.
        by_name: Vec<bool>,
    },
}

pub(super) enum Item {
    /// A value that holds no others.
    Leaf(Value),
    /// A container; so many elements, or pairs, follow.
    Head(wool_value_kind_t, usize),
    /// A named value; what it is made of follows.
    Named(String),
}

impl Item {
    /// How many values follow that belong to it.
    fn contents(&self) -> usize {
        match self {
            Item::Leaf(_) => 0,
            Item::Head(WOOL_VALUE_MAP, pairs) => 2 * pairs,
            Item::Head(_, elements) => *elements,
            Item::Named(_) => 1,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Item::Leaf(value) => value.kind().name(),
            Item::Head(WOOL_VALUE_LIST, _) => "list",
            Item::Head(WOOL_VALUE_MAP, _) => "map",
            Item::Head(WOOL_VALUE_TUPLE, _) => "tuple",
            Item::Head(..) => "set",
            Item::Named(_) => "named value",
        }
    }

    /// The value as C sees it; it points into the item.
    pub(super) fn to_c(&self) -> wool_value_t {
        let none = wool_value_t {
            kind: WOOL_VALUE_NULL as i32,
            boolean: 0,
            integer: 0,
            unsigned_integer: 0,
            number: 0.0,
            bytes: EMPTY,
            count: 0,
            nanos: 0,
        };
        match self {
            Item::Leaf(value) => leaf_to_c(value, none),
            Item::Head(kind, count) => wool_value_t {
                kind: *kind as i32,
                count: *count,
                ..none
            },
            Item::Named(type_name) => with_bytes(none, WOOL_VALUE_NAMED, type_name.as_bytes()),
        }
    }
}

fn with_bytes(none: wool_value_t, kind: wool_value_kind_t, bytes: &[u8]) -> wool_value_t {
    wool_value_t {
        kind: kind as i32,
        bytes: wool_slice_t::of_bytes(bytes),
        ..none
    }
}

fn with_integer(
    none: wool_value_t,
    kind: wool_value_kind_t,
    integer: i64,
    nanos: u32,
) -> wool_value_t {
    wool_value_t {
        kind: kind as i32,
        integer,
        nanos,
        ..none
    }
}

fn leaf_to_c(value: &Value, none: wool_value_t) -> wool_value_t {
    match value {
        Value::Bool(boolean) => wool_value_t {
            kind: WOOL_VALUE_BOOL as i32,
            boolean: (*boolean).into(),
            ..none
        },
        Value::Int(integer) => with_integer(none, WOOL_VALUE_INT, *integer, 0),
        Value::BigInt(integer) => match value.as_u64() {
            Some(unsigned_integer) => wool_value_t {
                kind: WOOL_VALUE_UINT as i32,
                unsigned_integer,
                ..none
            },
            None => wool_value_t {
                integer: if integer.is_negative() { -1 } else { 1 },
                ..with_bytes(none, WOOL_VALUE_BIGINT, integer.magnitude())
            },
        },
        Value::Float(number) => wool_value_t {
            kind: WOOL_VALUE_FLOAT as i32,
            number: *number,
            ..none
        },
        Value::String(text) => with_bytes(none, WOOL_VALUE_STRING, text.as_bytes()),
        Value::Bytes(bytes) => with_bytes(none, WOOL_VALUE_BYTES, bytes),
        Value::Decimal(decimal) => {
            with_bytes(none, WOOL_VALUE_DECIMAL, decimal.as_str().as_bytes())
        }
        Value::Uuid(uuid) => with_bytes(none, WOOL_VALUE_UUID, uuid.as_bytes()),
        Value::Timestamp(time) => {
            with_integer(none, WOOL_VALUE_TIMESTAMP, time.seconds(), time.nanos())
        }
        Value::Duration(span) => {
            with_integer(none, WOOL_VALUE_DURATION, span.seconds(), span.nanos())
        }
        Value::Date(date) => with_integer(none, WOOL_VALUE_DATE, date.days().into(), 0),
        // Less than a day of nanoseconds.
        Value::Time(time) => with_integer(none, WOOL_VALUE_TIME, time.nanos().cast_signed(), 0),
        // Null; containers are heads.
        _ => none,
    }
}

/// Takes a value apart, a container's head before its contents.
fn flatten(value: Value, items: &mut Vec<Item>) {
    let (kind, elements) = match value {
        Value::List(elements) => (WOOL_VALUE_LIST, elements),
        Value::Tuple(elements) => (WOOL_VALUE_TUPLE, elements),
        Value::Set(elements) => (WOOL_VALUE_SET, elements.into_iter().collect()),
        Value::Map(map) => {
            items.push(Item::Head(WOOL_VALUE_MAP, map.len()));
            for (key, value) in map {
                flatten(key, items);
                flatten(value, items);
            }
            return;
        }
        Value::Named { type_name, value } => {
            items.push(Item::Named(type_name));
            return flatten(*value, items);
        }
        leaf => return items.push(Item::Leaf(leaf)),
    };
    items.push(Item::Head(kind, elements.len()));
    for element in elements {
        flatten(element, items);
    }
}

impl Reading {
    pub(super) fn of_value(value: Value) -> Reading {
        let mut items = Vec::new();
        flatten(value, &mut items);
        Reading {
            items,
            at: 0,
            top: Top::Value,
        }
    }

    pub(super) fn of_arguments(arguments: Arguments) -> Reading {
        let mut items = Vec::new();
        let positional = arguments.positional.len();
        for value in arguments.positional {
            flatten(value, &mut items);
        }
        for (name, value) in arguments.named {
            items.push(Item::Leaf(Value::String(name)));
            flatten(value, &mut items);
        }
        Reading {
            items,
            at: 0,
            top: Top::Arguments { positional },
        }
    }

    /// The arguments of a routine, one value for each of its parameters.
    pub(super) fn of_bound(
        arguments: Vec<Argument>,
        routine: Arc<str>,
        parameters: Arc<[String]>,
    ) -> Reading {
        let mut items = Vec::new();
        let mut by_name = Vec::with_capacity(arguments.len());
        for argument in arguments {
            by_name.push(argument.by_name);
            flatten(argument.value, &mut items);
        }
        Reading {
            items,
            at: 0,
            top: Top::Bound {
                routine,
                parameters,
                by_name,
            },
        }
    }

    pub(super) fn next(&mut self) -> Option<&Item> {
        let item = self.items.get(self.at)?;
        self.at += 1;
        Some(item)
    }

    /// The next value if it is what is wanted; else it stays the next.
    pub(super) fn next_as<T>(
        &mut self,
        wanted: &str,
        take: impl FnOnce(&Item) -> Option<T>,
    ) -> Result<T, Error> {
        let item = self.items.get(self.at);
        match item.map(|item| (take(item), item)) {
            Some((Some(taken), _)) => {
                self.at += 1;
                Ok(taken)
            }
            Some((None, item)) => {
                let message = format!("expected {wanted}, found {}", item.name());
                Err(self
                    .here(ValueError::new(ErrorKind::KindMismatch, message))
                    .into())
            }
            None => Err(codec(format!("expected {wanted}, found the end"))),
        }
    }

    /// Whether the next value is null, which is then passed.
    pub(super) fn pass_null(&mut self) -> bool {
        let null = matches!(self.items.get(self.at), Some(Item::Leaf(Value::Null)));
        self.at += usize::from(null);
        null
    }

    pub(super) fn skip(&mut self) -> Result<(), Error> {
        let mut left = 1;
        while left > 0 {
            let Some(item) = self.next() else {
                return Err(codec("there is no value left to skip"));
            };
            left += item.contents();
            left -= 1;
        }
        Ok(())
    }

    /// The error, placed where the next value is. It costs a walk over what was read, which is fine for an error.
    fn here(&self, error: ValueError) -> ValueError {
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut roots = 0;
        for item in self.items.iter().take(self.at) {
            match open.last_mut() {
                Some(container) => container.pass(item),
                None => roots += 1,
            }
            let contents = item.contents();
            if contents > 0 {
                open.push(Open::of(item, contents));
            }
            while open.pop_if(|container| container.left == 0).is_some() {}
        }
        // Of all containers but the innermost, the place is in what was passed last.
        let inside = !open.is_empty();
        let mut error = error;
        if let Some(innermost) = open.pop() {
            error = innermost.place(error, innermost.passed);
        }
        for container in open.iter().rev() {
            error = container.place(error, container.passed - 1);
        }
        self.top_place(error, if inside { roots - 1 } else { roots })
    }

    /// The error of the outermost value `index`.
    fn top_place(&self, error: ValueError, index: usize) -> ValueError {
        match &self.top {
            Top::Value => error,
            Top::Arguments { positional } if index < *positional => error.at_index(index),
            Top::Arguments { positional } => {
                let pair = (index - positional) / 2;
                if (index - positional).is_multiple_of(2) {
                    return error.in_key(pair);
                }
                match self.root(index - 1) {
                    Some(Item::Leaf(name)) => error.at_entry(name, pair),
                    _ => error,
                }
            }
            Top::Bound {
                routine,
                parameters,
                by_name,
            } => error.of_argument(
                routine,
                index,
                parameters.get(index).map(String::as_str),
                by_name.get(index).copied().unwrap_or_default(),
            ),
        }
    }

    /// The head of the outermost value `index`.
    fn root(&self, index: usize) -> Option<&Item> {
        let mut at = 0;
        for _ in 0..index {
            let mut left = 1;
            while left > 0 {
                left += self.items.get(at)?.contents();
                left -= 1;
                at += 1;
            }
        }
        self.items.get(at)
    }
}

/// A container of which some contents have been passed.
struct Open<'a> {
    head: &'a Item,
    passed: usize,
    left: usize,
    /// Of a map: the last key that was passed.
    key: Option<&'a Item>,
}

impl<'a> Open<'a> {
    fn of(head: &'a Item, left: usize) -> Open<'a> {
        Open {
            head,
            passed: 0,
            left,
            key: None,
        }
    }

    fn pass(&mut self, item: &'a Item) {
        if self.passed.is_multiple_of(2) {
            self.key = Some(item);
        }
        self.passed += 1;
        self.left -= 1;
    }

    /// The error, which is in the content number `index`, seen from this container.
    fn place(&self, error: ValueError, index: usize) -> ValueError {
        match self.head {
            Item::Named(_) => error,
            Item::Head(WOOL_VALUE_MAP, _) if index.is_multiple_of(2) => error.in_key(index / 2),
            Item::Head(WOOL_VALUE_MAP, _) => match self.key {
                Some(Item::Leaf(key)) => error.at_entry(key, index / 2),
                // Only scalars are told.
                _ => error.at_entry(&Value::List(Vec::new()), index / 2),
            },
            _ => error.at_index(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use wool_values::{Map, args};

    use super::*;

    fn reader(value: impl Into<Value>) -> Reading {
        Reading::of_value(value.into())
    }

    #[test]
    fn a_head_comes_before_its_contents() {
        let map = Map::from_entries(vec![(Value::from("sheep"), Value::from(7))]).unwrap();
        let mut reader = reader(Value::List(vec![
            Value::Map(map),
            Value::named("Wool", 1),
            Value::Null,
        ]));
        let kinds: Vec<i32> =
            std::iter::from_fn(|| reader.next().map(|item| item.to_c().kind)).collect();
        let expected = [
            WOOL_VALUE_LIST,
            WOOL_VALUE_MAP,
            WOOL_VALUE_STRING,
            WOOL_VALUE_INT,
            WOOL_VALUE_NAMED,
            WOOL_VALUE_INT,
            WOOL_VALUE_NULL,
        ];
        assert_eq!(kinds, expected.map(|kind| kind as i32));
    }

    #[test]
    fn skipping_takes_a_container_with_its_contents() {
        let mut reader = reader(Value::List(vec![
            Value::from(vec![1, 2]),
            Value::from("after"),
        ]));
        reader.next();
        reader.skip().unwrap();
        let text = reader.next_as("string", |item| match item {
            Item::Leaf(value) => value.as_str().map(str::to_owned),
            _ => None,
        });
        assert_eq!(text.unwrap(), "after");
        assert!(reader.skip().is_err());
    }

    #[test]
    fn what_does_not_fit_is_named_and_stays() {
        let mut reader = reader("seven");
        let error = reader.next_as::<()>("int", |_| None).unwrap_err();
        assert_eq!(error.message(), "expected int, found string");
        assert!(reader.next().is_some());
        let error = reader.next_as::<()>("int", |_| None).unwrap_err();
        assert_eq!(error.message(), "expected int, found the end");
    }

    /// Errors tell where the next value is, however it was come to.
    #[test]
    fn errors_tell_the_place() {
        let map = Map::from_entries(vec![
            (Value::from("sheep"), Value::from(vec![1, 2])),
            (Value::from(7), Value::named("Wool", (1, 2))),
            (Value::from((1, 2)), Value::Null),
        ]);
        let value = Value::List(vec![
            Value::Tuple(vec![]),
            Value::Map(map.unwrap()),
            Value::Null,
        ]);
        let mut reader = reader(value);
        let mut places = Vec::new();
        loop {
            let error = reader.next_as::<()>("fleece", |_| None).unwrap_err();
            let (place, _) = error.message().split_once("expected").unwrap();
            places.push(place.trim_end_matches(": ").to_owned());
            if reader.next().is_none() {
                break;
            }
        }
        let expected = [
            "",
            "$[0]",
            "$[1]",
            "$[1]<key 0>",
            "$[1].sheep",
            "$[1].sheep[0]",
            "$[1].sheep[1]",
            "$[1]<key 1>",
            "$[1][7]",
            "$[1][7]",
            "$[1][7][0]",
            "$[1][7][1]",
            "$[1]<key 2>",
            "$[1]<key 2>[0]",
            "$[1]<key 2>[1]",
            "$[1]<value 2>",
            "$[2]",
            "",
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn errors_in_arguments_name_them() {
        let wrong = |reader: &mut Reading| {
            let error = reader.next_as::<()>("int", |_| None).unwrap_err();
            error.message().to_owned()
        };
        let mut reader = Reading::of_arguments(args![1; scale = "x"]);
        assert_eq!(wrong(&mut reader), "$[0]: expected int, found int");
        reader.next();
        assert_eq!(wrong(&mut reader), "$<key 0>: expected int, found string");
        reader.next();
        assert_eq!(wrong(&mut reader), "$.scale: expected int, found string");

        let parameters: Arc<[String]> = ["a", "b", "scale"].map(str::to_owned).into();
        let arguments = args![1, vec!["x"]; scale = "y"];
        let bound = arguments.for_routine("calc.scaled", Arc::clone(&parameters));
        let mut reader =
            Reading::of_bound(bound.bind(2).unwrap(), "calc.scaled".into(), parameters);
        reader.next();
        reader.next();
        assert_eq!(
            wrong(&mut reader),
            r#"calc.scaled: argument 2 "b" ($[1][0]): expected int, found string"#
        );
        reader.next();
        assert_eq!(
            wrong(&mut reader),
            r#"calc.scaled: argument "scale" ($.scale): expected int, found string"#
        );
    }

    #[test]
    fn integers_of_every_size_have_their_kinds() {
        let cases = [
            (Value::from(-1), WOOL_VALUE_INT),
            (Value::from(u64::MAX), WOOL_VALUE_UINT),
            (Value::from(u128::MAX), WOOL_VALUE_BIGINT),
            (Value::from(i128::MIN), WOOL_VALUE_BIGINT),
        ];
        for (value, kind) in cases {
            assert_eq!(reader(value).next().unwrap().to_c().kind, kind as i32);
        }
    }

    #[test]
    fn arguments_are_values_and_then_pairs() {
        let mut reader = Reading::of_arguments(args![1, 2].with("scale", 0.5));
        let items = std::iter::from_fn(|| reader.next().map(Item::name)).collect::<Vec<_>>();
        assert_eq!(items, ["int", "int", "string", "float"]);
    }
}

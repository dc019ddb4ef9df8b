//! When two keys are the same, for the maps and sets that must not have them twice.
//!
//! Keys come from strangers and may be containers themselves, so the checks here neither compare
//! all with all nor hash without a secret.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use crate::error::{ErrorKind, ValueError, show};
use crate::value::Value;

/// Up to so many scalar keys are compared one with another: cheaper than hashing them.
const FEW: usize = 16;

/// Refuses keys of which two are equal, or one is or holds NaN.
pub(crate) fn check<'a, K>(keys: K) -> Result<(), ValueError>
where
    K: ExactSizeIterator<Item = &'a Value> + Clone,
{
    for key in keys.clone() {
        check_one(key)?;
    }
    if keys.len() < 2 {
        return Ok(());
    }
    let twice = if keys.len() <= FEW && keys.clone().all(is_scalar) {
        let mut rest = keys.clone();
        keys.into_iter().find(|key| {
            rest.next();
            rest.clone().any(|other| other == *key)
        })
    } else {
        Index::new(keys).duplicate()
    };
    match twice {
        None => Ok(()),
        Some(key) => {
            let message = format!("{} is here twice", show(key));
            Err(ValueError::new(ErrorKind::DuplicateKey, message))
        }
    }
}

/// Refuses a key that is or holds NaN.
pub(crate) fn check_one(key: &Value) -> Result<(), ValueError> {
    if holds_nan(key) {
        return Err(ValueError::new(
            ErrorKind::NanKey,
            "NaN cannot be a key or in a set",
        ));
    }
    Ok(())
}

/// Whether the keys are scalars, and the same in the same order.
pub(crate) fn same_order<'a, K: Iterator<Item = &'a Value>>(left: K, right: K) -> bool {
    left.zip(right).all(|(a, b)| is_scalar(a) && a == b)
}

fn is_scalar(value: &Value) -> bool {
    !matches!(
        value,
        Value::List(_) | Value::Tuple(_) | Value::Map(_) | Value::Set(_) | Value::Named { .. }
    )
}

fn holds_nan(value: &Value) -> bool {
    match value {
        Value::Float(value) => value.is_nan(),
        Value::List(elements) | Value::Tuple(elements) => elements.iter().any(holds_nan),
        // Its own keys cannot: they have been checked.
        Value::Map(map) => map.values().any(holds_nan),
        Value::Named { value, .. } => holds_nan(value),
        _ => false,
    }
}

/// Finds keys by content.
pub(crate) struct Index<'a> {
    state: RandomState,
    /// By hash: the hash, the key's position, the key.
    sorted: Vec<(u64, usize, &'a Value)>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(keys: impl Iterator<Item = &'a Value>) -> Self {
        let state = RandomState::new();
        let mut sorted: Vec<_> = keys
            .enumerate()
            .map(|(position, key)| (digest(key, &state), position, key))
            .collect();
        sorted.sort_unstable_by_key(|(hash, position, _)| (*hash, *position));
        Self { state, sorted }
    }

    /// The position of the key that equals `key`.
    pub(crate) fn find(&self, key: &Value) -> Option<usize> {
        let hash = digest(key, &self.state);
        let start = self.sorted.partition_point(|(other, ..)| *other < hash);
        self.sorted[start..]
            .iter()
            .take_while(|(other, ..)| *other == hash)
            .find(|(.., other)| *other == key)
            .map(|(_, position, _)| *position)
    }

    /// A key that is there more than once.
    fn duplicate(&self) -> Option<&'a Value> {
        self.sorted
            .chunk_by(|(a, ..), (b, ..)| a == b)
            .find_map(|alike| {
                alike.iter().enumerate().find_map(|(index, (.., key))| {
                    alike[index + 1..]
                        .iter()
                        .any(|(.., other)| other == key)
                        .then_some(*key)
                })
            })
    }
}

/// A hash that is the same for equal values.
fn digest(value: &Value, state: &RandomState) -> u64 {
    let mut hasher = state.build_hasher();
    feed(value, &mut hasher, state);
    hasher.finish()
}

fn feed(value: &Value, hasher: &mut impl Hasher, state: &RandomState) {
    value.kind().hash(hasher);
    match value {
        Value::Null => {}
        Value::Bool(value) => value.hash(hasher),
        Value::Int(value) => value.hash(hasher),
        Value::BigInt(value) => value.hash(hasher),
        // 0.0 and -0.0 are equal.
        Value::Float(value) => (if *value == 0.0 { 0 } else { value.to_bits() }).hash(hasher),
        Value::String(value) => value.hash(hasher),
        Value::Bytes(value) => value.hash(hasher),
        Value::List(elements) | Value::Tuple(elements) => {
            elements.len().hash(hasher);
            for element in elements {
                feed(element, hasher, state);
            }
        }
        // Sums, because order does not matter.
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| {
                let mut entry = state.build_hasher();
                feed(key, &mut entry, state);
                feed(value, &mut entry, state);
                entry.finish()
            })
            .fold(0, u64::wrapping_add)
            .hash(hasher),
        Value::Set(set) => set
            .iter()
            .map(|element| digest(element, state))
            .fold(0, u64::wrapping_add)
            .hash(hasher),
        Value::Timestamp(value) => value.hash(hasher),
        Value::Date(value) => value.hash(hasher),
        Value::Time(value) => value.hash(hasher),
        Value::Duration(value) => value.hash(hasher),
        Value::Decimal(value) => value.hash(hasher),
        Value::Uuid(value) => value.hash(hasher),
        Value::Named { type_name, value } => {
            type_name.hash(hasher);
            feed(value, hasher, state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Map, Set};

    fn set(elements: impl IntoIterator<Item = i64>) -> Value {
        Value::Set(Set::from_elements(elements.into_iter().map(Value::from).collect()).unwrap())
    }

    #[test]
    fn equal_values_have_equal_digests() {
        let state = RandomState::new();
        let map = |entries: [(&str, f64); 2]| {
            Value::from(
                Map::from_entries(entries.map(|(k, v)| (k.into(), v.into())).into()).unwrap(),
            )
        };
        for (a, b) in [
            (Value::from(0.0), Value::from(-0.0)),
            (set(0..5), set((0..5).rev())),
            (
                map([("a", 0.0), ("b", 1.0)]),
                map([("b", 1.0), ("a", -0.0)]),
            ),
        ] {
            assert_eq!(a, b);
            assert_eq!(digest(&a, &state), digest(&b, &state));
        }
        assert_ne!(
            digest(&Value::from(1), &state),
            digest(&Value::from(1.0), &state)
        );
    }

    #[test]
    fn many_keys_are_checked_quickly() {
        let mut keys: Vec<Value> = (0..100_000).map(Value::from).collect();
        assert!(check(keys.iter()).is_ok());
        keys.push(Value::from(99_999));
        assert_eq!(
            check(keys.iter()).unwrap_err().kind(),
            ErrorKind::DuplicateKey
        );
    }

    #[test]
    fn containers_as_keys_are_compared_by_content() {
        assert!(check([set([1, 2]), set([1, 3])].iter()).is_ok());
        assert!(check([set([1, 2]), set([2, 1])].iter()).is_err());
    }

    /// Compared twice per level, maps nested so deep would take for ever.
    #[test]
    fn deeply_nested_keys_are_compared_once_per_level() {
        let nest = |last: i64| {
            (0..100).fold(Value::from(last), |key, level| {
                let entries = vec![(key, Value::Null), (Value::from(level), Value::Null)];
                Value::Map(Map::from_entries(entries).unwrap())
            })
        };
        assert_eq!(nest(-1), nest(-1));
        assert_ne!(nest(-1), nest(-2));
    }
}

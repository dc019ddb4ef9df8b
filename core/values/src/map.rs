//! Maps.

use std::fmt;

use crate::convert::IntoValue;
use crate::error::ValueError;
use crate::keys;
use crate::value::Value;

/// Keys and values in order, no key twice.
///
/// A key can be any value that neither is nor holds NaN; most languages ask for less (see
/// `proto/values.md`), and text is understood by all. Keys are the same when they are equal as
/// [`Value`]s. A lookup takes time in proportion to the length: for many of them, take the map out
/// as a `HashMap` by [`Value::extract`].
///
/// ```
/// use wool_values::{Map, Value};
///
/// let mut sheep = Map::new();
/// sheep.insert("name", "Dolly")?;
/// sheep.insert("born", 1996)?;
/// assert_eq!(sheep.get("born"), Some(&Value::Int(1996)));
/// assert_eq!(sheep.keys().next(), Some(&Value::from("name")));
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, Default)]
pub struct Map {
    entries: Vec<(Value, Value)>,
}

impl Map {
    /// A map without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// The map of these entries, in this order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateKey`](crate::ErrorKind::DuplicateKey) or
    /// [`ErrorKind::NanKey`](crate::ErrorKind::NanKey).
    pub fn from_entries(entries: Vec<(Value, Value)>) -> Result<Self, ValueError> {
        keys::check(entries.iter().map(|(key, _)| key))?;
        Ok(Self { entries })
    }

    /// The map of entries whose keys are known to differ, and to hold no NaN.
    pub(crate) fn from_distinct(entries: Vec<(Value, Value)>) -> Self {
        Self { entries }
    }

    /// Adds an entry at the end, or replaces the value of a key that is there, and returns the
    /// value it had. Takes time in proportion to the length: [`Map::from_entries`] is the way to
    /// make a large one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NanKey`](crate::ErrorKind::NanKey).
    pub fn insert(
        &mut self,
        key: impl IntoValue,
        value: impl IntoValue,
    ) -> Result<Option<Value>, ValueError> {
        let (key, value) = (key.into_value(), value.into_value());
        keys::check_one(&key)?;
        match self.entries.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => Ok(Some(std::mem::replace(old, value))),
            None => {
                self.entries.push((key, value));
                Ok(None)
            }
        }
    }

    /// The value under a string key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter()
            .find(|(other, _)| other.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    /// The value under a key of any kind.
    #[must_use]
    pub fn get_value(&self, key: &Value) -> Option<&Value> {
        self.iter()
            .find(|(other, _)| *other == key)
            .map(|(_, value)| value)
    }

    /// Takes the value under a string key out; the rest keeps its order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let index = self
            .entries
            .iter()
            .position(|(other, _)| other.as_str() == Some(key))?;
        Some(self.entries.remove(index).1)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Value, &Value)> + Clone {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Value> + Clone {
        self.entries.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> + Clone {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The values in the order of their keys, to change.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Value> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

/// Without regard to order.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        if keys::same_order(self.keys(), other.keys()) {
            return self.values().eq(other.values());
        }
        let index = keys::Index::new(other.keys());
        self.entries.iter().all(|(key, value)| {
            index
                .find(key)
                .is_some_and(|position| other.entries[position].1 == *value)
        })
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The entries in order.
impl IntoIterator for Map {
    type Item = (Value, Value);
    type IntoIter = std::vec::IntoIter<(Value, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// Fails as [`Map::from_entries`] does.
impl TryFrom<Vec<(Value, Value)>> for Map {
    type Error = ValueError;

    fn try_from(entries: Vec<(Value, Value)>) -> Result<Self, ValueError> {
        Self::from_entries(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn map<const N: usize>(entries: [(i64, i64); N]) -> Map {
        Map::from_entries(
            entries
                .map(|(key, value)| (key.into(), value.into()))
                .into(),
        )
        .unwrap()
    }

    #[test]
    fn insert_keeps_the_place_of_a_key() {
        let mut map = map([(1, 10), (2, 20)]);
        assert_eq!(map.insert(1, 11), Ok(Some(Value::Int(10))));
        assert_eq!(map.insert(3, 30), Ok(None));
        assert_eq!(
            map.insert(f64::NAN, 0).unwrap_err().kind(),
            ErrorKind::NanKey
        );
        let keys: Vec<_> = map.keys().filter_map(Value::as_i64).collect();
        assert_eq!(keys, [1, 2, 3]);
        assert_eq!(map.get_value(&Value::Int(1)), Some(&Value::Int(11)));
        assert_eq!(map.get("1"), None);
    }

    #[test]
    fn remove_keeps_the_order_of_the_rest() {
        let mut map = Map::from_entries(
            ["a", "b", "c"]
                .map(|key| (Value::from(key), Value::from(key)))
                .into(),
        )
        .unwrap();
        assert_eq!(map.remove("b"), Some(Value::from("b")));
        assert_eq!(map.remove("b"), None);
        assert!(map.keys().eq([&Value::from("a"), &Value::from("c")]));
    }

    #[test]
    fn order_does_not_matter_for_equality() {
        assert_eq!(map([(1, 10), (2, 20)]), map([(2, 20), (1, 10)]));
        assert_ne!(map([(1, 10), (2, 20)]), map([(2, 10), (1, 20)]));
        assert_ne!(map([(1, 10)]), map([(1, 10), (2, 20)]));
        assert_ne!(map([(1, 10)]), map([(2, 10)]));
    }
}

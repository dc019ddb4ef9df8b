//! Values that ride along with a call, beside its arguments: who asks, for which customer, at which priority.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use wool_values::{IntoValue, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::payload::{Codec, Payload};
use crate::wire;

/// What a context may have, in bytes: its names and encoded values. It travels in the frame that starts the task.
pub(crate) const MOST_BYTES: usize = 64 * 1024;

/// The values of a call, each under a namespace and a name. The worker's admission hook and the routine see them. Cheap
/// to clone.
///
/// ```
/// # use wool::Context;
/// # fn main() -> wool::Result<()> {
/// let mut context = Context::default();
/// context.set("shop", "customer", 7)?;
/// assert_eq!(context.get("shop", "customer")?, Some(7.into()));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// `None` when there are none, as with most calls.
    values: Option<Arc<Vec<ContextValue>>>,
}

/// One of a context's values.
#[derive(Clone, Debug)]
pub struct ContextValue {
    /// Whose name it is.
    pub namespace: String,
    /// What it is called there.
    pub name: String,
    /// The value, encoded as MessagePack.
    pub encoded: Bytes,
}

impl ContextValue {
    fn len(&self) -> usize {
        self.namespace.len() + self.name.len() + self.encoded.len()
    }
}

impl Context {
    /// Sets a value; one that is there already is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for what cannot be encoded; [`ErrorKind::PayloadTooLarge`] when the context would have more
    /// than 64 KiB.
    pub fn set(
        &mut self,
        namespace: impl Into<String>,
        name: impl Into<String>,
        value: impl IntoValue,
    ) -> Result<()> {
        let encoded = Payload::value(&value.into_value())?.into_bytes();
        self.set_encoded(namespace, name, encoded)
    }

    /// As [`Context::set`], of a value that is MessagePack already.
    ///
    /// # Errors
    /// [`ErrorKind::PayloadTooLarge`].
    pub fn set_encoded(
        &mut self,
        namespace: impl Into<String>,
        name: impl Into<String>,
        encoded: impl Into<Bytes>,
    ) -> Result<()> {
        let value = ContextValue {
            namespace: namespace.into(),
            name: name.into(),
            encoded: encoded.into(),
        };
        let values = Arc::make_mut(self.values.get_or_insert_default());
        let before = values
            .iter()
            .position(|other| other.namespace == value.namespace && other.name == value.name);
        let replaced = before.map(|index| values.remove(index));
        let size: usize = values.iter().map(ContextValue::len).sum();
        if size + value.len() > MOST_BYTES {
            let message = format!(
                "with {}.{} the context would have {} bytes, at most {MOST_BYTES} travel: pass what is large as an \
                 argument",
                value.namespace,
                value.name,
                size + value.len()
            );
            values.extend(replaced);
            return Err(Error::new(ErrorKind::PayloadTooLarge, message));
        }
        values.push(value);
        Ok(())
    }

    /// A value, if it is there.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for one that cannot be decoded.
    pub fn get(&self, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.values()
            .iter()
            .find(|value| value.namespace == namespace && value.name == name)
            .map(|value| Payload::new(Codec::Msgpack, value.encoded.clone()).to_value())
            .transpose()
    }

    /// All of them, in the order in which they were set.
    pub fn values(&self) -> &[ContextValue] {
        self.values.as_deref().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn to_wire(&self) -> Option<wire::Context> {
        let values = self.values.as_ref()?;
        let values = values.iter().map(|value| wire::ContextValue {
            namespace: value.namespace.clone(),
            name: value.name.clone(),
            value: Some(value.encoded.clone()),
        });
        Some(wire::Context {
            values: values.collect(),
            ..wire::Context::default()
        })
    }

    /// Of two values with one name the later counts. `None`: more than a context may have.
    pub(crate) fn from_wire(context: Option<wire::Context>) -> Option<Context> {
        let mut values = Vec::new();
        let mut size = 0;
        let mut names = HashSet::new();
        // From the last, as only the last of a name is taken.
        for value in context.unwrap_or_default().values.into_iter().rev() {
            // A value that is unset where nothing was set.
            let Some(encoded) = value.value else {
                continue;
            };
            let value = ContextValue {
                namespace: value.namespace,
                name: value.name,
                encoded,
            };
            size += value.len();
            if size > MOST_BYTES {
                return None;
            }
            if names.insert((value.namespace.clone(), value.name.clone())) {
                values.push(value);
            }
        }
        values.reverse();
        Some(Context {
            values: (!values.is_empty()).then(|| Arc::new(values)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_replaced_and_the_whole_is_bounded() {
        let mut context = Context::default();
        context.set("a", "b", 1).unwrap();
        let copy = context.clone();
        context.set("a", "b", 2).unwrap();
        context.set("a", "c", "x").unwrap();
        let large = context.set("a", "b", "x".repeat(MOST_BYTES));
        assert_eq!(large.unwrap_err().kind(), ErrorKind::PayloadTooLarge);
        assert_eq!(context.get("a", "b").unwrap(), Some(2.into()));
        assert_eq!(context.get("b", "a").unwrap(), None);
        assert_eq!(copy.get("a", "b").unwrap(), Some(1.into()));
        let received = Context::from_wire(context.to_wire()).unwrap();
        assert_eq!(received.values().len(), 2);
        assert_eq!(received.get("a", "c").unwrap(), Some("x".into()));
    }

    #[test]
    fn a_context_beyond_the_bound_is_not_taken() {
        let value = wire::ContextValue {
            namespace: "n".repeat(MOST_BYTES + 1),
            name: String::new(),
            value: Some(Bytes::new()),
        };
        let context = wire::Context {
            values: vec![value],
            ..wire::Context::default()
        };
        assert!(Context::from_wire(Some(context)).is_none());
        assert!(Context::from_wire(None).is_some());
    }

    #[test]
    fn of_two_values_with_one_name_the_later_counts() {
        let value = |name: &str, value: u8| wire::ContextValue {
            namespace: "n".to_owned(),
            name: name.to_owned(),
            value: Some(vec![value].into()),
        };
        let context = wire::Context {
            values: vec![value("a", 1), value("b", 2), value("a", 3)],
            ..wire::Context::default()
        };
        let context = Context::from_wire(Some(context)).unwrap();
        let found: Vec<_> = context
            .values()
            .iter()
            .map(|v| (&*v.name, v.encoded[0]))
            .collect();
        assert_eq!(found, [("b", 2), ("a", 3)]);
    }
}

//! What is told to hosts of other languages as a value: maps of named parts.

use wool_values::{IntoValue, Map, Value};

use crate::error::{Error, Result};

impl Error {
    /// Its kind and message.
    pub(crate) fn to_value(&self) -> Result<Value> {
        map([
            ("kind", text(self.kind().name())),
            ("message", text(self.message())),
        ])
    }
}

pub(crate) fn text(text: &str) -> Value {
    text.into_value()
}

pub(crate) fn list<T>(items: &[T], one: impl FnMut(&T) -> Result<Value>) -> Result<Value> {
    let items: Vec<Value> = items.iter().map(one).collect::<Result<_>>()?;
    Ok(Value::List(items))
}

pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Result<Value> {
    let entries = entries
        .into_iter()
        .map(|(key, value)| (text(key), value))
        .collect();
    Ok(Value::Map(Map::from_entries(entries)?))
}

//! A value, or the arguments of a call, while it is put together.

use wool_core::{Error, ErrorKind};
use wool_values::{Arguments, Limits, Map, Set, Value};

use crate::guard::Result;
use crate::types::wool_status_t;

/// Values added so far. Errors stick.
#[derive(Default)]
pub(super) struct Building {
    /// Containers that are not complete, outermost first.
    open: Vec<Open>,
    complete: Option<Complete>,
    failed: Option<Error>,
}

enum Complete {
    Value(Value),
    Arguments(Arguments),
}

/// A container that still gets values.
struct Open {
    container: Container,
    wanted: usize,
    values: Vec<Value>,
}

pub(super) enum Container {
    List,
    Tuple,
    Set,
    Map,
    Named(String),
    Arguments { positional: usize },
}

impl Container {
    fn name(&self) -> &'static str {
        match self {
            Container::List => "list",
            Container::Tuple => "tuple",
            Container::Set => "set",
            Container::Map => "map",
            Container::Named(_) => "named value",
            Container::Arguments { .. } => "list of arguments",
        }
    }
}

/// A container of which C was told a count has no more room made for it beforehand than this.
const ROOM: usize = 1024;

impl Building {
    /// Does something, unless something failed before; what fails sticks.
    pub(super) fn step(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<wool_status_t> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        match step(self) {
            Ok(()) => Ok(wool_status_t::WOOL_OK),
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error.into())
            }
        }
    }

    pub(super) fn add(&mut self, value: Value) -> Result<(), Error> {
        let mut value = value;
        loop {
            let Some(open) = self.open.last_mut() else {
                if self.complete.is_some() {
                    return Err(codec(
                        "the value is complete: finish it before the next begins",
                    ));
                }
                self.complete = Some(Complete::Value(value));
                return Ok(());
            };
            open.values.push(value);
            match self.close_full()? {
                Some(container) => value = container,
                None => return Ok(()),
            }
        }
    }

    pub(super) fn begin(&mut self, container: Container, wanted: usize) -> Result<(), Error> {
        if self.open.len() >= Limits::MAX_DEPTH {
            return Err(codec(
                "more containers in one another than the limit allows",
            ));
        }
        if self.open.is_empty() && self.complete.is_some() {
            return Err(codec(
                "the value is complete: finish it before the next begins",
            ));
        }
        if matches!(container, Container::Arguments { .. }) && !self.open.is_empty() {
            return Err(codec("arguments cannot be inside of another value"));
        }
        self.open.push(Open {
            container,
            wanted,
            values: Vec::with_capacity(wanted.min(ROOM)),
        });
        match self.close_full()? {
            Some(empty) => self.add(empty),
            None => Ok(()),
        }
    }

    /// The innermost container's value, if it has all it wants.
    fn close_full(&mut self) -> Result<Option<Value>, Error> {
        let Some(open) = self.open.pop_if(|open| open.values.len() == open.wanted) else {
            return Ok(None);
        };
        let values = open.values;
        Ok(Some(match open.container {
            Container::List => Value::List(values),
            Container::Tuple => Value::Tuple(values),
            Container::Set => Value::Set(Set::from_elements(values)?),
            Container::Map => Value::Map(Map::from_entries(pairs(values))?),
            Container::Named(name) => {
                Value::named(name, values.into_iter().next().unwrap_or_default())
            }
            Container::Arguments { positional } => {
                self.complete = Some(Complete::Arguments(arguments(values, positional)?));
                return Ok(None);
            }
        }))
    }

    pub(super) fn finish(&mut self) -> Result<Vec<u8>, Error> {
        let Building {
            open,
            complete,
            failed,
        } = std::mem::take(self);
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(open) = open.last() {
            return Err(codec(format!(
                "the {} is incomplete: it wants {} values and has {}",
                open.container.name(),
                open.wanted,
                open.values.len()
            )));
        }
        let limits = limits();
        match complete {
            Some(Complete::Value(value)) => Ok(wool_values::encode(&value, &limits)?),
            Some(Complete::Arguments(arguments)) => Ok(arguments.encode(&limits)?),
            None => Err(codec("nothing was built")),
        }
    }
}

/// Values of any length that the host has memory for: what may be sent is the pool's and the worker's business.
pub(super) fn limits() -> Limits {
    Limits::default().with_bytes(usize::MAX)
}

pub(super) fn codec(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Codec, message)
}

fn pairs(values: Vec<Value>) -> Vec<(Value, Value)> {
    let mut pairs = Vec::with_capacity(values.len() / 2);
    let mut values = values.into_iter();
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn arguments(mut values: Vec<Value>, positional: usize) -> Result<Arguments, Error> {
    let named = values.split_off(positional);
    let named = pairs(named).into_iter().map(|(name, value)| match name {
        Value::String(name) => Ok((name, value)),
        other => Err(codec(format!(
            "the name of an argument is a {}, not a string",
            other.kind()
        ))),
    });
    let mut arguments = Arguments::new(values);
    arguments.named = named.collect::<Result<_, _>>()?;
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(steps: impl FnOnce(&mut Building) -> Result<(), Error>) -> Result<Value, Error> {
        let mut builder = Building::default();
        steps(&mut builder)?;
        Ok(wool_values::decode(&builder.finish()?, &limits())?)
    }

    #[test]
    fn containers_close_when_they_are_full() {
        let value = built(|builder| {
            builder.begin(Container::List, 3)?;
            builder.begin(Container::Tuple, 0)?;
            builder.begin(Container::Map, 2)?;
            builder.add(Value::from("key"))?;
            builder.begin(Container::Named("Point".to_owned()), 1)?;
            builder.add(Value::from(1))?;
            builder.add(Value::Null)
        });
        let map = Map::from_entries(vec![(Value::from("key"), Value::named("Point", 1))]).unwrap();
        let expected = Value::List(vec![Value::Tuple(vec![]), Value::Map(map), Value::Null]);
        assert_eq!(value.unwrap(), expected);
    }

    #[test]
    fn what_is_incomplete_or_too_much_is_an_error() {
        let incomplete = built(|builder| builder.begin(Container::List, 2)).unwrap_err();
        assert_eq!(
            incomplete.message(),
            "the list is incomplete: it wants 2 values and has 0"
        );
        let nothing = built(|_| Ok(())).unwrap_err();
        assert_eq!(nothing.message(), "nothing was built");
        let too_much = built(|builder| {
            builder.add(Value::Null)?;
            builder.add(Value::Null)
        });
        assert_eq!(too_much.unwrap_err().kind(), ErrorKind::Codec);
        let too_deep = built(|builder| {
            (0..=Limits::MAX_DEPTH).try_for_each(|_| builder.begin(Container::List, 1))
        });
        assert_eq!(too_deep.unwrap_err().kind(), ErrorKind::Codec);
    }

    #[test]
    fn errors_stick_until_the_builder_is_finished() {
        let mut builder = Building::default();
        builder
            .step(|builder| builder.begin(Container::Set, 2))
            .unwrap();
        builder.step(|builder| builder.add(Value::Int(1))).unwrap();
        assert!(builder.step(|builder| builder.add(Value::Int(1))).is_err());
        assert!(builder.step(|builder| builder.add(Value::Int(2))).is_err());
        assert!(builder.finish().is_err());
        builder.step(|builder| builder.add(Value::Int(3))).unwrap();
        assert_eq!(builder.finish().unwrap(), [3]);
    }

    #[test]
    fn arguments_have_positions_and_names() {
        let mut builder = Building::default();
        builder
            .begin(Container::Arguments { positional: 1 }, 3)
            .unwrap();
        builder.add(Value::Int(1)).unwrap();
        builder.add(Value::from("scale")).unwrap();
        builder.add(Value::Float(0.5)).unwrap();
        let expected = Arguments::new(vec![Value::Int(1)]).with("scale", 0.5);
        assert_eq!(
            Arguments::decode(&builder.finish().unwrap(), &limits()).unwrap(),
            expected
        );

        builder
            .begin(Container::Arguments { positional: 0 }, 2)
            .unwrap();
        builder.add(Value::Int(1)).unwrap();
        assert!(
            builder
                .add(Value::Int(2))
                .unwrap_err()
                .message()
                .contains("is a int")
        );
    }
}

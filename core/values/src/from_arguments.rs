//! The arguments of a call to Rust types.

use crate::arguments::{Argument, Arguments, Callee};
use crate::convert::{FromValue, IntoValue};
use crate::error::ValueError;

/// Rust types that the arguments of a call can be taken out as: a tuple of what the parameters
/// are, a `Vec` for any number of them, or the [`Arguments`] themselves.
pub trait FromArguments: Sized {
    /// Takes it out of the arguments.
    ///
    /// # Errors
    ///
    /// As [`Arguments::extract`].
    fn from_arguments(arguments: Arguments) -> Result<Self, ValueError>;
}

impl FromArguments for Arguments {
    fn from_arguments(arguments: Arguments) -> Result<Self, ValueError> {
        Ok(arguments)
    }
}

/// Any number of positional arguments, and none by name.
impl<T: FromValue> FromArguments for Vec<T> {
    fn from_arguments(arguments: Arguments) -> Result<Self, ValueError> {
        let (values, callee) = arguments.unnamed()?;
        let values = values.into_iter().enumerate();
        values
            .map(|(index, value)| {
                T::from_value(value).map_err(|error| callee.place(error, index, false))
            })
            .collect()
    }
}

impl FromArguments for () {
    fn from_arguments(arguments: Arguments) -> Result<Self, ValueError> {
        arguments.places::<0>(0).map(|([], _)| ())
    }
}

/// No arguments.
impl From<()> for Arguments {
    fn from((): ()) -> Self {
        Self::default()
    }
}

/// One positional argument for each value.
impl<T: IntoValue> From<Vec<T>> for Arguments {
    fn from(values: Vec<T>) -> Self {
        Self::new(values.into_iter().map(T::into_value).collect())
    }
}

/// An input of many calls, each of which gets one: a value is its call's one argument, [`Arguments`] are all of them.
pub trait IntoInput {
    /// The arguments of its call.
    fn into_input(self) -> Arguments;
}

impl<T: IntoValue> IntoInput for T {
    fn into_input(self) -> Arguments {
        Arguments::new(vec![self.into_value()])
    }
}

impl IntoInput for Arguments {
    fn into_input(self) -> Arguments {
        self
    }
}

/// The parameters of a routine, some of which may be left out.
struct Parameters {
    callee: Callee,
    needed: usize,
    most: usize,
    found: usize,
}

impl Parameters {
    fn take<T: FromValue>(
        &self,
        argument: Option<Argument>,
        index: usize,
    ) -> Result<T, ValueError> {
        match argument {
            Some(argument) => {
                let Argument { value, by_name } = argument;
                T::from_value(value).map_err(|error| self.callee.place(error, index, by_name))
            }
            None => T::absent().ok_or_else(|| {
                self.callee
                    .missing(index, self.needed, self.most, self.found)
            }),
        }
    }
}

macro_rules! tuples {
    ($($name:ident)*; $most:literal) => {
        /// One positional argument for each element.
        impl<$($name: IntoValue),*> From<($($name,)*)> for Arguments {
            fn from(values: ($($name,)*)) -> Self {
                #[allow(non_snake_case, reason = "one name for type and variable")]
                let ($($name,)*) = values;
                Self::new(vec![$($name.into_value()),*])
            }
        }

        impl<$($name: FromValue),*> FromArguments for ($($name,)*) {
            fn from_arguments(arguments: Arguments) -> Result<Self, ValueError> {
                let needed = [$($name::absent().is_none()),*];
                let needed = needed.into_iter().filter(|needed| *needed).count();
                let found = arguments.positional.len() + arguments.named.len();
                let (places, callee) = arguments.places::<$most>(needed)?;
                let parameters = Parameters { callee, needed, most: $most, found };
                let mut index = 0..;
                #[allow(non_snake_case, reason = "one name for type and variable")]
                let [$($name),*] = places;
                Ok(($(
                    parameters.take::<$name>($name, index.next().unwrap_or_default())?,
                )*))
            }
        }
    };
}

tuples!(A; 1);
tuples!(A B; 2);
tuples!(A B C; 3);
tuples!(A B C D; 4);
tuples!(A B C D E; 5);
tuples!(A B C D E F; 6);
tuples!(A B C D E F G; 7);
tuples!(A B C D E F G H; 8);

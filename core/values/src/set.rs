//! Sets.

use std::fmt;

use crate::convert::IntoValue;
use crate::error::ValueError;
use crate::keys;
use crate::value::Value;

/// Distinct values, in the order in which they came.
///
/// What holds for the keys of a [`Map`](crate::Map) holds for elements: none equal, none that is
/// or holds NaN, and lookups in proportion to the length.
///
/// ```
/// use wool_values::{Set, Value};
///
/// let mut set = Set::new();
/// assert!(set.insert("ewe")?);
/// assert!(!set.insert("ewe")?);
/// assert!(set.contains(&Value::from("ewe")));
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, Default)]
pub struct Set {
    elements: Vec<Value>,
}

impl Set {
    /// A set without elements.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            elements: Vec::new(),
        }
    }

    /// The set of these elements, in this order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateKey`](crate::ErrorKind::DuplicateKey) or
    /// [`ErrorKind::NanKey`](crate::ErrorKind::NanKey).
    pub fn from_elements(elements: Vec<Value>) -> Result<Self, ValueError> {
        keys::check(elements.iter())?;
        Ok(Self { elements })
    }

    /// The set of elements that are known to differ, and to hold no NaN.
    pub(crate) fn from_distinct(elements: Vec<Value>) -> Self {
        Self { elements }
    }

    /// Adds an element, and says whether it is new. Takes time in proportion to the length:
    /// [`Set::from_elements`] is the way to make a large one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NanKey`](crate::ErrorKind::NanKey).
    pub fn insert(&mut self, element: impl IntoValue) -> Result<bool, ValueError> {
        let element = element.into_value();
        keys::check_one(&element)?;
        let new = !self.contains(&element);
        if new {
            self.elements.push(element);
        }
        Ok(new)
    }

    /// Whether `element` is in the set.
    #[must_use]
    pub fn contains(&self, element: &Value) -> bool {
        self.elements.contains(element)
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The elements in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.elements.iter()
    }

    /// The elements in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Value] {
        &self.elements
    }
}

/// Without regard to order.
impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        if keys::same_order(self.iter(), other.iter()) {
            return true;
        }
        let index = keys::Index::new(other.iter());
        self.iter().all(|element| index.find(element).is_some())
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.elements).finish()
    }
}

/// The elements in order.
impl IntoIterator for Set {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.elements.into_iter()
    }
}

/// The elements in order.
impl<'a> IntoIterator for &'a Set {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Fails as [`Set::from_elements`] does.
impl TryFrom<Vec<Value>> for Set {
    type Error = ValueError;

    fn try_from(elements: Vec<Value>) -> Result<Self, ValueError> {
        Self::from_elements(elements)
    }
}

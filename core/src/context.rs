//! Values that ride along with calls, beside their arguments: who asks, for which customer, at which priority. What a
//! routine changes flows back to its caller.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use wool_values::{IntoValue, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::payload::{Codec, Payload};
use crate::wire;

/// What may travel at once, in bytes: names and encoded values.
pub(crate) const MOST_BYTES: usize = 64 * 1024;
/// What may come together from several peers. What then does not travel on is refused there.
const MOST_KEPT: usize = 1024 * 1024;

/// The namespace whose values travel in fields of their own, as tracing tools expect them.
const TRACE: &str = "w3c";
const TRACEPARENT: &str = "traceparent";
const BAGGAGE: &str = "baggage";

/// A bag of values, each under a namespace and a name. Clones share it; [`Context::copy`] does not.
///
/// Each task has one, made of what came with its call. A call that is made with a context sends its values; what the
/// callee sets and unsets is there when its answer is, item by item. Concurrent tasks never see each other's.
///
/// ```
/// # use wool::Context;
/// # fn main() -> wool::Result<()> {
/// let context = Context::new();
/// context.set("shop", "customer", 7)?;
/// assert_eq!(context.get("shop", "customer")?, Some(7.into()));
/// context.unset("shop", "customer");
/// assert_eq!(context.get("shop", "customer")?, None);
/// # Ok(()) }
/// ```
///
/// The namespace `w3c` has two names, `traceparent` and `baggage`, whose values are text and do not flow back.
#[derive(Clone, Debug, Default)]
pub struct Context {
    bag: Arc<Bag>,
}

#[derive(Debug, Default)]
struct Bag {
    /// Of the newest entry. Written under the lock; read without it to see that nothing has changed.
    version: AtomicU64,
    entries: Mutex<Entries>,
}

/// By namespace and name.
#[derive(Clone, Debug, Default)]
struct Entries {
    by_name: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Entry>>,
    /// In bytes, with the names of what was unset.
    size: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    namespace: Arc<str>,
    name: Arc<str>,
    /// `None`: unset, which is a change that travels, too.
    encoded: Option<Bytes>,
    version: u64,
}

/// One of a context's values.
#[derive(Clone, Debug)]
pub struct ContextValue {
    /// Whose name it is.
    pub namespace: Arc<str>,
    /// What it is called there.
    pub name: Arc<str>,
    /// The value, encoded as MessagePack.
    pub encoded: Bytes,
}

/// Up to where somebody knows of a context's changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen(u64);

impl Entries {
    fn get(&self, namespace: &str, name: &str) -> Option<&Entry> {
        self.by_name.get(namespace)?.get(name)
    }

    /// How large it all would be with this entry.
    fn size_with(&self, entry: &Entry) -> usize {
        let replaced = self.get(&entry.namespace, &entry.name);
        self.size + entry.len() - replaced.map_or(0, Entry::len)
    }

    fn put(&mut self, entry: Entry) {
        self.size = self.size_with(&entry);
        let names = self
            .by_name
            .entry(Arc::clone(&entry.namespace))
            .or_default();
        names.insert(Arc::clone(&entry.name), entry);
    }

    /// In the order of their last change.
    fn such(&self, such: impl Fn(&Entry) -> bool) -> Vec<&Entry> {
        let all = self.by_name.values().flat_map(BTreeMap::values);
        let mut found: Vec<_> = all.filter(|entry| such(entry)).collect();
        found.sort_by_key(|entry| entry.version);
        found
    }
}

impl Entry {
    fn len(&self) -> usize {
        self.namespace.len() + self.name.len() + self.encoded.as_ref().map_or(0, Bytes::len)
    }

    fn is_trace(&self) -> bool {
        &*self.namespace == TRACE
    }
}

impl Context {
    /// One without values.
    pub fn new() -> Context {
        Context::default()
    }

    /// Sets a value; one that is there already is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for what cannot be encoded; [`ErrorKind::PayloadTooLarge`] when the context would have more
    /// than 64 KiB; [`ErrorKind::InvalidArgument`] in the namespace `w3c` for what is neither of its names, or no text.
    pub fn set(
        &self,
        namespace: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
        value: impl IntoValue,
    ) -> Result<()> {
        let encoded = Payload::value(&value.into_value())?.into_bytes();
        self.set_encoded(namespace, name, encoded)
    }

    /// As [`Context::set`], of a value that is MessagePack already.
    ///
    /// # Errors
    /// As [`Context::set`].
    pub fn set_encoded(
        &self,
        namespace: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
        encoded: impl Into<Bytes>,
    ) -> Result<()> {
        let entry = Entry {
            namespace: namespace.into(),
            name: name.into(),
            encoded: Some(encoded.into()),
            version: 0,
        };
        check_trace(&entry)?;
        let mut entries = self.lock();
        let size = entries.size_with(&entry);
        if size > MOST_BYTES {
            let name = format!("{}.{}", entry.namespace, entry.name);
            return Err(too_large(
                &format!("with {name} the context would have"),
                size,
            ));
        }
        self.put(&mut entries, entry);
        Ok(())
    }

    /// Takes a value away, here and, once it flows on, there.
    pub fn unset(&self, namespace: &str, name: &str) {
        let mut entries = self.lock();
        let before = entries.get(namespace, name);
        if before.is_some_and(|entry| entry.encoded.is_some()) {
            let entry = Entry {
                namespace: namespace.into(),
                name: name.into(),
                encoded: None,
                version: 0,
            };
            self.put(&mut entries, entry);
        }
    }

    /// A value, if it is there.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for one that cannot be decoded.
    pub fn get(&self, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.get_encoded(namespace, name)
            .map(|encoded| Payload::new(Codec::Msgpack, encoded).to_value())
            .transpose()
    }

    /// As [`Context::get`], encoded as MessagePack.
    pub fn get_encoded(&self, namespace: &str, name: &str) -> Option<Bytes> {
        self.lock().get(namespace, name)?.encoded.clone()
    }

    /// All that are there, in the order in which they were set.
    pub fn values(&self) -> Vec<ContextValue> {
        let value = |entry: &Entry| {
            Some(ContextValue {
                namespace: Arc::clone(&entry.namespace),
                name: Arc::clone(&entry.name),
                encoded: entry.encoded.clone()?,
            })
        };
        let entries = self.lock();
        let all = entries.such(|_| true);
        all.into_iter().filter_map(value).collect()
    }

    /// Another context with the same values.
    #[must_use]
    pub fn copy(&self) -> Context {
        let entries = self.lock().clone();
        Context {
            bag: Arc::new(Bag {
                version: AtomicU64::new(self.bag.version.load(Ordering::Acquire)),
                entries: Mutex::new(entries),
            }),
        }
    }

    /// What a call takes along: all values, and on top of them some for it alone.
    ///
    /// # Errors
    /// [`ErrorKind::PayloadTooLarge`], [`ErrorKind::InvalidArgument`] for values that are none.
    pub(crate) fn start(&self, more: &[ContextValue]) -> Result<(Option<wire::Context>, Seen)> {
        if !more.is_empty() {
            let (_, seen) = self.start(&[])?;
            let all = self.copy();
            for value in more {
                let ContextValue {
                    namespace,
                    name,
                    encoded,
                } = value.clone();
                all.set_encoded(namespace, name, encoded)?;
            }
            return Ok((all.start(&[])?.0, seen));
        }
        let entries = self.lock();
        let seen = Seen(self.bag.version.load(Ordering::Acquire));
        let set = entries.such(|entry| entry.encoded.is_some());
        let size: usize = set.iter().map(|entry| entry.len()).sum();
        if size > MOST_BYTES {
            return Err(too_large("the call's context has", size));
        }
        Ok((to_wire(&set), seen))
    }

    /// What has changed since then, to be told; it is known from now on. `back`: to the caller, whom traces do not
    /// flow to.
    ///
    /// # Errors
    /// [`ErrorKind::PayloadTooLarge`]; it is then not known.
    pub(crate) fn changes(&self, seen: &mut Seen, back: bool) -> Result<Option<wire::Context>> {
        if self.bag.version.load(Ordering::Acquire) == seen.0 {
            return Ok(None);
        }
        let entries = self.lock();
        let changed = entries.such(|entry| entry.version > seen.0 && !(back && entry.is_trace()));
        let size: usize = changed.iter().map(|entry| entry.len()).sum();
        if size > MOST_BYTES {
            return Err(too_large("what has changed in the context has", size));
        }
        seen.0 = self.bag.version.load(Ordering::Acquire);
        Ok(to_wire(&changed))
    }

    /// Takes over what a peer has changed. Who told it needs not be told of it again. False: it is more than can be
    /// kept, and not taken over.
    pub(crate) fn merge(&self, changes: wire::Context, seen: &mut Seen) -> bool {
        let changes = from_wire(changes);
        let mut entries = self.lock();
        if entries.size + changes.iter().map(Entry::len).sum::<usize>() > MOST_KEPT {
            return false;
        }
        let known = self.bag.version.load(Ordering::Acquire) == seen.0;
        for entry in changes {
            self.put(&mut entries, entry);
        }
        if known {
            seen.0 = self.bag.version.load(Ordering::Acquire);
        }
        true
    }

    /// Of two values with one name the later counts. `None`: more than may travel at once.
    pub(crate) fn from_wire(context: Option<wire::Context>) -> Option<(Context, Seen)> {
        let received = Context::new();
        let mut seen = Seen::default();
        let Some(context) = context else {
            return Some((received, seen));
        };
        let entries = from_wire(context);
        if entries.iter().map(Entry::len).sum::<usize>() > MOST_BYTES {
            return None;
        }
        // Nothing was there that could be unset.
        for entry in entries.into_iter().filter(|entry| entry.encoded.is_some()) {
            received.put(&mut received.lock(), entry);
        }
        seen.0 = received.bag.version.load(Ordering::Acquire);
        Some((received, seen))
    }

    fn put(&self, entries: &mut Entries, entry: Entry) {
        let version = self.bag.version.load(Ordering::Acquire) + 1;
        entries.put(Entry { version, ..entry });
        self.bag.version.store(version, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        let entries = &self.bag.entries;
        entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_large(what: &str, size: usize) -> Error {
    Error::new(
        ErrorKind::PayloadTooLarge,
        format!(
            "{what} {size} bytes, at most {MOST_BYTES} travel: pass what is large as an argument"
        ),
    )
}

fn check_trace(entry: &Entry) -> Result<()> {
    if !entry.is_trace() {
        return Ok(());
    }
    let known = [TRACEPARENT, BAGGAGE].contains(&&*entry.name);
    if known && trace_text(entry).is_some() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "{TRACE}.{} is neither {TRACEPARENT} nor {BAGGAGE} with a text: those are for traces, use a namespace of \
             your own",
            entry.name
        ),
    ))
}

fn trace_text(entry: &Entry) -> Option<String> {
    let value = Payload::new(Codec::Msgpack, entry.encoded.clone()?).to_value();
    value.ok()?.as_str().map(str::to_owned)
}

fn to_wire(entries: &[&Entry]) -> Option<wire::Context> {
    if entries.is_empty() {
        return None;
    }
    let mut context = wire::Context::default();
    for entry in entries {
        if entry.is_trace() {
            let text = trace_text(entry).unwrap_or_default();
            if &*entry.name == TRACEPARENT {
                context.traceparent = text;
            } else {
                context.baggage = text;
            }
        } else {
            context.values.push(wire::ContextValue {
                namespace: entry.namespace.as_ref().to_owned(),
                name: entry.name.as_ref().to_owned(),
                value: entry.encoded.clone(),
            });
        }
    }
    Some(context)
}

/// Each name once, with the last that is said of it.
fn from_wire(context: wire::Context) -> Vec<Entry> {
    let mut names = HashSet::new();
    let values = context.values.into_iter().rev().map(|value| Entry {
        namespace: value.namespace.into(),
        name: value.name.into(),
        encoded: value.value,
        version: 0,
    });
    let mut entries: Vec<Entry> = values
        .filter(|entry| !entry.is_trace())
        .filter(|entry| names.insert((Arc::clone(&entry.namespace), Arc::clone(&entry.name))))
        .collect();
    entries.reverse();
    for (name, text) in [
        (TRACEPARENT, context.traceparent),
        (BAGGAGE, context.baggage),
    ] {
        if !text.is_empty()
            && let Ok(encoded) = Payload::value(&Value::from(text))
        {
            entries.push(Entry {
                namespace: TRACE.into(),
                name: name.into(),
                encoded: Some(encoded.into_bytes()),
                version: 0,
            });
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_replaced_and_the_whole_is_bounded() {
        let context = Context::new();
        context.set("a", "b", 1).unwrap();
        let copy = context.copy();
        let shared = context.clone();
        context.set("a", "b", 2).unwrap();
        context.set("a", "c", "x").unwrap();
        let large = context.set("a", "b", "x".repeat(MOST_BYTES));
        assert_eq!(large.unwrap_err().kind(), ErrorKind::PayloadTooLarge);
        assert_eq!(context.get("a", "b").unwrap(), Some(2.into()));
        assert_eq!(context.get("b", "a").unwrap(), None);
        assert_eq!(copy.get("a", "b").unwrap(), Some(1.into()));
        assert_eq!(shared.get("a", "b").unwrap(), Some(2.into()));
        let (started, _) = context.start(&[]).unwrap();
        let (received, _) = Context::from_wire(started).unwrap();
        assert_eq!(received.values().len(), 2);
        assert_eq!(received.get("a", "c").unwrap(), Some("x".into()));
    }

    #[test]
    fn changes_flow_back_once_and_are_no_echo() {
        let caller = Context::new();
        caller.set("a", "kept", 1).unwrap();
        caller.set("a", "gone", 2).unwrap();
        let (started, mut told) = caller.start(&[]).unwrap();
        let (callee, mut seen) = Context::from_wire(started).unwrap();
        assert!(callee.changes(&mut seen, true).unwrap().is_none());
        callee.unset("a", "gone");
        callee.unset("a", "never");
        callee.set("a", "new", 3).unwrap();
        let changes = callee.changes(&mut seen, true).unwrap();
        assert_eq!(changes.as_ref().unwrap().values.len(), 2);
        assert!(callee.changes(&mut seen, true).unwrap().is_none());
        assert!(caller.merge(changes.unwrap(), &mut told));
        assert_eq!(caller.get("a", "gone").unwrap(), None);
        assert_eq!(caller.get("a", "new").unwrap(), Some(3.into()));
        assert!(caller.changes(&mut told, false).unwrap().is_none());
        caller.set("a", "kept", 4).unwrap();
        let forward = caller.changes(&mut told, false).unwrap();
        assert!(callee.merge(forward.unwrap(), &mut seen));
        assert_eq!(callee.get("a", "kept").unwrap(), Some(4.into()));
        assert!(callee.changes(&mut seen, true).unwrap().is_none());
    }

    #[test]
    fn values_of_one_call_lie_on_top() {
        let context = Context::new();
        context.set("a", "b", 1).unwrap();
        let more = Context::new();
        more.set("a", "b", 2).unwrap();
        let (started, _) = context.start(&more.values()).unwrap();
        let (received, _) = Context::from_wire(started).unwrap();
        assert_eq!(received.get("a", "b").unwrap(), Some(2.into()));
        assert_eq!(context.get("a", "b").unwrap(), Some(1.into()));
    }

    #[test]
    fn traces_have_fields_of_their_own_and_do_not_flow_back() {
        let context = Context::new();
        context.set("w3c", "traceparent", "00-1-2-01").unwrap();
        for (name, value) in [("traceparent", Value::from(1)), ("other", "x".into())] {
            let refused = context.set("w3c", name, value).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        }
        let started = context.start(&[]).unwrap().0.unwrap();
        assert_eq!(started.traceparent, "00-1-2-01");
        assert!(started.values.is_empty());
        let (received, mut seen) = Context::from_wire(Some(started)).unwrap();
        let there = received.get("w3c", "traceparent").unwrap();
        assert_eq!(there, Some("00-1-2-01".into()));
        received.set("w3c", "baggage", "a=b").unwrap();
        assert!(received.changes(&mut seen, true).unwrap().is_none());
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
        let (context, _) = Context::from_wire(Some(context)).unwrap();
        let values = context.values();
        let found: Vec<_> = values.iter().map(|v| (&*v.name, v.encoded[0])).collect();
        assert_eq!(found, [("b", 2), ("a", 3)]);
    }
}

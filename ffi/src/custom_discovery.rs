//! Discoveries of the host's own: asked by callbacks, or through a queue.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use wool_core::{
    Codec, CustomDiscovery, Discovery, Error, ErrorKind, IntoValue, Payload, Publication,
    Subscriber, WorkerRecord,
};

use crate::callback::{UserData, quick};
use crate::discovery::wool_discovery_t;
use crate::error::wool_error_t;
use crate::guard::{self, Result, invalid};
use crate::handles;
use crate::queue::{self, Body, Event, Promise, Queue};
use crate::types::*;

use wool_event_kind_t::*;

/// A pool that wants to be told of workers, as the handle finds it.
pub(crate) struct Subscription {
    subscriber: Subscriber,
    handle: u64,
    asked: Asked,
}

enum Asked {
    ByCallbacks,
    /// The slot is for the end, which the host learns in any case.
    ByQueue {
        queue: Arc<Queue>,
        tag: u64,
        end: Mutex<Option<Promise>>,
    },
}

impl Subscription {
    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        match &self.asked {
            Asked::ByCallbacks => None,
            Asked::ByQueue { queue, .. } => Some(queue),
        }
    }

    /// The queue where it was asked is closed: nobody will tell of workers any more.
    pub(crate) fn abandon(&self) {
        if self.end() {
            self.subscriber.failed(queue_closed());
        }
    }

    /// From here on the handle is stale. False: it was.
    fn end(&self) -> bool {
        let ended = handles::remove(self.handle);
        if let Asked::ByQueue { tag, end, .. } = &self.asked
            && let Some(slot) = lock(end).take()
        {
            slot.keep(Event {
                kind: WOOL_EVENT_UNSUBSCRIBE,
                tag: *tag,
                handle: self.handle,
                body: Body::Nothing,
            });
        }
        ended
    }
}

/// A worker that waits to be published or withdrawn, as the handle finds it. It is there until it is answered, also when
/// nobody waits for that any more.
pub(crate) struct Publishing {
    /// Gone with the answer.
    publication: Mutex<Option<Publication>>,
    /// Where it was asked, if through a queue.
    queue: Option<Arc<Queue>>,
    handle: u64,
}

impl Publishing {
    fn insert(publication: Publication, queue: Option<Arc<Queue>>) -> Option<Arc<Publishing>> {
        // Without a handle, dropping the publication fails it.
        handles::insert(|handle| {
            Arc::new(Publishing {
                publication: Mutex::new(Some(publication)),
                queue,
                handle,
            })
        })
        .ok()
    }

    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        self.queue.as_ref()
    }

    /// The queue where it was asked is closed: nobody will answer.
    pub(crate) fn abandon(&self) {
        self.answer(Err(queue_closed()));
    }

    fn answer(&self, answer: Result<(), Error>) {
        handles::remove(self.handle);
        let publication = lock(&self.publication).take();
        if let Some(publication) = publication {
            publication.answer(answer);
        }
    }
}

/// What the host gave.
enum Custom {
    Callbacks(Callbacks),
    Queue(ByQueue),
}

struct Callbacks {
    subscribe: unsafe extern "C" fn(*mut c_void, wool_subscription_t),
    unsubscribe: wool_unsubscribe_fn,
    publish: wool_publish_fn,
    withdraw: wool_withdraw_fn,
    user_data: UserData,
}

struct ByQueue {
    queue: Arc<Queue>,
    tag: u64,
    publishes: bool,
    /// Only kept, as long as this.
    _user_data: UserData,
}

/// Held by whoever subscribed.
struct Held {
    subscription: Arc<Subscription>,
    /// Those who learn the end, unless through a queue.
    callbacks: Option<Arc<Custom>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.subscription.end();
        if let Some(Custom::Callbacks(callbacks)) = self.callbacks.as_deref()
            && let Some(unsubscribe) = callbacks.unsubscribe
        {
            let user_data = callbacks.user_data.pointer();
            // SAFETY: the host gave both together.
            quick(|| unsafe { unsubscribe(user_data, self.subscription.handle) });
        }
    }
}

/// The discovery as the core holds it.
struct Shared(Arc<Custom>);

impl CustomDiscovery for Shared {
    fn subscribe(&self, subscriber: Subscriber) -> Result<Box<dyn Send>, Error> {
        let held = match &*self.0 {
            Custom::Callbacks(callbacks) => {
                let subscription = handles::insert(|handle| {
                    Arc::new(Subscription {
                        subscriber,
                        handle,
                        asked: Asked::ByCallbacks,
                    })
                })?;
                let (user_data, handle) = (callbacks.user_data.pointer(), subscription.handle);
                // SAFETY: the host gave both together.
                quick(|| unsafe { (callbacks.subscribe)(user_data, handle) });
                Held {
                    subscription,
                    callbacks: Some(Arc::clone(&self.0)),
                }
            }
            Custom::Queue(by_queue) => Held {
                subscription: by_queue.subscribe(subscriber)?,
                callbacks: None,
            },
        };
        Ok(Box::new(held))
    }

    fn publish(&self, record: WorkerRecord, publication: Publication) {
        let encoded = record.to_value().and_then(|value| Payload::value(&value));
        let encoded = match encoded {
            Ok(encoded) => encoded,
            Err(error) => return publication.answer(Err(error)),
        };
        match &*self.0 {
            Custom::Callbacks(callbacks) => callbacks.publish(&record.uid, &encoded, publication),
            Custom::Queue(by_queue) if by_queue.publishes => {
                by_queue.ask(WOOL_EVENT_PUBLISH, encoded, publication);
            }
            Custom::Queue(_) => publication.answer(Err(only_finds("`publishes`"))),
        }
    }

    fn withdraw(&self, uid: &str, publication: Publication) {
        match &*self.0 {
            Custom::Callbacks(callbacks) => callbacks.withdraw(uid, publication),
            Custom::Queue(by_queue) if by_queue.publishes => {
                match Payload::value(&uid.into_value()) {
                    Ok(encoded) => by_queue.ask(WOOL_EVENT_WITHDRAW, encoded, publication),
                    Err(error) => publication.answer(Err(error)),
                }
            }
            Custom::Queue(_) => publication.answer(Ok(())),
        }
    }
}

impl Callbacks {
    fn publish(&self, uid: &str, record: &Payload, publication: Publication) {
        let Some(publish) = self.publish else {
            return publication.answer(Err(only_finds("`publish`")));
        };
        if let Some(publishing) = Publishing::insert(publication, None) {
            let (uid, record) = (
                wool_slice_t::of(uid),
                wool_slice_t::of_bytes(record.bytes()),
            );
            let user_data = self.user_data.pointer();
            // SAFETY: the host gave both together; what the slices lend lives during the call.
            quick(|| unsafe { publish(user_data, publishing.handle, uid, record) });
        }
    }

    fn withdraw(&self, uid: &str, publication: Publication) {
        let Some(withdraw) = self.withdraw else {
            return publication.answer(Ok(()));
        };
        if let Some(publishing) = Publishing::insert(publication, None) {
            let user_data = self.user_data.pointer();
            // SAFETY: as above.
            quick(|| unsafe { withdraw(user_data, publishing.handle, wool_slice_t::of(uid)) });
        }
    }
}

impl ByQueue {
    fn subscribe(&self, subscriber: Subscriber) -> Result<Arc<Subscription>, Error> {
        // Until the subscription is there, so that a close of the queue sees it, or this sees the close.
        let opened = self.queue.opened()?;
        self.queue.reserve(1)?;
        let made = opened.promise().and_then(|end| {
            handles::insert(|handle| {
                Arc::new(Subscription {
                    subscriber,
                    handle,
                    asked: Asked::ByQueue {
                        queue: Arc::clone(&self.queue),
                        tag: self.tag,
                        end: Mutex::new(Some(end)),
                    },
                })
            })
        });
        match made {
            Ok(subscription) => {
                let event = Event {
                    kind: WOOL_EVENT_SUBSCRIBE,
                    tag: self.tag,
                    handle: subscription.handle,
                    body: Body::Nothing,
                };
                self.queue.push(event, 1);
                Ok(subscription)
            }
            Err(error) => {
                self.queue.release(1);
                Err(error)
            }
        }
    }

    fn ask(&self, kind: wool_event_kind_t, payload: Payload, publication: Publication) {
        // As above.
        let Ok(_opened) = self.queue.opened() else {
            return publication.answer(Err(queue_closed()));
        };
        if let Err(full) = self.queue.reserve(1) {
            return publication.answer(Err(full));
        }
        match Publishing::insert(publication, Some(Arc::clone(&self.queue))) {
            Some(publishing) => self.queue.push(
                Event {
                    kind,
                    tag: self.tag,
                    handle: publishing.handle,
                    body: Body::Payload(payload),
                },
                1,
            ),
            None => self.queue.release(1),
        }
    }
}

fn queue_closed() -> Error {
    Error::new(
        ErrorKind::Closed,
        "the queue that the discovery is asked through is closed",
    )
}

fn only_finds(missing: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "this discovery only finds workers: to publish them, it would need {missing} in its options"
        ),
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A discovery of your own: it is asked for workers, and to publish them, by callbacks or through a queue, as
/// `options` say, and tells of them by wool_subscription_found and its like. The workers that it
/// names are presented the pool's `secret`. On success `*out` belongs to the caller: wool_discovery_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT with both or neither of `subscribe` and `queue`, and for other functions beside a
/// queue.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_discovery_new_custom")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_discovery_new_custom(
    options: *const wool_custom_discovery_t,
    out: *mut *mut wool_discovery_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::pure("wool_discovery_new_custom", error, || {
            let options = guard::options(options, "options")?;
            let user_data = UserData::new(options.user_data, options.destroy);
            let out = guard::out(out, "out")?;
            let custom = match (options.subscribe, queue::optional(options.queue)) {
                (Some(subscribe), None) => Custom::Callbacks(Callbacks {
                    subscribe,
                    unsubscribe: options.unsubscribe,
                    publish: options.publish,
                    withdraw: options.withdraw,
                    user_data,
                }),
                (None, Some(queue))
                    if options.unsubscribe.is_none()
                        && options.publish.is_none()
                        && options.withdraw.is_none() =>
                {
                    Custom::Queue(ByQueue {
                        queue: Arc::clone(queue),
                        tag: options.tag,
                        publishes: options.publishes != 0,
                        _user_data: user_data,
                    })
                }
                (_, Some(_)) => {
                    return Err(invalid(
                        "options.queue and functions are both given: one of them can be the discovery",
                    ));
                }
                (None, None) => {
                    return Err(invalid(
                        "options.subscribe and options.queue are both NULL: nobody could be asked for workers",
                    ));
                }
            };
            let core = Discovery::Custom(Arc::new(Shared(Arc::new(custom))));
            out.put(Box::into_raw(Box::new(wool_discovery_t::new(core))));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// There is a worker, or a newer record of it: a value, a map of `uid` (dashed), `addresses` ("host:port", a list),
/// `tags` (a list), `extra` (a map of strings), `secure` (bool), `identity`, `pid`, `language`, `version`, `protocol` (a
/// list of two), `doors` (a list of "session", "dispatch"). The addresses are enough. From any thread, in callbacks, too.
/// Once the subscription has ended it does nothing.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT, naming the part, for what is no record, WOOL_ERR_CODEC for what is no value.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_subscription_found")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_subscription_found(
    subscription: wool_subscription_t,
    record: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_subscription_found", error, || {
            let record = Bytes::copy_from_slice(guard::bytes(record, "record")?);
            let record = Payload::new(Codec::Msgpack, record).to_value()?;
            let record = WorkerRecord::from_value(&record)?;
            if let Some(subscription) = handles::subscription_unless_stale(subscription)? {
                subscription.subscriber.found(record)?;
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// A worker has gone: `key` is its uid or, where its record has none, its first address. As wool_subscription_found
/// otherwise.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_subscription_gone")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_subscription_gone(
    subscription: wool_subscription_t,
    key: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_subscription_gone", error, || {
            let key = guard::text(key, "key")?;
            if let Some(subscription) = handles::subscription_unless_stale(subscription)? {
                subscription.subscriber.gone(key);
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// All workers that were there at the beginning have been told, or, after wool_subscription_failed, it works again. Until
/// then calls wait for workers that may still come, up to their dispatch timeout. As wool_subscription_found otherwise.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_subscription_scanned")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_subscription_scanned(
    subscription: wool_subscription_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_subscription_scanned", error, || {
            if let Some(subscription) = handles::subscription_unless_stale(subscription)? {
                subscription.subscriber.scanned();
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Workers cannot be found at present, and why, for people; those that are known stay. As wool_subscription_found
/// otherwise.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_subscription_failed")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_subscription_failed(
    subscription: wool_subscription_t,
    message: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_subscription_failed", error, || {
            let message = guard::text(message, "message")?;
            if let Some(subscription) = handles::subscription_unless_stale(subscription)? {
                let failed = Error::new(ErrorKind::Discovery, message);
                subscription.subscriber.failed(failed);
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Says how it went: `status` is WOOL_OK, or the wool_status_t of an error, which `message` tells to people; a worker that
/// could not be published does not start. From any thread, in callbacks, too. It does no harm when nobody waits for the
/// answer any more, nor the second time.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a status that is none; the question is not answered then.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_publication_answer")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_publication_answer(
    publication: wool_publication_t,
    status: i32,
    message: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_publication_answer", error, || {
            let message = guard::text(message, "message")?;
            let answer = match (status, kind_of(status)) {
                (0, _) => Ok(()),
                (_, Some(kind)) => Err(Error::new(kind, message)),
                (_, None) => {
                    return Err(invalid(format!(
                        "status is {status}, which is neither WOOL_OK nor an error's number"
                    )));
                }
            };
            if let Some(publication) = handles::publication_unless_stale(publication)? {
                publication.answer(answer);
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

//! Values that are kept for a while, in the transport's time.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::core::cache::{CacheCore, CacheLimits, CacheStats};
use crate::engine::Engine;
use crate::flow::fetch::GetOrFetch;
use crate::mode::{Cell, Mode};
use crate::model::reply::{Reply, ReplyBody};
use crate::transport::MockTransport;

/// Values by key, kept for a while in the transport's time: those used least recently go first, and
/// none outlives its time. What is not there is fetched once, however many ask for it.
///
/// A clone is another handle to the same. No code of the user's runs under its lock: not the clone
/// of a value, its [`Weight`] or its drop. It refers to its transport: a rule whose handler has
/// captured it keeps both until the transport is reset or disposed.
///
/// ```
/// use std::time::Duration;
/// use mockwire::state::{Cache, CacheLimits};
/// use mockwire::sync::MockTransport;
///
/// let transport = MockTransport::new();
/// let cache = Cache::new(&transport, CacheLimits::new().ttl(Duration::from_secs(60)));
///
/// let fetch = || async { Ok::<_, mockwire::Error>("fixture".to_owned()) };
/// let value = transport.block_on(cache.get_or_fetch("greeting", fetch))?;
/// assert_eq!(value, "fixture");
/// assert_eq!(cache.get("greeting"), Some(value));
///
/// transport.advance(Duration::from_secs(60));
/// assert_eq!(cache.get("greeting"), None);
/// # Ok::<(), mockwire::Error>(())
/// ```
pub struct Cache<M: Mode, V: 'static> {
    pub(crate) engine: M::Ptr<Engine<M>>,
    pub(crate) values: Values<M, V>,
}

pub(crate) type Values<M, V> = <M as Mode>::Ptr<<M as Mode>::Cell<CacheCore<<M as Mode>::Ptr<V>>>>;

/// How many bytes a value counts for in a [`Cache`], besides its key.
pub trait Weight {
    /// How many bytes the value has.
    fn weight(&self) -> usize;
}

impl<M: Mode, V: Clone + Weight + 'static> Cache<M, V> {
    /// An empty cache in the time of this transport.
    #[must_use]
    pub fn new(transport: &MockTransport<M>, limits: CacheLimits) -> Self {
        let cell: M::Cell<CacheCore<M::Ptr<V>>> = Cell::new(CacheCore::new(limits));
        Self {
            engine: transport.engine.clone(),
            values: cell.into(),
        }
    }

    /// The value under this key, which then counts as used.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<V> {
        let value = self.current(|values| values.get(key));
        value.map(|value| (*value).clone())
    }

    /// Whether there is a value under this key. It does not count as used by that.
    ///
    /// ```
    /// use mockwire::{state::{Cache, CacheLimits}, sync::MockTransport};
    ///
    /// let cache = Cache::new(&MockTransport::new(), CacheLimits::new());
    /// cache.put("greeting", String::from("hello"));
    /// assert!(cache.has("greeting") && !cache.has("farewell"));
    /// assert_eq!(cache.stats().hits, 0);
    /// ```
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.current(|values| values.has(key))
    }

    /// The value under this key; when there is none, what the closure's future gives, which is kept.
    ///
    /// However many ask for a value that is not there, one of them fetches it, and all get what it
    /// gives. If that fails, who fetched gets the error, and the next one tries; so it does when the
    /// fetching future is dropped. A fetch whose key is put, removed or cleared meanwhile is not
    /// kept. A fetch that waits for the same key waits for itself.
    ///
    /// # Errors
    ///
    /// What the fetch of this call fails with.
    pub fn get_or_fetch<F, A, E>(&self, key: &str, fetch: F) -> GetOrFetch<M, V, F, A>
    where
        F: FnOnce() -> A,
        A: Future<Output = Result<V, E>>,
    {
        GetOrFetch::new(self.clone(), key.into(), fetch)
    }

    /// Keeps a value under this key.
    pub fn put(&self, key: &str, value: V) {
        let (key, bytes): (Arc<str>, _) = (key.into(), value.weight());
        let value = M::Ptr::<V>::from(value);
        self.current(|values| values.put(key, value, bytes))
            .settle();
    }

    /// Forgets the value under this key. Whether there was one.
    pub fn remove(&self, key: &str) -> bool {
        let gone = self.current(|values| values.remove(key));
        !gone.values.is_empty()
    }

    /// Forgets all values. The statistics go on.
    pub fn clear(&self) {
        self.values.with(CacheCore::clear).settle();
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current(|values| values.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the values have together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.current(|values| values.bytes())
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.current(|values| values.stats())
    }

    /// Runs a closure on the values that are not too old.
    pub(crate) fn current<R>(&self, f: impl FnOnce(&mut CacheCore<M::Ptr<V>>) -> R) -> R {
        let now = self.engine.happens_at();
        let (gone, result) = self.values.with(|values| (values.expire(now), f(values)));
        gone.settle();
        result
    }
}

impl<M: Mode, V> Clone for Cache<M, V> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            values: self.values.clone(),
        }
    }
}

impl<M: Mode, V: Clone + Weight> fmt::Debug for Cache<M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("len", &self.len())
            .field("bytes", &self.bytes())
            .field("stats", &self.stats())
            .finish()
    }
}

impl Weight for Bytes {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl Weight for String {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl Weight for Vec<u8> {
    fn weight(&self) -> usize {
        self.len()
    }
}

/// As many as its shortest text has.
impl Weight for Value {
    fn weight(&self) -> usize {
        self.to_string().len()
    }
}

/// Those of its header fields and of its body; of a script or a template, about those of its text.
impl Weight for Reply {
    fn weight(&self) -> usize {
        let fields = self.headers.iter();
        let head: usize = fields.map(|(k, v)| k.as_str().len() + v.len()).sum();
        let body = match &self.body {
            ReplyBody::Empty => 0,
            ReplyBody::Full(bytes) => bytes.len(),
            ReplyBody::Frames(frames) => frames.iter().map(Bytes::len).sum(),
            other => format!("{other:?}").len(),
        };
        head + body
    }
}

impl<T: Weight + ?Sized> Weight for Arc<T> {
    fn weight(&self) -> usize {
        (**self).weight()
    }
}

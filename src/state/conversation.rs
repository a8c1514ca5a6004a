//! The state of a conversation.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::store::Store;
use crate::error::{Error, Part, Result};
use crate::mode::{AcceptValue, Cell, Mode};

/// What a conversation remembers: JSON values by key, and values of Rust by their type.
///
/// A transport has one ([`MockTransport::state`](crate::MockTransport::state)), each
/// [`Session`](crate::state::Session) has one, and [`new`](Self::new) makes one that belongs to
/// nothing. A clone is another handle to the same.
/// Handlers and predicates capture one to read and write it; that does not keep the transport alive.
/// Nothing that the user gives runs under its lock.
///
/// ```
/// use mockwire::{Reply, Request, sync::MockTransport};
///
/// let transport = MockTransport::new();
/// let state = transport.state();
/// transport.post("/login").reply_with({
///     let state = state.clone();
///     move |request: &Request| {
///         state.set("user", request.text()?);
///         Ok::<_, mockwire::Error>(Reply::status(204))
///     }
/// });
/// transport.get("/me").state_is("user", "Ada").reply("Ada Lovelace");
/// transport.get("/me").reply(Reply::status(401));
///
/// let me = || http::Request::get("https://api.test/me").body(()).unwrap();
/// let login = http::Request::post("https://api.test/login").body("Ada").unwrap();
/// assert_eq!(transport.block_on(transport.call(me()))?.status(), 401);
/// transport.block_on(transport.call(login))?;
/// assert_eq!(transport.block_on(transport.call(me()))?.status(), 200);
/// assert_eq!(state.request_count(), 3);
/// # Ok::<(), mockwire::Error>(())
/// ```
pub struct State<M: Mode> {
    store: M::Ptr<M::Cell<Store<M>>>,
}

impl<M: Mode> State<M> {
    /// A state that is empty.
    #[must_use]
    pub fn new() -> Self {
        let cell: M::Cell<Store<M>> = Cell::new(Store::new());
        Self { store: cell.into() }
    }

    /// The value under this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        self.shared(key).map(|value| (*value).clone())
    }

    /// The value under this key, as a value of type `T`.
    ///
    /// # Errors
    ///
    /// [`Part::Json`] when it does not fit the type.
    pub fn get_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.shared(key) else {
            return Ok(None);
        };
        T::deserialize(&*value).map(Some).map_err(|error| {
            let reason = format!("the state {key:?} is another type: {error}");
            Error::invalid(Part::Json, value.to_string(), reason)
        })
    }

    /// Sets the value under this key.
    pub fn set(&self, key: &str, value: impl Into<Value>) {
        let value = Arc::new(value.into());
        drop(self.store.with(|store| store.set(key, value)));
    }

    /// Sets the value under this key to what the closure makes of the one that is there, and returns
    /// it. Nothing is lost when many do so at once: a closure that another was faster than is called
    /// again, with what is there then.
    ///
    /// ```
    /// use mockwire::state::State;
    ///
    /// let state = State::<mockwire::Threaded>::new();
    /// let next = || state.update("turn", |turn| turn.and_then(|it| it.as_u64()).unwrap_or(0) + 1);
    /// assert_eq!((next(), next()), (1.into(), 2.into()));
    /// ```
    pub fn update<V: Into<Value>>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<&Value>) -> V,
    ) -> Value {
        loop {
            let known = self.shared(key);
            let value = Arc::new(change(known.as_deref()).into());
            let set = self
                .store
                .with(|store| store.swap(key, known.as_ref(), value.clone()));
            if set.is_ok() {
                return (*value).clone();
            }
        }
    }

    /// Whether there is a value under this key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.shared(key).is_some()
    }

    /// Takes the value under this key away.
    pub fn remove(&self, key: &str) -> Option<Value> {
        let removed = self.store.with(|store| store.remove(key));
        removed.map(Arc::unwrap_or_clone)
    }

    /// All values that have a key, as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let entries = self.store.with(|store| store.entries()).into_iter();
        let members = entries.map(|(key, value)| (key, Arc::unwrap_or_clone(value)));
        Value::Object(members.collect::<Map<_, _>>())
    }

    /// The value of this type.
    ///
    /// ```
    /// use mockwire::state::State;
    ///
    /// #[derive(Clone)]
    /// struct Basket(Vec<&'static str>);
    ///
    /// let state = State::<mockwire::Local>::new();
    /// state.put(Basket(vec!["tea"]));
    /// assert_eq!(state.typed::<Basket>().unwrap().0, ["tea"]);
    /// ```
    #[must_use]
    pub fn typed<T: Clone + 'static>(&self) -> Option<T>
    where
        M: AcceptValue<T>,
    {
        let value = self.store.with(|store| store.typed(TypeId::of::<T>()))?;
        M::value_ref(&value).cloned()
    }

    /// Sets the value of this type.
    pub fn put<T: 'static>(&self, value: T)
    where
        M: AcceptValue<T>,
    {
        let value = M::erase_value(value);
        drop(self.store.with(|store| store.put(TypeId::of::<T>(), value)));
    }

    /// Like [`update`](Self::update), of the value of this type.
    pub fn update_typed<T: Clone + 'static>(&self, mut change: impl FnMut(Option<&T>) -> T) -> T
    where
        M: AcceptValue<T>,
    {
        let key = TypeId::of::<T>();
        loop {
            let known = self.store.with(|store| store.typed(key));
            let value = change(known.as_ref().and_then(M::value_ref));
            let erased = M::erase_value(value.clone());
            let set = self
                .store
                .with(|store| store.swap_typed(key, known.as_ref(), erased));
            if set.is_ok() {
                return value;
            }
        }
    }

    /// How many requests the conversation has seen, matched or not: those of the transport, or the
    /// messages of the session.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.store.with(|store| store.requests)
    }

    /// Forgets everything: all values, and the count of the requests.
    pub fn clear(&self) {
        drop(self.take());
    }

    pub(crate) fn shared(&self, key: &str) -> Option<Arc<Value>> {
        self.store.with(|store| store.get(key))
    }

    pub(crate) fn take(&self) -> Store<M> {
        self.store
            .with(|store| std::mem::replace(store, Store::new()))
    }

    pub(crate) fn count_request(&self) {
        self.store.with(|store| store.requests += 1);
    }

    /// That there were this many before anybody counted.
    pub(crate) fn count_requests(&self, requests: u64) {
        self.store.with(|store| store.requests = requests);
    }
}

impl<M: Mode> Clone for State<M> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
        }
    }
}

impl<M: Mode> Default for State<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Mode> fmt::Debug for State<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({})", self.to_json())
    }
}

//! A reply that is made of its exchange: a closure that is a value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::exchange::Exchange;
use super::reply::{Reply, ReplyBody};
#[allow(unused_imports, reason = "the documentation names it")]
use crate::error::ErrorKind;

/// Makes the reply of an exchange. Equal to its clones.
#[derive(Clone)]
pub(crate) struct Maker(Arc<dyn Fn(&Exchange) -> Reply + Send + Sync>);

impl PartialEq for Maker {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Maker")
    }
}

impl Reply {
    /// What the closure makes of each exchange: of its request, its number, the time and random
    /// numbers that are the same in every run. A value like any other reply, so it can stand in a
    /// sequence, be held back, or refuse what is too much.
    ///
    /// Header fields that are added to it, and a [`delay`](Self::delay), go on top of what the closure
    /// gives; its status and its body are the closure's. It is equal to its clones only. If the closure
    /// panics, the caller gets [`HandlerPanicked`](ErrorKind::HandlerPanicked).
    ///
    /// ```
    /// use mockwire::{Reply, sync::MockTransport};
    /// use serde_json::json;
    ///
    /// let transport = MockTransport::new();
    /// transport.post("/jobs").reply(Reply::from_exchange(|exchange| {
    ///     let id = format!("job_{:016x}", exchange.random().next_u64());
    ///     Reply::json(json!({"id": id, "created": exchange.date().as_secs()})).with_status(201)
    /// }));
    /// # let post = http::Request::post("https://api.test/jobs").body(()).unwrap();
    /// # let response = transport.block_on(transport.call(post))?;
    /// # assert_eq!(response.status(), 201);
    /// # Ok::<(), mockwire::Error>(())
    /// ```
    #[must_use]
    pub fn from_exchange<F, R>(make: F) -> Self
    where
        F: Fn(&Exchange) -> R + Send + Sync + 'static,
        R: Into<Self>,
    {
        let maker = Maker(Arc::new(move |exchange| make(exchange).into()));
        let mut reply = Self::empty();
        reply.body = ReplyBody::FromExchange(maker);
        reply
    }

    /// Whether it is another one for each exchange.
    pub(crate) fn is_from_exchange(&self) -> bool {
        matches!(self.body, ReplyBody::FromExchange(_))
    }

    /// What is sent in this exchange. Runs the user's closure, if there is one.
    pub(crate) fn for_exchange(self, exchange: &Exchange) -> Self {
        let ReplyBody::FromExchange(Maker(make)) = &self.body else {
            return self;
        };
        let mut made = make(exchange).for_exchange(exchange);
        if !self.headers.is_empty() {
            let headers = Arc::make_mut(&mut made.headers);
            headers.extend(HeaderMap::clone(&self.headers));
        }
        if !self.head_delay().is_zero() {
            made = made.delay(self.head_delay());
        }
        match self.mistake() {
            Some(error) => made.fail(error),
            None => made,
        }
    }

    /// The same reply, where it refuses a request until so much later.
    pub(crate) fn refusing_for(mut self, after: Option<Duration>) -> Self {
        match &mut self.body {
            ReplyBody::External { retry_after, .. } => *retry_after = after.map(Box::new),
            ReplyBody::FromExchange(maker) => {
                let Maker(make) = maker.clone();
                *maker = Maker(Arc::new(move |exchange| {
                    make(&Exchange {
                        retry_after: after,
                        ..exchange.clone()
                    })
                }));
            }
            _ => {}
        }
        self
    }
}

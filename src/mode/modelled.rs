//! A third mode, for tests: like `Threaded`, on locks whose interleavings a model checker chooses.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;
use shuttle::sync::Mutex;

use super::{AcceptReading, Cell, Exclusive, Mode, sealed};
use crate::error::Error;
use crate::flow::accept::SocketHandler;
use crate::flow::answer::{Outgoing, Responder};
use crate::flow::identify::Identify;
use crate::matcher::Predicate;
use crate::model::request::Request;
use crate::timer::AnyTimer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Modelled;

impl sealed::Sealed for Modelled {}

impl Mode for Modelled {
    type Cell<T: 'static> = Mutex<T>;
    type Ptr<T: 'static> = Arc<T>;
    type Predicate = Arc<dyn Predicate + Send + Sync>;
    type Responder = Arc<dyn Responder<Self> + Send + Sync>;
    type Identify = Arc<dyn Identify + Send + Sync>;
    type Reading<T: 'static> = Arc<dyn Fn(&Request) -> Result<T, Error> + Send + Sync>;
    type Future = Exclusive<Pin<Box<dyn Future<Output = Outgoing<Self>> + Send>>>;
    type SocketHandler = Arc<dyn SocketHandler<Self> + Send + Sync>;
    type Task = Exclusive<Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>>;
    type Live = Exclusive<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Error>> + Send>>>;
    type Timer = Arc<dyn AnyTimer<Self> + Send + Sync>;
    type Sleep = Exclusive<Pin<Box<dyn Future<Output = ()> + Send>>>;
    type Value = Arc<dyn Any + Send + Sync>;
}

impl<T> Cell<T> for Mutex<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<F, T> AcceptReading<F, T> for Modelled
where
    F: Fn(&Request) -> T + Send + Sync + 'static,
    T: 'static,
{
    fn erase_reading(reading: F) -> Self::Reading<T> {
        Arc::new(move |request: &Request| Ok(reading(request)))
    }
}

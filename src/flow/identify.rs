//! What says who a WebSocket connection belongs to: a closure that the user gives.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind, Result};
use crate::matcher::panic_message;
use crate::model::connection_builder::ConnectionBuilder;
use crate::model::request::Request;

/// Says who a connection belongs to, erased. Implemented by every
/// `Fn(&Request) -> ConnectionBuilder`.
pub trait Identify {
    #[doc(hidden)]
    fn identify(&self, handshake: &Request) -> ConnectionBuilder;
}

impl<F: Fn(&Request) -> ConnectionBuilder> Identify for F {
    fn identify(&self, handshake: &Request) -> ConnectionBuilder {
        self(handshake)
    }
}

/// Asks, outside every borrow; a panic is an error.
pub(super) fn ask<I: Identify + ?Sized>(
    identify: &I,
    handshake: &Request,
) -> Result<ConnectionBuilder> {
    catch_unwind(AssertUnwindSafe(|| identify.identify(handshake))).map_err(|panic| {
        Error::new(ErrorKind::HandlerPanicked {
            rule: String::new(),
            message: panic_message(&*panic),
        })
    })
}

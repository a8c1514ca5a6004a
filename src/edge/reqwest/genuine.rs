//! Errors that are reqwest's own: those of a client whose connections fail as scripted.
//!
//! Nobody else can make a `reqwest::Error`. A client lets its connector be wrapped, and a wrapper
//! may fail; so there is a client for each fault, made when it is first needed, whose connector never
//! looks at a network.

use std::future::{Pending, Ready, pending, ready};
use std::io;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::Either;
use reqwest::Client;
use reqwest::dns::{Name, Resolve, Resolving};
use tower_layer::Layer;
use tower_service::Service;

use crate::error::{BoxError, Error};
use crate::fault::Fault;

/// What reqwest reports a fault with; `None` where it takes a connection to report it.
pub(super) async fn error(fault: Fault) -> Option<reqwest::Error> {
    static REFUSED: OnceLock<Option<Client>> = OnceLock::new();
    static TOO_LATE: OnceLock<Option<Client>> = OnceLock::new();
    static UNKNOWN: OnceLock<Option<Client>> = OnceLock::new();
    static UNTRUSTED: OnceLock<Option<Client>> = OnceLock::new();
    static UNANSWERED: OnceLock<Option<Client>> = OnceLock::new();
    let failing = || client(Client::builder().connector_layer(Connects::Never(fault)));
    let client = match fault {
        Fault::ConnectionRefused => REFUSED.get_or_init(failing),
        Fault::ConnectTimeout => TOO_LATE.get_or_init(failing),
        Fault::TlsFailure => UNTRUSTED.get_or_init(failing),
        Fault::DnsFailure => {
            UNKNOWN.get_or_init(|| client(Client::builder().dns_resolver(Unresolved)))
        }
        // The client's own timeout takes a timer.
        Fault::Timeout if tokio::runtime::Handle::try_current().is_ok() => {
            UNANSWERED.get_or_init(|| {
                let builder = Client::builder().connector_layer(Connects::NotYet);
                client(builder.timeout(Duration::ZERO))
            })
        }
        Fault::ConnectionClosed
        | Fault::ConnectionReset
        | Fault::MalformedResponse
        | Fault::Timeout => return None,
    };
    // The name is reserved (RFC 2606 §2), and never looked up.
    let sent = client.as_ref()?.get("http://mockwire.invalid/").send();
    sent.await.err()
}

/// `None` where TLS cannot be set up, which reqwest does although it is never used here.
fn client(builder: reqwest::ClientBuilder) -> Option<Client> {
    builder.no_proxy().build().ok()
}

/// How connections fare, instead of being made.
#[derive(Clone, Copy)]
enum Connects {
    Never(Fault),
    NotYet,
}

/// A connector that stands in for another one.
struct Stand<S> {
    connects: Connects,
    /// What it stands in for, which is never asked.
    other: PhantomData<fn() -> S>,
}

impl<S> Layer<S> for Connects {
    type Service = Stand<S>;

    fn layer(&self, _: S) -> Stand<S> {
        Stand {
            connects: *self,
            other: PhantomData,
        }
    }
}

impl<S> Clone for Stand<S> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

type Connecting<T> = Either<Ready<Result<T, BoxError>>, Pending<Result<T, BoxError>>>;

impl<T, S: Service<T, Error = BoxError>> Service<T> for Stand<S> {
    type Response = S::Response;
    type Error = BoxError;
    type Future = Connecting<S::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: T) -> Self::Future {
        match self.connects {
            Connects::Never(fault) => Either::Left(ready(Err(failure(fault)))),
            Connects::NotYet => Either::Right(pending()),
        }
    }
}

/// A resolver that knows no name.
struct Unresolved;

impl Resolve for Unresolved {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(ready(Err(failure(Fault::DnsFailure))))
    }
}

fn failure(fault: Fault) -> BoxError {
    io::Error::from(Error::from(fault)).into()
}

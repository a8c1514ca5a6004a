//! What the tests of both modes share: making requests, and taking responses apart.

use mockwire::futures::Body;
use mockwire::{Content, Error, MockTransport, Mode, Result};

/// The origin of every URL, unless the origin is what the test is about.
pub(super) const ORIGIN: &str = "https://api.test";

/// `GET` a path of the test's origin, or a whole URL.
pub(super) fn get(target: &str) -> http::Request<Content> {
    request("GET", target, ())
}

/// `POST` a body to a path of the test's origin, or to a whole URL.
pub(super) fn post(target: &str, body: impl Into<Content>) -> http::Request<Content> {
    request("POST", target, body)
}

pub(super) fn request(
    method: &str,
    target: &str,
    body: impl Into<Content>,
) -> http::Request<Content> {
    let url = if target.starts_with('/') {
        format!("{ORIGIN}{target}")
    } else {
        target.to_owned()
    };
    let request = http::Request::builder().method(method).uri(url);
    request.body(body.into()).expect("the test's own request")
}

/// The request of a WebSocket handshake.
pub(super) fn handshake(url: &str) -> http::Request<()> {
    let request = http::Request::get(url).body(());
    request.expect("the test's own request")
}

/// The same request with one more header field.
pub(super) fn with_header(
    mut request: http::Request<Content>,
    name: &'static str,
    value: &str,
) -> http::Request<Content> {
    let value = value.parse().expect("the test's own header");
    request.headers_mut().append(name, value);
    request
}

/// Makes a request, and takes the head of its response.
pub(super) fn send<M: Mode>(
    transport: &MockTransport<M>,
    request: http::Request<Content>,
) -> Result<http::Response<Body<M>>> {
    transport.block_on(transport.call(request))
}

/// Makes a request, and takes its whole response as text.
pub(super) fn fetch<M: Mode>(
    transport: &MockTransport<M>,
    request: http::Request<Content>,
) -> Result<String> {
    transport.block_on(async { transport.call(request).await?.into_body().text().await })
}

/// Whether a rule answers the request. Anything but an unmatched one fails the test.
pub(super) fn is_matched<M: Mode>(
    transport: &MockTransport<M>,
    request: http::Request<Content>,
) -> bool {
    match fetch(transport, request) {
        Ok(_) => true,
        Err(error) if error.is_unmatched() => false,
        Err(error) => panic!("{error}"),
    }
}

/// The error of a request that must fail.
pub(super) fn failure<M: Mode>(
    transport: &MockTransport<M>,
    request: http::Request<Content>,
) -> Error {
    match fetch(transport, request) {
        Ok(text) => panic!("the request was answered: {text:?}"),
        Err(error) => error,
    }
}

/// Where a closure panics, as the panic says: the file. Natively only.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn panic_place<R>(f: impl FnOnce() -> R) -> String {
    use std::cell::RefCell;
    use std::sync::Once;

    thread_local! {
        static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PLACE.set(panic.location().map(|place| place.file().to_owned()));
            before(panic);
        }));
    });
    panic_text(f);
    PLACE.take().expect("a panic with a place")
}

/// The text that a closure panics with. Natively only: as wasm32 a panic ends the process.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn panic_text<R>(f: impl FnOnce() -> R) -> String {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
    let Err(panic) = caught else {
        panic!("it should have panicked");
    };
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .expect("a panic with a text")
}

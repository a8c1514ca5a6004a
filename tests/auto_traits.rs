//! What may cross threads, and what may not: proofs by the compiler.
#![cfg(not(target_arch = "wasm32"))]

use std::rc::Rc;

use futures::{SinkExt, StreamExt};

use mockwire::futures::{
    Body, Connect, Endpoint, Held, Hold, NextHeld, NextSocket, PermitEvents, Respond, Rule, Scope,
    ServerSocket, Socket, WaitForMessage, WaitForRequests,
};
use mockwire::state::{Cache, Sessions, State, Turn};
use mockwire::{
    AcceptPredicate, Builder, Captured, Content, Diagnosis, Error, Fault, Local, Matcher, Message,
    MessagePattern, Mode, Reply, Report, Request, SocketMessage, SocketScript, Threaded, When,
};

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_unpin<T: Unpin>() {}

/// Fails to compile when the type is `Send`: then both impls apply, and `_` is ambiguous.
macro_rules! assert_not_send {
    ($($type:ty),* $(,)?) => {$({
        trait AmbiguousIfSend<A> {
            fn check() {}
        }
        impl<T: ?Sized> AmbiguousIfSend<()> for T {}
        struct IsSend;
        impl<T: ?Sized + Send> AmbiguousIfSend<IsSend> for T {}
        <$type as AmbiguousIfSend<_>>::check();
    })*};
}

#[test]
fn a_threaded_transport_is_send_and_sync() {
    is_send::<mockwire::sync::MockTransport>();
    is_sync::<mockwire::sync::MockTransport>();
    is_send::<Builder<Threaded>>();
    is_send::<When<Threaded>>();
    is_sync::<When<Threaded>>();
    is_send::<Matcher<Threaded>>();
    is_sync::<Matcher<Threaded>>();
    is_send::<Rule<Threaded>>();
    is_sync::<Rule<Threaded>>();
    is_send::<Scope<Threaded>>();
    is_send::<mockwire::RateLimit<Threaded>>();
    is_sync::<mockwire::RateLimit<Threaded>>();
    is_sync::<Scope<Threaded>>();
    is_send::<State<Threaded>>();
    is_sync::<State<Threaded>>();
    is_send::<Cache<Threaded, String>>();
    is_sync::<Cache<Threaded, String>>();
    is_send::<Sessions<Threaded>>();
    is_sync::<Sessions<Threaded>>();
    is_send::<mockwire::sync::Recorder>();
    is_sync::<mockwire::sync::Recorder>();
    is_send::<Turn<Threaded>>();
    is_send::<mockwire::futures::Receipt<Threaded>>();
    is_send::<mockwire::futures::NextTurn<Threaded>>();
}

#[test]
fn the_futures_and_bodies_of_a_threaded_transport_are_send() {
    is_send::<Respond<Threaded>>();
    is_sync::<Respond<Threaded>>();
    is_send::<Body<Threaded>>();
    // hyper and reqwest want a `Sync` body as well.
    is_sync::<Body<Threaded>>();
    is_send::<Hold<Threaded>>();
    is_sync::<Hold<Threaded>>();
    is_send::<NextHeld<'static, Threaded>>();
    is_send::<Held<Threaded>>();
    is_sync::<Held<Threaded>>();
    is_send::<PermitEvents<Threaded>>();
    is_sync::<PermitEvents<Threaded>>();
    is_send::<WaitForRequests<Threaded>>();
    is_send::<Connect<Threaded>>();
    is_sync::<Connect<Threaded>>();
    is_send::<Socket<Threaded>>();
    is_sync::<Socket<Threaded>>();
    is_send::<ServerSocket<Threaded>>();
    is_sync::<ServerSocket<Threaded>>();
    is_send::<Endpoint<Threaded>>();
    is_sync::<Endpoint<Threaded>>();
    is_send::<NextSocket<'static, Threaded>>();
    is_send::<WaitForMessage<Threaded>>();
    #[cfg(feature = "tungstenite")]
    is_send::<mockwire::futures::Duplex<Threaded>>();
    // So is what is made of them without a name: `async` functions and blocks.
    fn future_is_send<F: Future + Send>(_: F) {}
    let transport = mockwire::sync::MockTransport::new();
    let call = transport.call(http::Request::new(()));
    future_is_send(async {
        let text = call.await?.into_body().text().await?;
        Ok::<_, Error>(text)
    });
    // A queue of what is `Send` is both; its items need not be `Sync`.
    type Item = std::cell::Cell<u8>;
    is_send::<mockwire::sync::RequestQueue<Item>>();
    is_sync::<mockwire::sync::RequestQueue<Item>>();
    is_send::<mockwire::futures::Ticket<Item, Threaded>>();
    is_send::<mockwire::futures::NextItem<'static, Item, Threaded>>();
    is_send::<mockwire::futures::Running<Item, Threaded>>();
    let queue = mockwire::sync::RequestQueue::<Item>::new(&transport, 1);
    future_is_send(async move { queue.run(|_| async {}).await });
    #[cfg(feature = "tower")]
    is_send::<mockwire::futures::CallService<Threaded, http_body_util::Full<bytes::Bytes>>>();
}

#[test]
fn values_are_send_and_sync_in_both_modes() {
    fn both<T: Send + Sync>() {}
    both::<Captured>();
    both::<Content>();
    both::<Diagnosis>();
    both::<Error>();
    both::<Fault>();
    both::<Message>();
    both::<MessagePattern>();
    both::<SocketMessage>();
    both::<SocketScript>();
    both::<Reply>();
    both::<Report>();
    both::<Request>();
    both::<mockwire::connections::Connections>();
    both::<mockwire::sse::Event>();
    both::<mockwire::sse::Parser>();
    both::<mockwire::sse::Reader>();
    // An error goes into `anyhow` and its like, a report into a boxed error.
    fn is_error<T: std::error::Error + Send + Sync + 'static>() {}
    is_error::<Error>();
    is_error::<Report>();
}

#[test]
fn nothing_that_is_polled_has_to_be_pinned() {
    fn of_mode<M: Mode>() {
        is_unpin::<Respond<M>>();
        is_unpin::<Body<M>>();
        is_unpin::<NextHeld<'static, M>>();
        is_unpin::<PermitEvents<M>>();
        is_unpin::<WaitForRequests<M>>();
        is_unpin::<mockwire::futures::Ticket<u8, M>>();
        is_unpin::<mockwire::futures::NextItem<'static, u8, M>>();
        is_unpin::<Connect<M>>();
        is_unpin::<Socket<M>>();
        is_unpin::<ServerSocket<M>>();
        is_unpin::<NextSocket<'static, M>>();
        is_unpin::<WaitForMessage<M>>();
    }
    of_mode::<Local>();
    of_mode::<Threaded>();
}

#[test]
fn a_local_transport_stays_on_its_thread() {
    assert_not_send!(
        mockwire::local::MockTransport,
        Builder<Local>,
        When<Local>,
        Matcher<Local>,
        Rule<Local>,
        Respond<Local>,
        Body<Local>,
        Held<Local>,
        WaitForRequests<Local>,
        mockwire::local::RequestQueue<u8>,
        mockwire::RateLimit<Local>,
        Connect<Local>,
        Socket<Local>,
        ServerSocket<Local>,
        Endpoint<Local>,
        WaitForMessage<Local>,
        State<Local>,
        Cache<Local, String>,
        Sessions<Local>,
    );
    // The control of the trick: on a type that is `Send` it would not compile, as on one that is
    // not, `Rc`, it does.
    assert_not_send!(Rc<()>);
}

#[test]
fn a_local_transport_takes_closures_that_capture_anything() {
    let transport = mockwire::local::MockTransport::new();
    let shared = Rc::new(std::cell::Cell::new(0));

    let seen = shared.clone();
    transport
        .get("/handler")
        .matching(move |_: &Request| seen.replace(seen.get() + 1) >= 0)
        .reply_with({
            let seen = shared.clone();
            move |_: &Request| seen.get().to_string()
        });
    let seen = shared;
    transport.get("/async").reply_async(move |_: Request| {
        let seen = seen.clone();
        async move { seen.get().to_string() }
    });
    let upstream = transport.clone();
    transport
        .get("/through")
        .passthrough(move |mut request: http::Request<bytes::Bytes>| {
            *request.uri_mut() = "https://api.test/async".parse().unwrap();
            upstream.call(request)
        });
    let heard = Rc::new(std::cell::Cell::new(false));
    let hears = heard.clone();
    transport
        .websocket("/socket")
        .accept_with(move |mut socket: mockwire::local::ServerSocket| {
            let hears = hears.clone();
            async move { hears.set(socket.next().await.is_some()) }
        });
    let request = http::Request::get("wss://api.test/socket")
        .body(())
        .unwrap();
    transport.block_on(async {
        let mut socket = transport.connect(request).await.unwrap();
        socket.send("hi".into()).await.unwrap();
    });
    assert!(heard.get());

    let fetch = |path: &str| {
        let request = http::Request::get(format!("https://api.test{path}"));
        let call = transport.call(request.body(()).unwrap());
        transport.block_on(async { call.await?.into_body().text().await })
    };
    assert_eq!(fetch("/handler").unwrap(), "1");
    assert_eq!(fetch("/async").unwrap(), "1");
    assert_eq!(fetch("/through").unwrap(), "1");
    transport.dispose();
}

#[test]
fn a_threaded_transport_takes_only_what_can_be_shared() {
    /// Ambiguous for a predicate that is taken; see `assert_not_send`.
    trait AmbiguousIfTaken<A> {}
    impl<F> AmbiguousIfTaken<()> for F {}
    struct IsTaken;
    impl<F> AmbiguousIfTaken<IsTaken> for F where Threaded: AcceptPredicate<F> {}
    fn assert_refused<A, F: Fn(&Request) -> bool + AmbiguousIfTaken<A>>(_: F) {}
    fn assert_taken<M: AcceptPredicate<F>, F: Fn(&Request) -> bool>(_: F) {}

    let shared = Rc::new(1);
    let sendable = 1;
    assert_refused(move |_: &Request| *shared == 1);
    // `Send` is not enough: many threads may ask one predicate at once.
    let cell = std::cell::Cell::new(1);
    assert_refused(move |_: &Request| cell.get() == 1);
    assert_taken::<Threaded, _>(move |_: &Request| sendable == 1);
}

/// The compiler whose words are recorded in `tests/ui`: others put them differently.
const RECORDED_WITH: &str = "rustc 1.95.";

/// The one compiler message that users meet: what it says about an `Rc` in a threaded handler.
#[test]
fn what_cannot_be_shared_is_refused_in_readable_words() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(rustc).arg("-V").output();
    let version = String::from_utf8(version.unwrap().stdout).unwrap();
    if version.starts_with(RECORDED_WITH) {
        trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
    } else {
        println!("skipped: recorded with {RECORDED_WITH}, this is {version}");
    }
}

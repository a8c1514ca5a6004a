//! Requests, responses and errors, which may hold foreign memory.

use std::rc::Rc;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use mockwire::{Reply, Request};

use super::{
    INTRUSION, MockTransport, Owned, arm, armed, assert_intrudes, fetch, owned_bytes, request,
    watched,
};

#[test]
fn request_bodies_are_dropped_outside() {
    watched(|| {
        let with_capture = || {
            let transport = MockTransport::builder().max_requests(1).build();
            transport.post("/").reply("x");
            let call = transport.call(request(owned_bytes()));
            drop(call.now_or_never().unwrap().unwrap());
            arm(&transport);
            transport
        };
        let transport = with_capture();
        assert_intrudes("evicting", || fetch(&transport).unwrap());
        let transport = with_capture();
        assert_intrudes("clearing", || transport.clear());
        let transport = with_capture();
        assert_intrudes("resetting", || transport.reset());
        let transport = with_capture();
        assert_intrudes("disposing", || transport.dispose());
        let call = transport.call(request(owned_bytes()));
        assert_intrudes("refusing the call", || {
            call.now_or_never().unwrap().unwrap_err()
        });
    });
}

#[test]
fn a_request_body_that_the_journal_cuts_is_dropped_outside() {
    watched(|| {
        let transport = MockTransport::builder().max_body_bytes(2).build();
        arm(&transport);
        transport.post("/").reply("x");
        let call = transport.call(request(owned_bytes()));
        assert_intrudes("keeping a copy", || {
            drop(call.now_or_never().unwrap().unwrap());
        });
        assert_eq!(transport.request(1).unwrap().request.body(), "ow");
    });
}

#[test]
fn views_are_dropped_outside() {
    watched(|| {
        let with_view = || {
            let transport = MockTransport::builder().max_requests(1).build();
            transport.post("/").reply("x");
            let call = transport.call(request("{}"));
            drop(call.now_or_never().unwrap().unwrap());
            let captured = transport.last_request().unwrap();
            drop(captured.request.view::<Owned>().unwrap());
            drop(captured);
            arm(&transport);
            transport
        };
        let transport = with_view();
        assert_intrudes("evicting", || fetch(&transport).unwrap());
        let transport = with_view();
        assert_intrudes("clearing", || transport.clear());
        let transport = with_view();
        assert_intrudes("disposing", || transport.dispose());
    });
}

#[test]
fn captured_response_bodies_are_dropped_outside() {
    watched(|| {
        let with_capture = || {
            let transport = MockTransport::builder().max_requests(1).build();
            transport.post("/").once().reply_with(|_: &Request| {
                Reply::stream([owned_bytes(), owned_bytes()]).header("x", "1")
            });
            transport.post("/").reply("x");
            fetch(&transport).unwrap();
            arm(&transport);
            transport
        };
        let transport = with_capture();
        assert_intrudes("evicting", || fetch(&transport).unwrap());
        let transport = with_capture();
        assert_intrudes("clearing", || transport.clear());
        let transport = with_capture();
        assert_intrudes("resetting", || transport.reset());
    });
}

#[test]
fn a_response_body_that_outlives_its_exchange_is_dropped_outside() {
    watched(|| {
        for dispose in [false, true] {
            let transport = armed();
            transport
                .post("/")
                .reply_with(|_: &Request| Reply::stream([owned_bytes(), owned_bytes()]));
            let call = transport.call(request(()));
            let mut body = call.now_or_never().unwrap().unwrap().into_body();
            drop(body.next().now_or_never().unwrap().unwrap().unwrap());
            if dispose {
                transport.dispose();
            } else {
                transport.reset();
            }
            // What it has taken for the journal finds no journal entry any more.
            assert_intrudes("the last frame", || {
                let last = body.next().now_or_never().unwrap().unwrap();
                assert!(last.is_err());
                drop((last, body));
            });
        }
    });
}

#[test]
fn errors_of_handlers_are_dropped_outside() {
    watched(|| {
        let with_failure = || {
            let transport = MockTransport::builder().max_requests(1).build();
            transport
                .post("/")
                .once()
                .reply_with(|_: &Request| Err::<Reply, _>(Owned));
            transport.post("/").reply("x");
            drop(fetch(&transport).unwrap_err());
            arm(&transport);
            transport
        };
        let transport = with_failure();
        assert_intrudes("evicting", || fetch(&transport).unwrap());
        let transport = with_failure();
        assert_intrudes("clearing", || transport.clear());
        let transport = with_failure();
        assert_intrudes("disposing", || transport.dispose());
    });
}

#[test]
fn an_error_of_an_exchange_that_is_gone_is_dropped_outside() {
    watched(|| {
        let transport = armed();
        let inner = transport.clone();
        transport.post("/").reply_with(move |_: &Request| {
            inner.reset();
            Err::<Reply, _>(Owned)
        });
        assert_intrudes("failing", || drop(fetch(&transport).unwrap_err()));
    });
}

#[test]
fn what_is_kept_of_an_answer_is_dropped_outside() {
    use mockwire::providers::anthropic;

    const URL: &str = "https://api.test/v1/messages";

    /// The body of a request: asks the same rule when it is dropped.
    struct Asked(#[allow(dead_code)] Owned);
    impl AsRef<[u8]> for Asked {
        fn as_ref(&self) -> &[u8] {
            br#"{"model": "owned", "messages": []}"#
        }
    }
    watched(|| {
        let transport = MockTransport::new();
        anthropic::messages(&transport).reply("Hello");
        let ask = {
            let transport = transport.clone();
            move |body: Bytes| {
                let request = http::Request::post(URL).body(body).unwrap();
                transport.call(request).now_or_never().unwrap().unwrap();
            }
        };
        let again = ask.clone();
        let intrusion = move || again(r#"{"model": "intruded"}"#.into());
        drop(INTRUSION.replace(Some(Rc::new(intrusion))));
        ask(Bytes::from_owner(Asked(Owned)));
        transport.clear();
        // Now only what is kept of the answer has the body, until enough others have come.
        assert_intrudes("the request is let go", || {
            for number in 0..16 {
                ask(format!(r#"{{"model": "{number}"}}"#).into());
            }
        });
    });
}

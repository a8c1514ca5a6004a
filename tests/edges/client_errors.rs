//! What real clients report of a failure: of a scripted one the same as of a real one.
//!
//! Each failure is made twice: by the transport, and by a server on a loopback socket that has just that
//! wrong with it. What the clients' errors say of themselves must be the same. Where no socket fails on
//! demand (DNS, TLS, time), the client's own error for it is the other side.
#![cfg(not(target_arch = "wasm32"))]

#[path = "client_errors/hyper.rs"]
mod hyper;
#[path = "client_errors/peer.rs"]
mod peer;
#[path = "client_errors/reqwest.rs"]
mod reqwest;

use mockwire::sync::MockTransport;
use mockwire::{Damage, Ending, Fault, Reply, Script};

use self::peer::Peer;

/// The same failure twice.
struct Case {
    name: &'static str,
    reply: Reply,
    peer: Peer,
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const HALF: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
const SHORT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\nhello";
const GARBLED: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nthis is no chunk\r\n\r\n";

fn cases() -> Vec<Case> {
    let case = |name, reply: Reply, peer| Case { name, reply, peer };
    let fault = Reply::fault;
    let half = |ending| Reply::script(Script::new().frame("hello").ending(ending));
    let short = |damage| Reply::text("hello").damaged(damage);
    vec![
        case("refused", fault(Fault::ConnectionRefused), Peer::Absent),
        case("reset", fault(Fault::ConnectionReset), Peer::Resets("")),
        case("closed", fault(Fault::ConnectionClosed), Peer::Closes("")),
        case(
            "malformed",
            fault(Fault::MalformedResponse),
            Peer::Closes("SSH-2.0-OpenSSH_9.7\r\n"),
        ),
        case(
            "reset after the head",
            Reply::script(Script::new().reset()),
            Peer::Resets(HEAD),
        ),
        case("reset in the body", half(Ending::Reset), Peer::Resets(HALF)),
        case(
            "closed in the body",
            half(Ending::Fault(Fault::ConnectionClosed)),
            Peer::Closes(HALF),
        ),
        case(
            "malformed in the body",
            half(Ending::Fault(Fault::MalformedResponse)),
            Peer::Closes(GARBLED),
        ),
        case(
            "shorter than it says",
            short(Damage::WrongLength(10)),
            Peer::Closes(SHORT),
        ),
        case(
            "shorter than it says, reset",
            Reply::script(Script::new().frame("hello").reset()).header("content-length", "15"),
            Peer::Resets(SHORT),
        ),
    ]
}

fn answering(reply: Reply) -> MockTransport {
    let transport = MockTransport::new();
    transport.get("http://api.test/").reply(reply);
    transport
}

//! The client of `hyper-util`, over the connections of the transport and over sockets.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use mockwire::{Error, Fault, Reply, TokioTimer};

use super::{Case, answering, cases};

/// Everything that an error of hyper says of itself.
#[derive(Debug, Default, PartialEq)]
struct Report {
    /// How much of the body came before it; `None` when there was no head.
    delivered: Option<usize>,
    is_connect: bool,
    is_body_write_aborted: bool,
    is_canceled: bool,
    is_closed: bool,
    is_incomplete_message: bool,
    is_parse: bool,
    is_timeout: bool,
    is_user: bool,
    /// Of the I/O error that it comes from, if there is one.
    io: Option<io::ErrorKind>,
}

impl Report {
    fn of(error: &(dyn StdError + 'static), delivered: Option<usize>) -> Self {
        let mut report = Self {
            delivered,
            ..Self::default()
        };
        for error in std::iter::successors(Some(error), |&error| error.source()) {
            if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
                report.is_connect |= error.is_connect();
            }
            if let Some(error) = error.downcast_ref::<::hyper::Error>() {
                report.is_body_write_aborted |= error.is_body_write_aborted();
                report.is_canceled |= error.is_canceled();
                report.is_closed |= error.is_closed();
                report.is_incomplete_message |= error.is_incomplete_message();
                report.is_parse |= error.is_parse();
                report.is_timeout |= error.is_timeout();
                report.is_user |= error.is_user();
            }
            let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
            report.io = report.io.or(io);
        }
        report
    }
}

/// What a client reports, and the scripted fault that its error comes from.
async fn ask<C>(connector: C, url: &str) -> (Report, Option<Fault>)
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client: Client<C, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let found = |error: &(dyn StdError + 'static)| Error::find(error).and_then(Error::fault);
    let response = match client.get(url.parse().unwrap()).await {
        Ok(response) => response,
        Err(error) => return (Report::of(&error, None), found(&error)),
    };
    let mut body = response.into_body();
    let mut delivered = 0;
    loop {
        match body.frame().await {
            Some(Ok(frame)) => delivered += frame.into_data().map_or(0, |data| data.len()),
            Some(Err(error)) => return (Report::of(&error, Some(delivered)), found(&error)),
            None => panic!("the body has ended well"),
        }
    }
}

#[tokio::test]
async fn failures_are_reported_as_those_of_sockets() {
    for Case { name, reply, peer } in cases() {
        let transport = answering(reply);
        let (scripted, _) = ask(transport.connector(), "http://api.test/").await;
        let (real, _) = ask(HttpConnector::new(), &peer.url().await).await;
        assert_eq!(scripted, real, "{name}");
        transport.verify();
    }
}

/// The control: what is asked of the errors tells these failures apart.
#[tokio::test]
async fn other_failures_are_reported_otherwise() {
    let mut reports = Vec::new();
    for Case { name, reply, .. } in cases() {
        let (report, _) = ask(answering(reply).connector(), "http://api.test/").await;
        // Both are a connection that is closed in the middle of a body.
        if name != "shorter than it says" && name != "shorter than it says, reset" {
            assert!(!reports.contains(&report), "{name}");
        }
        reports.push(report);
    }
}

#[tokio::test]
async fn the_fault_is_among_the_sources_of_an_error_of_reading_or_connecting() {
    for (fault, kind) in [
        (Fault::ConnectTimeout, io::ErrorKind::TimedOut),
        (Fault::ConnectionRefused, io::ErrorKind::ConnectionRefused),
        (Fault::ConnectionReset, io::ErrorKind::ConnectionReset),
        (Fault::DnsFailure, io::ErrorKind::Other),
        (Fault::Timeout, io::ErrorKind::TimedOut),
        (Fault::TlsFailure, io::ErrorKind::InvalidData),
    ] {
        let transport = answering(fault.into());
        let (report, found) = ask(transport.connector(), "http://api.test/").await;
        let expected = Report {
            is_connect: fault.is_connect(),
            io: Some(kind),
            ..Report::default()
        };
        assert_eq!(report, expected, "{fault}");
        assert_eq!(found, Some(fault));
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_an_error_of_connecting() {
    let unresolved = tower::service_fn(|_| async {
        Err::<std::vec::IntoIter<std::net::SocketAddr>, _>(io::Error::other("no such host"))
    });
    let resolving = HttpConnector::new_with_resolver(unresolved);
    let (real, _) = ask(resolving, "http://api.test/").await;
    let transport = answering(Fault::DnsFailure.into());
    let (scripted, _) = ask(transport.connector(), "http://api.test/").await;
    assert_eq!(scripted, real);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_made_in_time() {
    // With a delay, that the client has given up before, too.
    let late = Reply::fault(Fault::ConnectTimeout).delay(Duration::from_secs(30));
    let transport = mockwire::sync::MockTransport::builder()
        .timer(TokioTimer::new())
        .build();
    transport.get("http://api.test/").reply(late);
    let asked = ask(transport.connector(), "http://api.test/");
    let gave_up = tokio::time::timeout(Duration::from_secs(10), asked).await;
    assert!(gave_up.is_err());
    let (report, _) = ask(transport.connector(), "http://api.test/").await;
    assert!(report.is_connect);
    assert_eq!(report.io, Some(io::ErrorKind::TimedOut));
    assert_eq!(transport.now(), Duration::from_secs(40));
    let attempts = transport.requests();
    let attempts: Vec<_> = attempts.iter().map(ToString::to_string).collect();
    assert_eq!(
        attempts,
        [
            "#1 CONNECT http://api.test/ (cancelled, 0 bytes)",
            "#2 CONNECT http://api.test/ (failed, 0 bytes)"
        ]
    );
}

//! `reqwest`, with the transport as its middleware and over sockets.

use std::io;
use std::time::Duration;

use ::reqwest::dns::{Name, Resolve, Resolving};
use ::reqwest::{Client, Error as ClientError};
use mockwire::{Ending, Error, Fault, Outcome, Reply, Script};
use reqwest_middleware::{ClientBuilder, Error as MiddlewareError};

use super::peer::Peer;
use super::{Case, answering, cases};

const URL: &str = "http://api.test/";

/// Everything that an error of reqwest says of itself.
#[derive(Debug, Default, PartialEq)]
struct Report {
    /// How much of the body came before it; `None` when there was no head.
    delivered: Option<usize>,
    is_body: bool,
    is_builder: bool,
    is_connect: bool,
    is_decode: bool,
    is_dns: bool,
    is_redirect: bool,
    is_request: bool,
    is_status: bool,
    is_timeout: bool,
    is_upgrade: bool,
    has_url: bool,
}

impl Report {
    fn of(error: &ClientError, delivered: Option<usize>) -> Self {
        Self {
            delivered,
            is_body: error.is_body(),
            is_builder: error.is_builder(),
            is_connect: error.is_connect(),
            is_decode: error.is_decode(),
            is_dns: error.is_dns(),
            is_redirect: error.is_redirect(),
            is_request: error.is_request(),
            is_status: error.is_status(),
            is_timeout: error.is_timeout(),
            is_upgrade: error.is_upgrade(),
            has_url: error.url().is_some(),
        }
    }
}

/// How a request fails.
#[derive(Debug)]
enum Failure {
    /// As reqwest reports it.
    Genuine(Report, Option<Fault>),
    /// As only a middleware can.
    OfMiddleware(Option<Fault>),
}

async fn failure(
    sent: impl Future<Output = Result<::reqwest::Response, MiddlewareError>>,
) -> Failure {
    let fault = |error: &ClientError| Error::find(error).and_then(Error::fault);
    let mut response = match sent.await {
        Ok(response) => response,
        Err(MiddlewareError::Reqwest(error)) => {
            return Failure::Genuine(Report::of(&error, None), fault(&error));
        }
        Err(MiddlewareError::Middleware(error)) => {
            let error = error.downcast_ref::<Error>();
            return Failure::OfMiddleware(error.and_then(Error::fault));
        }
    };
    let mut delivered = 0;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => delivered += chunk.len(),
            Ok(None) => panic!("the body has ended well"),
            Err(error) => {
                return Failure::Genuine(Report::of(&error, Some(delivered)), fault(&error));
            }
        }
    }
}

async fn scripted(reply: Reply) -> Failure {
    let transport = answering(reply);
    let client = ClientBuilder::new(Client::new())
        .with(transport.clone())
        .build();
    let failure = failure(client.get(URL).send()).await;
    let captured = transport.last_request().unwrap();
    assert!(matches!(captured.outcome, Outcome::Failed(error) if error.is_fault()));
    transport.verify();
    failure
}

async fn real(client: Client, url: &str) -> Report {
    let sent = async { Ok(client.get(url).send().await?) };
    match failure(sent).await {
        Failure::Genuine(report, _) => report,
        Failure::OfMiddleware(_) => panic!("there is none"),
    }
}

/// What reqwest makes an error of only when it has a connection.
const NEEDS_A_CONNECTION: [Fault; 3] = [
    Fault::ConnectionClosed,
    Fault::ConnectionReset,
    Fault::MalformedResponse,
];

#[tokio::test]
async fn failures_are_reported_as_those_of_sockets() {
    for Case { name, reply, peer } in cases() {
        let real = real(Client::new(), &peer.url().await).await;
        match scripted(reply).await {
            Failure::Genuine(report, fault) => {
                assert_eq!(report, real, "{name}");
                assert!(fault.is_some(), "{name}");
            }
            Failure::OfMiddleware(fault) => {
                assert!(fault.is_some_and(|it| NEEDS_A_CONNECTION.contains(&it)));
                // The difference: nothing of this is true of it.
                let expected = Report {
                    is_request: true,
                    has_url: true,
                    ..Report::default()
                };
                assert_eq!(real, expected, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    struct Unresolved;
    impl Resolve for Unresolved {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err(io::Error::other("no such host").into()) })
        }
    }
    let client = Client::builder().dns_resolver(Unresolved).build().unwrap();
    let real = real(client, URL).await;
    assert!(real.is_dns && real.is_connect);
    let Failure::Genuine(report, fault) = scripted(Fault::DnsFailure.into()).await else {
        panic!("not an error of reqwest");
    };
    assert_eq!(report, real);
    assert_eq!(fault, Some(Fault::DnsFailure));
}

#[tokio::test]
async fn a_handshake_that_fails() {
    // Without TLS in this build of reqwest, the other side is what a connector that fails makes of it.
    let Failure::Genuine(report, fault) = scripted(Fault::TlsFailure.into()).await else {
        panic!("not an error of reqwest");
    };
    assert!(report.is_connect && report.is_request);
    assert!(!report.is_timeout && !report.is_dns);
    assert_eq!(fault, Some(Fault::TlsFailure));
}

/// The time that reqwest takes is tokio's, which does not pass.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_made_in_time() {
    let patient = tower::layer::layer_fn(|connector| {
        tower::util::MapFuture::new(connector, |connecting| async {
            std::future::pending::<()>().await;
            connecting.await
        })
    });
    let client = Client::builder()
        .connector_layer(patient)
        .connect_timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    let real = real(client, URL).await;
    assert!(real.is_connect && real.is_timeout);
    let Failure::Genuine(report, fault) = scripted(Fault::ConnectTimeout.into()).await else {
        panic!("not an error of reqwest");
    };
    assert_eq!(report, real);
    assert_eq!(fault, Some(Fault::ConnectTimeout));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_does_not_come_in_time() {
    let client = Client::builder().timeout(Duration::from_secs(3)).build();
    let url = Peer::Stalls("").url().await;
    let real = real(client.unwrap(), &url).await;
    assert!(real.is_timeout && real.is_request && !real.is_connect);
    let Failure::Genuine(report, fault) = scripted(Fault::Timeout.into()).await else {
        panic!("not an error of reqwest");
    };
    assert_eq!(report, real);
    // It is the client's own error, which has no sources but its own.
    assert_eq!(fault, None);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_in_time() {
    let client = Client::builder().timeout(Duration::from_secs(3)).build();
    let url = Peer::Stalls(super::HALF).url().await;
    let real = real(client.unwrap(), &url).await;
    let late = Script::new()
        .frame("hello")
        .ending(Ending::Fault(Fault::Timeout));
    let Failure::Genuine(report, fault) = scripted(Reply::script(late)).await else {
        panic!("not an error of reqwest");
    };
    assert_eq!(report, real);
    assert_eq!(fault, Some(Fault::Timeout));
}

#[test]
fn without_a_runtime_there_is_no_timer_and_so_no_timeout_of_reqwest() {
    let failure = mockwire::sync::MockTransport::new().block_on(scripted(Fault::Timeout.into()));
    assert!(matches!(
        failure,
        Failure::OfMiddleware(Some(Fault::Timeout))
    ));
}

//! Connections that are not made, or late.

use std::io;
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use mockwire::sync::MockTransport;
use mockwire::{Chaos, Damage, Fault, Reply, SequenceEnd, on};

use super::{Counting, URL, client, failure, fault, fetch, get};

#[tokio::test]
async fn a_rule_that_alone_may_answer_decides_for_the_connection() {
    let transport = MockTransport::new();
    let replies = [Fault::ConnectionRefused, Fault::DnsFailure].map(Reply::fault);
    let replies = replies.into_iter().chain([Reply::text("well")]);
    let rule = transport
        .get(URL)
        .reply_sequence(replies, SequenceEnd::Fail);
    // Other origins are no concern of it.
    transport.get("https://other.test/").reply("other");
    let (client, _) = client(&transport);
    for expected in [Fault::ConnectionRefused, Fault::DnsFailure] {
        let error = failure(&client, URL).await;
        assert!(error.is_connect());
        assert_eq!(fault(&error), Some(expected));
    }
    assert_eq!(fetch(&client, URL).await, "well");
    assert_eq!(rule.calls(), 3);
    transport.assert_in_order([
        on("CONNECT", "https://api.test/"),
        on("CONNECT", "https://api.test/"),
        mockwire::get(URL),
    ]);
    transport.verify();
}

#[tokio::test]
async fn where_anything_else_may_be_answered_the_connection_is_made() {
    let transport = MockTransport::new();
    transport.get(URL).reply(Fault::ConnectionRefused);
    transport.get("https://api.test/health").reply("well");
    let (client, _) = client(&transport);
    assert_eq!(fetch(&client, "https://api.test/health").await, "well");
    let error = failure(&client, URL).await;
    // Nobody knew when the connection was made; so it is an error of reading, of the same kind.
    assert!(!error.is_connect());
    assert_eq!(fault(&error), Some(Fault::ConnectionRefused));
}

#[tokio::test]
async fn rules_for_connections_are_asked_first() {
    let transport = MockTransport::new();
    transport.get(URL).reply("well");
    let late = Reply::status(200).delay(Duration::from_secs(2));
    let replies = [
        Reply::fault(Fault::TlsFailure),
        Reply::status(407),
        Reply::fault(Fault::ConnectTimeout).delay(Duration::from_secs(1)),
        late,
    ];
    transport
        .on(on("CONNECT", "https://api.test/"))
        .reply_sequence(replies, SequenceEnd::Fail);
    let (client, _) = client(&transport);
    let tls = failure(&client, URL).await;
    assert_eq!(fault(&tls), Some(Fault::TlsFailure));
    let refused = failure(&client, URL).await;
    assert!(refused.is_connect());
    assert!(format!("{refused:?}").contains("status 407"));
    let timeout = failure(&client, URL).await;
    assert_eq!(fault(&timeout), Some(Fault::ConnectTimeout));
    assert_eq!(transport.now(), Duration::from_secs(1));
    assert_eq!(fetch(&client, URL).await, "well");
    assert_eq!(transport.now(), Duration::from_secs(3));
    // Of another origin nobody has anything to say.
    transport.get("http://api.test/").reply("plain");
    assert_eq!(fetch(&client, "http://api.test/").await, "plain");
}

#[tokio::test]
async fn a_host_that_is_down_is_not_connected_to_and_ends_idle_connections() {
    let second = Duration::from_secs;
    let transport = MockTransport::new();
    transport.get(URL).reply("well");
    transport.outage("api.test", second(10)..second(20), Fault::ConnectTimeout);
    let (client, connections) = client(&transport);
    assert_eq!(fetch(&client, URL).await, "well");
    transport.advance(second(15));
    let error = failure(&client, URL).await;
    assert!(error.is_connect());
    assert_eq!(fault(&error), Some(Fault::ConnectTimeout));
    transport.advance(second(5));
    assert_eq!(fetch(&client, URL).await, "well");
    assert_eq!(connections.count(), 3);
}

#[tokio::test]
async fn chance_may_refuse_connections() {
    let refused = Damage::Fault(Fault::ConnectionRefused);
    let chaos = Chaos::new().with(0.3, refused);
    let transport = MockTransport::builder().seed(7).chaos(chaos).build();
    transport.get(URL).reply("well");
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(Counting::to(&transport));
    let mut refused = 0;
    for _ in 0..300 {
        match client.request(get(URL)).await {
            Ok(response) => assert_eq!(response.status(), 200),
            Err(error) => {
                assert!(error.is_connect());
                assert_eq!(fault(&error), Some(Fault::ConnectionRefused));
                refused += 1;
            }
        }
    }
    assert!((60..120).contains(&refused), "{refused}");
    // Each attempt is one request or one failure to connect.
    assert_eq!(transport.requests().len(), 300);
}

#[tokio::test]
async fn what_is_no_origin_is_a_mistake() {
    let transport = MockTransport::new();
    let connecting = transport.connector().connect("/path".parse().unwrap());
    let error = connecting.await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("https://api.test"));
    assert!(transport.requests().is_empty());
}

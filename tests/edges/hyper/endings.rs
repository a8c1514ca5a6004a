//! What does not go well: clients that give up, hosts that die, requests that nobody answers.

use mockwire::sync::MockTransport;
use mockwire::{Error, Fault, Outcome, Reply, Script};

use super::{URL, client, failure, fault, fetch, get, next, until};

#[tokio::test]
async fn dropping_the_response_is_noted() {
    let transport = MockTransport::new();
    let script = Script::new().frame("data: 1\n\n").stall();
    transport.get(URL).reply(Reply::script(script));
    let (client, _) = client(&transport);
    let mut body = client.request(get(URL)).await.unwrap().into_body();
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "data: 1\n\n");
    assert_eq!(transport.in_flight(), 1);
    drop(body);
    until(|| transport.in_flight() == 0).await;
    let captured = transport.last_request().unwrap();
    assert_eq!(captured.outcome, Outcome::Cancelled);
    assert_eq!(captured.response_body, "data: 1\n\n");
}

#[tokio::test]
async fn dropping_the_request_is_noted() {
    let transport = MockTransport::new();
    let hold = transport.get(URL).hold();
    let (client, _) = client(&transport);
    let task = tokio::spawn(client.request(get(URL)));
    let held = hold.next().await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    until(|| transport.in_flight() == 0).await;
    let outcome = transport.last_request().unwrap().outcome;
    assert_eq!(outcome, Outcome::Cancelled);
    assert!(held.reply("too late").is_err());
}

#[tokio::test]
async fn an_unmatched_request_is_an_error_of_reading_with_its_diagnosis() {
    let transport = MockTransport::new();
    transport.get(URL).header("x-plan", "pro").reply("ok");
    let error = failure(&client(&transport).0, URL).await;
    assert!(!error.is_connect());
    let found = Error::find(&error).unwrap();
    assert!(found.is_unmatched());
    assert!(format!("{error:?}").contains("header x-plan"));
    assert!(transport.try_verify().is_err());
}

#[tokio::test]
async fn after_a_failure_the_next_request_has_a_new_connection() {
    let transport = MockTransport::new();
    let replies = [Reply::fault(Fault::ConnectionReset), Reply::text("well")];
    transport
        .get(URL)
        .reply_sequence(replies, mockwire::SequenceEnd::Fail);
    let (client, connections) = client(&transport);
    assert_eq!(
        fault(&failure(&client, URL).await),
        Some(Fault::ConnectionReset)
    );
    assert_eq!(fetch(&client, URL).await, "well");
    assert_eq!(connections.count(), 2);
}

#[tokio::test]
async fn a_host_that_is_killed_ends_what_is_going_on_and_what_is_idle() {
    let transport = MockTransport::new();
    transport.get(URL).reply("well");
    let stalled = Script::new().frame("some ").stall();
    let other = "https://other.test/";
    transport.get(other).reply("other");
    transport
        .get("https://api.test/stream")
        .reply(Reply::script(stalled));
    let (client, connections) = client(&transport);
    let stream = client.request(get("https://api.test/stream"));
    let mut body = stream.await.unwrap().into_body();
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "some ");
    fetch(&client, URL).await;
    fetch(&client, other).await;
    assert_eq!(connections.count(), 3);

    transport.kill("api.test");
    let error = next(&mut body).await.unwrap().unwrap_err();
    assert_eq!(fault(&error), Some(Fault::ConnectionReset));
    // The idle connection is not there any more, so the client finds out by connecting.
    let error = failure(&client, URL).await;
    assert!(error.is_connect());
    assert_eq!(fault(&error), Some(Fault::ConnectionRefused));
    // Elsewhere nothing has happened.
    let before = connections.count();
    assert_eq!(fetch(&client, other).await, "other");
    assert_eq!(connections.count(), before);

    transport.restart("api.test");
    assert_eq!(fetch(&client, URL).await, "well");
    let attempts = transport.requests_matching(mockwire::method_is("CONNECT"));
    let attempts: Vec<_> = attempts.iter().map(ToString::to_string).collect();
    assert_eq!(attempts, ["#4 CONNECT https://api.test/ (failed, 0 bytes)"]);
}

#[tokio::test]
async fn a_connection_does_not_outlive_its_host_although_nobody_looked() {
    let transport = MockTransport::new();
    transport.get(URL).reply("well");
    let (client, connections) = client(&transport);
    fetch(&client, URL).await;
    transport.kill("api.test");
    transport.restart("api.test");
    assert_eq!(fetch(&client, URL).await, "well");
    assert_eq!(connections.count(), 2);
}

#[tokio::test]
async fn a_transport_that_is_disposed_answers_nobody() {
    let transport = MockTransport::new();
    transport.get(URL).reply("well");
    let (client, _) = client(&transport);
    fetch(&client, URL).await;
    transport.dispose();
    let error = failure(&client, URL).await;
    let found = Error::find(&error).unwrap();
    assert_eq!(found.code(), "MOCKWIRE_DISPOSED");
    assert!(error.is_connect());
}

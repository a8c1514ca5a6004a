//! Replies with something wrong with them: on purpose, and by chance.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use mockwire::{Chaos, Damage, Fault, Outcome, Reply, Script};
use serde_json::json;

use super::support::{fetch, get, post, request, send};
use super::{MockTransport, test};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn answering(reply: Reply) -> MockTransport {
    let transport = MockTransport::new();
    transport.get("/").reply(reply);
    transport
}

/// The frames of a damaged reply, and the code of the failure at their end.
fn damaged(reply: Reply, damage: Damage) -> (Vec<Vec<u8>>, Option<String>) {
    let transport = answering(reply.damaged(damage));
    let mut body = match send(&transport, get("/")) {
        Ok(response) => response.into_body(),
        Err(error) => return (Vec::new(), Some(error.code().to_owned())),
    };
    let mut frames = Vec::new();
    loop {
        match transport.block_on(body.next()) {
            Some(Ok(frame)) => frames.push(frame.to_vec()),
            Some(Err(error)) => return (frames, Some(error.code().to_owned())),
            None => return (frames, None),
        }
    }
}

fn texts(frames: &[&str]) -> Vec<Vec<u8>> {
    frames
        .iter()
        .map(|frame| frame.as_bytes().to_vec())
        .collect()
}

#[test]
fn each_damage_does_what_it_says() {
    let whole = || Reply::text("hello");
    let two = || Reply::stream(["he", "llo"]);
    let reset = || Some("ECONNRESET".to_owned());
    assert_eq!(
        damaged(whole(), Damage::ResetAt(2)),
        (texts(&["he"]), reset())
    );
    assert_eq!(
        damaged(two(), Damage::ResetAt(3)),
        (texts(&["he", "l"]), reset())
    );
    assert_eq!(damaged(two(), Damage::ResetAt(0)), (Vec::new(), reset()));
    assert_eq!(
        damaged(two(), Damage::TruncateAt(3)),
        (texts(&["he", "l"]), None)
    );
    assert_eq!(
        damaged(two(), Damage::DuplicateFrame(1)),
        (texts(&["he", "llo", "llo"]), None)
    );
    assert_eq!(
        damaged(two(), Damage::DuplicateFrame(2)),
        (texts(&["he", "llo"]), None)
    );
    assert_eq!(
        damaged(whole(), Damage::Malformed),
        (vec![b"he\xfflo".to_vec()], None)
    );
    assert_eq!(
        damaged(whole(), Damage::Fault(Fault::DnsFailure))
            .1
            .unwrap(),
        "ENOTFOUND"
    );
    assert_eq!(damaged(whole(), Damage::Status(503)), (Vec::new(), None));
    assert_eq!(
        damaged(whole(), Damage::WrongLength(10)),
        (texts(&["hello"]), Some("UND_ERR_SOCKET".to_owned()))
    );
    let drip = Damage::SlowDrip {
        bytes: 2,
        gap: millis(10),
    };
    assert_eq!(damaged(whole(), drip), (texts(&["he", "ll", "o"]), None));
}

#[test]
fn heads_are_damaged_too() {
    let longer = answering(Reply::text("hello").damaged(Damage::WrongLength(10)));
    let head = send(&longer, get("/")).unwrap();
    assert_eq!(head.headers()["content-length"], "15");
    let busy = answering(Reply::text("hello").damaged(Damage::Status(503)));
    assert_eq!(send(&busy, get("/")).unwrap().status(), 503);
    let late = answering(Reply::text("hello").damaged(Damage::Late(millis(70))));
    assert_eq!(fetch(&late, get("/")).unwrap(), "hello");
    assert_eq!(late.now(), millis(70));
    let drip = Damage::SlowDrip {
        bytes: 1,
        gap: millis(10),
    };
    let slow = answering(Reply::text("hello").damaged(drip));
    assert_eq!(fetch(&slow, get("/")).unwrap(), "hello");
    assert_eq!(slow.now(), millis(50));
}

#[test]
fn who_is_never_answered_gives_up() {
    for reply in [
        Reply::never(),
        Reply::text("hello").damaged(Damage::NoAnswer),
    ] {
        let transport = answering(reply);
        let error = transport
            .try_block_on(transport.call(get("/")))
            .map(drop)
            .unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_STALLED");
        let mut call = transport.call(get("/"));
        assert!((&mut call).now_or_never().is_none());
        assert_eq!(transport.in_flight(), 1);
        drop(call);
        assert_eq!(transport.in_flight(), 0);
        assert_eq!(
            transport.last_request().unwrap().outcome,
            Outcome::Cancelled
        );
        let mut call = transport.call(get("/"));
        assert!((&mut call).now_or_never().is_none());
        transport.dispose();
        let error = call.now_or_never().unwrap().map(drop).unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_DISPOSED");
    }
}

#[test]
fn chance_keeps_its_shares_and_repeats_itself_for_the_same_seed() {
    let chaos = || {
        Chaos::new()
            .with(0.2, Damage::Status(503))
            .with(0.1, Damage::Fault(Fault::ConnectionReset))
            .with(0.1, Damage::TruncateAt(2))
    };
    let outcomes = |seed| {
        let transport = MockTransport::builder().seed(seed).chaos(chaos()).build();
        transport.get("/").reply("hello");
        transport.post("/").reply_with(|_| "hello");
        let outcome = |n: u32| {
            let request = if n % 2 == 0 { get("/") } else { post("/", "x") };
            let response = match send(&transport, request) {
                Ok(response) => response,
                Err(error) => return error.code().to_owned(),
            };
            let status = response.status();
            let text = transport.block_on(response.into_body().text());
            format!("{status} {}", text.unwrap())
        };
        (0..2000).map(outcome).collect::<Vec<_>>()
    };
    let first = outcomes(1);
    assert_eq!(first, outcomes(1));
    assert_ne!(first, outcomes(2));
    let count = |wanted: &str| first.iter().filter(|it| it.contains(wanted)).count();
    assert!((320..480).contains(&count("503")), "{}", count("503"));
    assert!((140..260).contains(&count("ECONNRESET")));
    assert!((140..260).contains(&first.iter().filter(|it| it.ends_with(" he")).count()));
    assert_eq!(
        first.len() - count("503") - count("ECONNRESET"),
        count("200")
    );
}

#[test]
fn a_rule_may_have_a_chaos_of_its_own() {
    let always = |damage| Chaos::new().with(1.0, damage);
    let transport = MockTransport::builder()
        .chaos(always(Damage::Status(503)))
        .build();
    transport
        .get("/own")
        .chaos(always(Damage::Status(500)))
        .reply("hello");
    transport.get("/none").chaos(Chaos::new()).reply("hello");
    transport.get("/all").reply("hello");
    let status = |path| send(&transport, get(path)).unwrap().status().as_u16();
    assert_eq!(
        [status("/own"), status("/none"), status("/all")],
        [500, 200, 503]
    );
    // What was sent is what is captured.
    assert_eq!(
        transport.last_request().unwrap().response.unwrap().status,
        503
    );
}

#[test]
fn templates_and_streams_meet_chance_as_well() {
    let cut = Chaos::new().with(1.0, Damage::TruncateAt(4));
    let transport = MockTransport::builder().chaos(cut).build();
    transport
        .get("/users/{id}")
        .reply(Reply::template("user {{param.id}}"));
    transport.get("/script").reply(Reply::script(
        Script::new().frames(["ab", "cdef"]).gap(millis(1)),
    ));
    transport
        .get("/live")
        .reply_stream(Reply::status(200), |_| {
            futures::stream::iter([Ok::<_, mockwire::Error>("made elsewhere")])
        });
    assert_eq!(fetch(&transport, get("/users/7")).unwrap(), "user");
    assert_eq!(fetch(&transport, get("/script")).unwrap(), "abcd");
    // A body that somebody else produces is left alone.
    assert_eq!(fetch(&transport, get("/live")).unwrap(), "made elsewhere");
    assert_eq!(
        fetch(&transport, request("HEAD", "/users/7", ())).map_err(|it| it.is_unmatched()),
        Err(true)
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |chaos: Chaos| {
        let built = MockTransport::builder().chaos(chaos).try_build();
        built.map(drop).unwrap_err().code()
    };
    let status = |share| Chaos::new().with(share, Damage::Status(503));
    assert_eq!(refused(status(1.1)), "MOCKWIRE_INVALID_OPTION");
    assert_eq!(refused(status(-0.1)), "MOCKWIRE_INVALID_OPTION");
    assert_eq!(refused(status(f64::NAN)), "MOCKWIRE_INVALID_OPTION");
    assert_eq!(
        refused(status(0.6).with(0.6, Damage::Malformed)),
        "MOCKWIRE_INVALID_OPTION"
    );
    assert_eq!(
        refused(Chaos::new().with(0.1, Damage::Status(99))),
        "MOCKWIRE_INVALID_STATUS"
    );
    let drip = Damage::SlowDrip {
        bytes: 0,
        gap: millis(1),
    };
    assert_eq!(
        refused(Chaos::new().with(0.1, drip)),
        "MOCKWIRE_INVALID_OPTION"
    );
    let template = Reply::template("{{path}}").damaged(Damage::Malformed);
    assert!(
        template
            .validate()
            .unwrap_err()
            .to_string()
            .contains("reply_with")
    );
}

#[test]
fn chaos_is_a_value_also_in_json() {
    let chaos = Chaos::new().with(0.5, Damage::Malformed).with(
        0.25,
        Damage::SlowDrip {
            bytes: 1,
            gap: millis(5),
        },
    );
    let json = json!([
        {"share": 0.5, "damage": "malformed"},
        {"share": 0.25, "damage": {"slowDrip": {"bytes": 1, "gap": 5}}},
    ]);
    assert_eq!(serde_json::to_value(&chaos).unwrap(), json);
    assert_eq!(serde_json::from_value::<Chaos>(json).unwrap(), chaos);
}

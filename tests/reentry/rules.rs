//! Rules: what they are made of runs and is dropped outside.

use futures::FutureExt;
use mockwire::{Reply, Request, SequenceEnd};

use super::{
    MockTransport, Owned, armed, assert_intrudes, fetch, handler, intrude, intruder, intrusions,
    owned_bytes, predicate, request, watched,
};

#[test]
fn the_detector_runs_whenever_a_value_is_dropped() {
    watched(|| {
        // The control of this file: a dropped value does call into the transport.
        let transport = armed();
        let before = intrusions();
        drop(Owned);
        assert_eq!(intrusions(), before + 1);
        assert_eq!(transport.scenario("intruded"), "yes");
        drop(owned_bytes());
        drop(intruder());
        assert_eq!(intrusions(), before + 3);
    });
}

#[test]
fn handlers_predicates_and_parsers_may_use_the_transport() {
    watched(|| {
        let transport = armed();
        let rule = transport.post("/").matching(|_: &Request| {
            intrude();
            true
        });
        rule.reply_with(|request: &Request| {
            intrude();
            request.view::<Owned>().map(|_| "handled")
        });
        let before = intrusions();
        assert_eq!(
            fetch(&transport).unwrap_err().code(),
            "MOCKWIRE_HANDLER_FAILED"
        );
        let response = transport.call(request("{}")).now_or_never().unwrap();
        assert_eq!(response.unwrap().status(), 200);
        assert!(intrusions() >= before + 5);
    });
}

#[test]
fn who_reads_a_request_or_makes_the_reply_of_an_exchange_may_use_the_transport() {
    watched(|| {
        let transport = armed();
        let read = mockwire::reading("body", |request| {
            intrude();
            Some(request.text().ok()?.into())
        });
        let owned = Owned;
        let rule = transport
            .post("/")
            .and(read.exists())
            .reply(Reply::from_exchange(move |exchange| {
                let _ = &owned;
                intrude();
                exchange.sequence().to_string()
            }));
        let before = intrusions();
        assert_eq!(fetch(&transport).unwrap(), "1");
        assert!(intrusions() >= before + 2);
        assert_intrudes("diagnosing", || {
            transport.assert_called(mockwire::reading("body", |_| None).missing(), 1..);
            let read = mockwire::reading("body", |_| {
                intrude();
                None
            });
            assert!(transport.requests_matching(read.exists()).is_empty());
        });
        assert_intrudes("removing the rule", || rule.remove().unwrap());
    });
}

#[test]
fn an_asynchronous_handler_may_use_the_transport() {
    watched(|| {
        let transport = armed();
        transport.post("/").reply_async(|_: Request| {
            intrude();
            async {
                intrude();
                "handled"
            }
        });
        let before = intrusions();
        assert_eq!(fetch(&transport).unwrap(), "handled");
        assert_eq!(intrusions(), before + 2);
    });
}

#[test]
fn what_a_rule_owns_is_dropped_outside_when_it_is_removed() {
    watched(|| {
        let transport = armed();
        for register in [
            |it: &MockTransport| it.post("/").reply_with(handler()),
            |it: &MockTransport| it.post("/").matching(predicate()).reply("x"),
            |it: &MockTransport| it.post("/").reply(Reply::bytes(owned_bytes())),
            |it: &MockTransport| {
                let replies = [Reply::stream([owned_bytes()]), Reply::bytes(owned_bytes())];
                it.post("/").reply_sequence(replies, SequenceEnd::Cycle)
            },
        ] {
            let rule = register(&transport);
            assert_intrudes("removing the rule", || rule.remove().unwrap());
            let _rule = register(&transport);
            assert_intrudes("resetting", || transport.reset());
        }
    });
}

#[test]
fn what_a_scope_owns_is_dropped_outside_when_it_ends() {
    watched(|| {
        let transport = armed();
        let scope = transport.scope();
        scope.post("/").reply_with(handler());
        scope.get("/").matching(predicate()).reply("x");
        assert_intrudes("closing the scope", || scope.close().unwrap());
    });
}

#[test]
fn what_rules_own_is_dropped_outside_when_the_transport_is_disposed() {
    watched(|| {
        let transport = armed();
        transport.post("/").reply_with(handler());
        transport.post("/").matching(predicate()).reply("x");
        transport.post("/").reply(Reply::bytes(owned_bytes()));
        assert_intrudes("disposing", || transport.dispose());
    });
}

#[test]
fn what_a_refused_rule_owns_is_dropped_outside() {
    watched(|| {
        let transport = armed();
        let scope = transport.scope();
        let of_scope = [
            scope.post("/").matching(predicate()),
            scope.post("/").matching(predicate()),
        ];
        scope.close().unwrap();
        for when in of_scope {
            let error = assert_intrudes("its scope is gone", || when.try_reply("x").unwrap_err());
            assert_eq!(error.code(), "MOCKWIRE_STALE_HANDLE");
        }
        let when = transport.post("/").matching(predicate());
        let other = transport.post("/");
        transport.dispose();
        let error = assert_intrudes("disposed", || when.try_reply("x").unwrap_err());
        assert_eq!(error.code(), "MOCKWIRE_DISPOSED");
        let reply = Reply::bytes(owned_bytes());
        assert_intrudes("disposed", || other.try_reply(reply).unwrap_err());
    });
}

#[test]
fn a_rule_that_removes_itself_is_dropped_outside() {
    watched(|| {
        let transport = armed();
        let (inner, owned) = (transport.clone(), Owned);
        transport.post("/").reply_with(move |_: &Request| {
            let _ = &owned;
            let captured = inner.requests().into_iter().rfind(|it| it.rule.is_some());
            let mine = captured.unwrap().rule.unwrap();
            inner.rule(mine).unwrap().remove().unwrap();
            "handled"
        });
        // The last of the rule goes with the call that it answers.
        assert_intrudes("the call is over", || fetch(&transport).unwrap());
    });
}

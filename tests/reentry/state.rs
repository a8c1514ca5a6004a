//! Conversation state, caches and sessions.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use mockwire::Error;

use super::{INTRUSION, Owned, armed, assert_intrudes, intrude, poll, watched};

#[test]
fn what_the_state_holds_is_made_cloned_and_dropped_outside() {
    /// Like [`Owned`], and calls into the transport when it is cloned, too.
    struct Cloned(#[allow(dead_code)] Owned);
    impl Clone for Cloned {
        fn clone(&self) -> Self {
            intrude();
            Self(Owned)
        }
    }
    watched(|| {
        let transport = armed();
        let state = transport.state();
        state.put(Cloned(Owned));
        assert_intrudes("clone", || state.typed::<Cloned>());
        assert_intrudes("replace", || state.put(Cloned(Owned)));
        assert_intrudes("change", || {
            state.update_typed(|_| {
                intrude();
                Cloned(Owned)
            })
        });
        assert_intrudes("update", || {
            state.update("turn", |_| {
                intrude();
                1
            })
        });
        state.set("owned", "{}");
        let read = || state.get_as::<Owned>("owned").map(drop);
        assert_intrudes("parse", read).unwrap();
        assert_intrudes("clear", || state.clear());
        state.put(Cloned(Owned));
        assert_intrudes("reset", || transport.reset());
        assert!(state.typed::<Cloned>().is_none());
    });
}

#[test]
fn what_a_cache_holds_is_fetched_cloned_weighed_and_dropped_outside() {
    use mockwire::state::{Cache, CacheLimits, Weight};

    /// Calls into the transport, and into the cache, whenever anything is done with it.
    #[derive(Debug)]
    struct Value(#[allow(dead_code)] Owned);
    impl Clone for Value {
        fn clone(&self) -> Self {
            intrude();
            Self(Owned)
        }
    }
    impl Weight for Value {
        fn weight(&self) -> usize {
            intrude();
            1
        }
    }
    watched(|| {
        let transport = armed();
        let limits = CacheLimits::new().entries(1).ttl(Duration::from_secs(1));
        let cache = Cache::<_, Value>::new(&transport, limits);
        let armed = INTRUSION.with_borrow(Clone::clone).unwrap();
        let used = cache.clone();
        INTRUSION.set(Some(Rc::new(move || {
            armed();
            let _ = (used.len(), used.stats());
            let _ = used.remove("intruded");
        })));
        let give = || async {
            intrude();
            Ok::<_, Error>(Value(Owned))
        };
        assert_intrudes("put", || cache.put("a", Value(Owned)));
        assert_intrudes("get", || cache.get("a"));
        assert_intrudes("evict", || cache.put("b", Value(Owned)));
        assert_intrudes("fetch", || {
            cache
                .get_or_fetch("c", give)
                .now_or_never()
                .unwrap()
                .unwrap()
        });
        transport.advance(Duration::from_secs(1));
        assert_intrudes("expire", || cache.len());
        cache.put("d", Value(Owned));
        assert_intrudes("remove", || cache.remove("d"));
        cache.put("e", Value(Owned));
        assert_intrudes("clear", || cache.clear());
        // Wakers: of one who waits and then does not, and of one who is woken.
        let never = futures::future::pending::<Result<Value, Error>>;
        let mut fetching = cache.get_or_fetch("f", never);
        let mut waiting = cache.get_or_fetch("f", give);
        let mut leaving = cache.get_or_fetch("f", give);
        assert!(poll(&mut fetching).is_pending());
        assert!(poll(&mut waiting).is_pending());
        assert_intrudes("wait again", || poll(&mut waiting).is_pending());
        assert!(poll(&mut leaving).is_pending());
        assert_intrudes("leave", || drop(leaving));
        assert_intrudes("crash", || drop(fetching));
        assert_intrudes("land", || poll(&mut waiting).is_ready());
    });
}

#[test]
fn who_waits_for_sessions_is_woken_and_what_they_hold_dropped_outside() {
    use mockwire::state::{SessionKey, SessionOptions, Sessions};
    watched(|| {
        let transport = armed();
        let sessions = Sessions::new(&transport, SessionOptions::new());
        let armed = INTRUSION.with_borrow(Clone::clone).unwrap();
        let used = sessions.clone();
        INTRUSION.set(Some(Rc::new(move || {
            armed();
            let _ = (used.list(), used.available(), used.get(&SessionKey::new()));
            let session = used.get_or_create(&SessionKey::new().thread("intruded"));
            let _ = session.map(|it| it.send("intruded").map(drop));
        })));
        let key = SessionKey::new();
        let session = sessions.create(key.clone()).unwrap();
        session.state().unwrap().put(Arc::new(Owned));

        let mut next = sessions.next_turn();
        assert!(poll(&mut next).is_pending());
        let mut receipt = assert_intrudes("send", || session.send("1")).unwrap();
        let dropped = session.send("2").unwrap();
        assert!(poll(&mut receipt).is_pending());
        assert_intrudes("wait again", || poll(&mut receipt).is_pending());
        let turn = sessions.next_turn().now_or_never().unwrap().unwrap();
        assert!(poll(&mut turn.interrupted()).is_pending());
        assert_intrudes("kill", || sessions.kill());
        let mut next = sessions.next_turn();
        assert!(poll(&mut next).is_pending());
        assert_intrudes("restart", || sessions.restart());
        drop(turn);
        let turn = sessions.next_turn().now_or_never().unwrap().unwrap();
        assert_intrudes("finish", || turn.finish()).unwrap();
        assert!(receipt.now_or_never().unwrap().is_ok());
        let mut waiting = dropped;
        assert!(poll(&mut waiting).is_pending());
        assert_intrudes("forget", || drop(waiting));
        let mut told = session.send("3").unwrap();
        assert!(poll(&mut told).is_pending());
        assert_intrudes("remove", || sessions.remove(&key));
        // What the state of a session holds.
        let session = sessions.create(key.clone()).unwrap();
        session.state().unwrap().put(Arc::new(Owned));
        assert_intrudes("drop the state", || sessions.remove(&key));
        let session = sessions.create(key.clone()).unwrap();
        session.state().unwrap().put(Arc::new(Owned));
        let removed = assert_intrudes("inactive", || sessions.remove_inactive(Duration::ZERO));
        assert!(removed.contains(&key));
    });
}

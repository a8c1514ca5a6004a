//! Many connections at once.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use mockwire::ErrorKind;
use mockwire::connections::{
    ConnectionBuilder, ConnectionContext, ConnectionKey, ConnectionRate, Connections, Traffic,
};

const MANY: usize = 1_000;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn builder(user: &str, thread: &str) -> ConnectionBuilder {
    let builder = ConnectionContext::builder().user(user).thread(thread);
    builder.run("run_1")
}

/// Numbers without order, the same in each run.
fn shuffled(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % below
    }
}

#[test]
fn ids_come_from_a_counter_that_gives_none_twice() {
    let mut connections = Connections::new();
    let mut open = |builder: ConnectionBuilder| {
        let key = connections.open(builder, ms(0)).unwrap();
        (
            key,
            connections.get(key).unwrap().connection_id().to_owned(),
        )
    };
    assert_eq!(open(builder("a", "t")).1, "conn_1");
    let (second, id) = open(builder("a", "t"));
    assert_eq!(id, "conn_2");
    // One that was given by hand is passed over.
    assert_eq!(open(builder("a", "t").connection_id("conn_3")).1, "conn_3");
    assert_eq!(open(builder("a", "t")).1, "conn_4");
    connections.close(second).unwrap();
    let next = connections.open(builder("a", "t"), ms(0)).unwrap();
    assert_eq!(connections.get(next).unwrap().connection_id(), "conn_5");
}

#[test]
fn an_id_is_for_one_open_connection() {
    let mut connections = Connections::new();
    let mine = || builder("a", "t").connection_id("mine");
    let key = connections.open(mine(), ms(1)).unwrap();
    let error = connections.open(mine(), ms(2)).unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_CONNECTION");
    assert!(error.to_string().contains("another open connection"));
    assert_eq!(connections.find("mine"), Some(key));

    let closed = connections.close(key).unwrap();
    assert!(!closed.is_active());
    assert_eq!(connections.find("mine"), None);
    let again = connections.open(mine(), ms(3)).unwrap();
    assert_ne!(again, key);
    assert_eq!(connections.get(again).unwrap().connected_at(), ms(3));
}

#[test]
fn what_is_refused_counts_for_nothing() {
    let rate = ConnectionRate::new(1, ms(100)).unwrap();
    let mut connections = Connections::limited(rate);
    let without_user = ConnectionContext::builder().thread("t").run("r");
    let error = connections.open(without_user, ms(0)).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::MissingField { field: "user", .. }
    ));
    assert!(connections.open(builder("", "t"), ms(0)).is_err());

    let first = connections.open(builder("a", "t"), ms(0)).unwrap();
    assert_eq!(connections.get(first).unwrap().connection_id(), "conn_1");
    let error = connections.open(builder("a", "t"), ms(40)).unwrap_err();
    let exceeded = ErrorKind::ConnectionRateExceeded {
        limit: 1,
        window: ms(100),
        retry_after: ms(60),
    };
    assert_eq!(*error.kind(), exceeded);
    assert_eq!(connections.len(), 1);
    let second = connections.open(builder("a", "t"), ms(100)).unwrap();
    assert_eq!(connections.get(second).unwrap().connection_id(), "conn_2");
}

#[test]
fn a_connection_is_in_use_until_its_context_is_closed() {
    let mut connections = Connections::new();
    assert!(connections.is_empty());
    let first = connections.open(builder("a", "t"), ms(0)).unwrap();
    let second = connections.open(builder("a", "t"), ms(0)).unwrap();
    connections.get_mut(first).unwrap().close();
    assert_eq!((connections.len(), connections.active()), (2, 1));
    connections.close(first).unwrap();
    connections.close(second).unwrap();
    assert_eq!((connections.len(), connections.active()), (0, 0));
}

#[test]
fn a_stale_key_is_an_error_and_nobody_elses() {
    let mut connections = Connections::new();
    let old = connections.open(builder("old", "t"), ms(0)).unwrap();
    connections.close(old).unwrap();
    let new = connections.open(builder("new", "t"), ms(0)).unwrap();
    let stale = ErrorKind::StaleHandle { what: "connection" };
    assert_eq!(*connections.get(old).unwrap_err().kind(), stale);
    assert_eq!(*connections.get_mut(old).unwrap_err().kind(), stale);
    assert_eq!(*connections.touch(old, ms(9)).unwrap_err().kind(), stale);
    assert_eq!(*connections.close(old).unwrap_err().kind(), stale);
    assert_eq!(connections.get(new).unwrap().last_activity(), ms(0));
}

/// What one connection should have seen.
#[derive(Default)]
struct Expected {
    traffic: Traffic,
    last_activity: Duration,
    inbox: Vec<String>,
}

#[test]
fn a_thousand_connections_at_once_and_no_message_crosses() {
    let mut connections = Connections::new();
    let mut expected: HashMap<ConnectionKey, Expected> = HashMap::new();
    let mut inboxes: HashMap<String, Vec<String>> = HashMap::new();
    let mut random = shuffled(7);
    // Few users and few threads, so that many connections have names in common.
    for n in 0..MANY {
        let builder = builder(&format!("user {}", n % 40), &format!("thread {}", n / 40));
        let key = connections.open(builder, ms(0)).unwrap();
        assert!(expected.insert(key, Expected::default()).is_none());
    }
    assert_eq!((connections.len(), connections.active()), (MANY, MANY));
    let isolation: BTreeSet<_> = connections
        .iter()
        .map(|(_, context)| context.isolation_key().to_string())
        .collect();
    assert_eq!(isolation.len(), MANY);

    // Each gets messages that name it, in an order of no pattern.
    let keys: Vec<_> = expected.keys().copied().collect();
    for step in 0..20 * MANY {
        let key = keys[random(keys.len())];
        let now = ms(step as u64);
        let context = connections.get_mut(key).unwrap();
        let should = expected.get_mut(&key).unwrap();
        let message = format!("{step} for {}", context.connection_id());
        let bytes = message.len();
        should.last_activity = now;
        match random(3) {
            0 => context.touch(now),
            1 => {
                context.received(bytes, now);
                should.traffic.messages_received += 1;
                should.traffic.bytes_received += bytes as u64;
            }
            _ => {
                context.sent(bytes, now);
                should.traffic.messages_sent += 1;
                should.traffic.bytes_sent += bytes as u64;
                let id = context.connection_id().to_owned();
                inboxes.entry(id).or_default().push(message.clone());
                should.inbox.push(message);
            }
        }
    }
    for (key, should) in &expected {
        let context = connections.get(*key).unwrap();
        assert_eq!(context.traffic(), should.traffic);
        assert_eq!(context.last_activity(), should.last_activity);
        let inbox = inboxes.remove(context.connection_id()).unwrap_or_default();
        assert_eq!(inbox, should.inbox);
        let address = format!(" for {}", context.connection_id());
        assert!(inbox.iter().all(|message| message.ends_with(&address)));
    }
    assert!(inboxes.is_empty());
}

#[test]
fn connections_that_come_and_go_keep_to_themselves() {
    let mut connections = Connections::new();
    let mut random = shuffled(11);
    let mut open: Vec<(ConnectionKey, String, u64)> = Vec::new();
    let mut gone: Vec<ConnectionKey> = Vec::new();
    for step in 0..20 * MANY {
        if open.len() < MANY || random(2) == 0 {
            let user = format!("user {step}");
            let key = connections.open(builder(&user, "t"), ms(0)).unwrap();
            assert_eq!(connections.get(key).unwrap().traffic(), Traffic::default());
            open.push((key, user, 0));
        } else {
            let (key, user, sent) = open.swap_remove(random(open.len()));
            let context = connections.close(key).unwrap();
            assert_eq!(
                (context.user(), context.traffic().messages_sent),
                (&*user, sent)
            );
            gone.push(key);
        }
        let at = random(open.len());
        let (key, _, sent) = &mut open[at];
        connections.get_mut(*key).unwrap().sent(1, ms(1));
        *sent += 1;
    }
    assert_eq!(connections.len(), open.len());
    assert!(gone.len() > MANY);
    assert!(gone.iter().all(|key| connections.get(*key).is_err()));
    for (key, user, sent) in open {
        let context = connections.get(key).unwrap();
        assert_eq!(
            (context.user(), context.traffic().messages_sent),
            (&*user, sent)
        );
    }
}

//! One context.

use std::time::Duration;

use mockwire::connections::{ConnectionBuilder, ConnectionContext, ConnectionInfo, Traffic};
use mockwire::{Error, ErrorKind, Part};
use serde_json::json;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn ada() -> ConnectionBuilder {
    ConnectionContext::builder()
        .connection_id("conn_1")
        .user("ada")
        .thread("notes")
        .run("run_1")
}

#[test]
fn a_context_says_who_and_when() {
    let context = ada().connected_at(ms(5)).state("waiting").build().unwrap();
    assert_eq!(
        (
            context.connection_id(),
            context.user(),
            context.thread(),
            context.run()
        ),
        ("conn_1", "ada", "notes", "run_1")
    );
    assert_eq!(
        (context.connected_at(), context.last_activity()),
        (ms(5), ms(5))
    );
    assert!(context.is_active());
    assert_eq!(*context.state(), json!("waiting"));
    assert_eq!(context.traffic(), Traffic::default());
}

#[test]
fn the_first_required_field_that_is_missing_is_named() {
    type Give = fn(ConnectionBuilder) -> ConnectionBuilder;
    let fields: [(&str, Give); 4] = [
        ("connection_id", |builder| builder.connection_id("conn_1")),
        ("user", |builder| builder.user("ada")),
        ("thread", |builder| builder.thread("notes")),
        ("run", |builder| builder.run("run_1")),
    ];
    for given in 0..1 << fields.len() {
        let is_given = |index: usize| given >> index & 1 == 1;
        let mut builder = ConnectionContext::builder();
        for (index, (_, give)) in fields.iter().enumerate() {
            if is_given(index) {
                builder = give(builder);
            }
        }
        let missing = (0..fields.len()).find(|index| !is_given(*index));
        let named = match builder.build() {
            Ok(_) => None,
            Err(error) => match error.kind() {
                ErrorKind::MissingField { field, .. } => Some(*field),
                other => panic!("{other:?}"),
            },
        };
        assert_eq!(named, missing.map(|index| fields[index].0));
    }
    let error = ConnectionContext::builder().build().unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_MISSING_FIELD");
    assert_eq!(
        error.to_string(),
        "the connection context has no connection_id: call `connection_id` on its builder"
    );
}

#[test]
fn activity_moves_forward() {
    let mut context = ada().connected_at(ms(10)).build().unwrap();
    context.touch(ms(30));
    context.touch(ms(20));
    context.touch(ms(0));
    assert_eq!(context.last_activity(), ms(30));
    assert_eq!(context.idle(ms(50)), ms(20));
    assert_eq!(context.idle(ms(0)), ms(0));
    assert_eq!(context.age(ms(50)), ms(40));
    assert_eq!(context.age(ms(0)), ms(0));
}

#[test]
fn messages_are_counted_and_are_activity() {
    let mut context = ada().build().unwrap();
    context.received(7, ms(1));
    context.sent(100, ms(2));
    context.sent(0, ms(3));
    let counted = Traffic {
        messages_sent: 2,
        messages_received: 1,
        bytes_sent: 100,
        bytes_received: 7,
    };
    assert_eq!(context.traffic(), counted);
    assert_eq!(context.last_activity(), ms(3));
}

#[test]
fn a_closed_connection_is_not_used() {
    let mut context = ada().build().unwrap();
    context.sent(1, ms(1));
    context.close();
    let closed = context.clone();
    context.touch(ms(9));
    context.sent(1, ms(9));
    context.received(1, ms(9));
    assert_eq!(context, closed);
    assert!(!context.is_active());
}

#[test]
fn an_old_connection_is_worth_a_warning() {
    let two_hours = Duration::from_secs(7_200);
    let mut context = ada().connected_at(ms(10)).build().unwrap();
    assert_eq!(context.age_warning(two_hours + ms(10)), None);
    let warning = context.age_warning(two_hours + ms(11)).unwrap();
    assert_eq!((warning.age, warning.limit), (two_hours + ms(1), two_hours));
    assert_eq!(
        warning.to_string(),
        "open for 7200.001s, which is longer than 7200s"
    );
    let eager = ada().warn_after(ms(1)).build().unwrap();
    assert_eq!(eager.age_warning(ms(1)), None);
    assert_eq!(eager.age_warning(ms(2)).unwrap().limit, ms(1));
    // Activity does not make it younger; closing ends the matter.
    context.touch(two_hours + ms(11));
    assert_eq!(context.age_warning(two_hours + ms(11)), Some(warning));
    context.close();
    assert_eq!(context.age_warning(two_hours + ms(11)), None);
}

#[test]
fn a_snapshot_is_plain_data_that_a_context_goes_on_from() {
    let mut context = ada().state(json!({"step": 2})).build().unwrap();
    context.received(3, ms(1));
    let info = context.info();
    context.received(4, ms(2));
    assert_eq!(info.traffic.bytes_received, 3);
    assert_eq!(info.isolation_key(), Some(context.isolation_key()));

    let text = serde_json::to_string(&info).unwrap();
    let read: ConnectionInfo = serde_json::from_str(&text).unwrap();
    assert_eq!(read, info);
    let mut restored = ConnectionContext::try_from(read).unwrap();
    restored.received(4, ms(2));
    assert_eq!(restored, context);
}

#[test]
fn state_is_any_json() {
    let mut context = ada().build().unwrap();
    assert_eq!(*context.state(), json!(null));
    context.set_state(json!({"phase": "greeting"}));
    assert_eq!(context.state()["phase"], "greeting");
}

/// What is refused, with the value that is at fault.
fn refused(result: Result<ConnectionContext, Error>) -> (String, String) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), "MOCKWIRE_INVALID_CONNECTION");
    match error.kind() {
        ErrorKind::Invalid {
            part: Part::Connection,
            value,
            reason,
        } => (value.clone(), reason.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_tell_something() {
    let (_, reason) = refused(ada().user("").build());
    assert_eq!(
        reason,
        "the user is empty: it must tell this one from others"
    );
    let (_, reason) = refused(ada().connection_id("").user("").build());
    assert!(reason.starts_with("the connection id is empty"));

    assert!(ada().thread("é".repeat(64)).build().is_ok());
    let (value, reason) = refused(ada().thread("x".repeat(129)).build());
    assert_eq!(value.len(), 129);
    assert_eq!(reason, "the thread has 129 bytes: at most 128 are allowed");

    for control in ["\n", "a\0", "\u{7f}b", "\u{85}"] {
        let (value, reason) = refused(ada().run(control).build());
        assert_eq!(value, control);
        assert_eq!(reason, "the run has a control character: take it out");
    }
    // Everything else may be in a name.
    for name in [" ", "a b", "a:b", "a/b", "%", "🦀", "ada@example.test"] {
        assert!(ada().user(name).build().is_ok(), "{name:?}");
    }
}

#[test]
fn a_snapshot_that_cannot_be_is_refused() {
    let info = ada().connected_at(ms(5)).build().unwrap().info();
    let impossible = ConnectionInfo {
        last_activity: ms(4),
        ..info.clone()
    };
    let (value, reason) = refused(impossible.try_into());
    assert_eq!(value, "conn_1");
    assert_eq!(reason, "it was last used at 4ms, before it was made at 5ms");
    let nameless = ConnectionInfo {
        run: Some(String::new()),
        ..info.clone()
    };
    assert!(nameless.validate().is_err());
    // It belongs to nobody, or to somebody who is told in full.
    let half = ConnectionInfo {
        thread: None,
        ..info.clone()
    };
    let kind = ErrorKind::MissingField {
        of: "connection context",
        field: "thread",
    };
    assert_eq!(*half.validate().unwrap_err().kind(), kind);
    assert_eq!(*ConnectionContext::try_from(half).unwrap_err().kind(), kind);
    let nobodys = ConnectionInfo {
        user: None,
        thread: None,
        run: None,
        ..info
    };
    nobodys.validate().unwrap();
    assert_eq!(nobodys.isolation_key(), None);
    assert!(ConnectionContext::try_from(nobodys).is_err());
}

//! What an event looks like in JSON.

use std::time::Duration;

use mockwire::sse::{Event, LineEnding};
use proptest::prelude::*;
use serde_json::{from_value, json, to_value};

use super::support::{config, event};

#[test]
fn the_short_form_has_a_member_for_each_field() {
    let full = Event::data("..")
        .named("x")
        .id("1")
        .retry(Duration::from_secs(1))
        .comment("ping");
    let short = json!({"event": "x", "data": "..", "id": "1", "retry": 1000, "comment": "ping"});
    assert_eq!(to_value(&full).unwrap(), short);
    assert_eq!(from_value::<Event>(short).unwrap(), full);
}

#[test]
fn every_member_may_be_left_out() {
    assert_eq!(from_value::<Event>(json!({})).unwrap(), Event::new());
    assert_eq!(to_value(Event::new()).unwrap(), json!({}));
    let nulls = json!({"event": null, "data": null, "id": null, "retry": null});
    assert_eq!(from_value::<Event>(nulls).unwrap(), Event::new());
}

#[test]
fn data_that_is_no_text_is_sent_as_json() {
    let data = |data| from_value::<Event>(json!({"data": data})).unwrap();
    assert_eq!(
        data(json!({"a": [1, null]})),
        Event::data(r#"{"a":[1,null]}"#)
    );
    assert_eq!(data(json!(1.5)), Event::data("1.5"));
    assert_eq!(data(json!("")), Event::data(""));
}

#[test]
fn comments_are_one_or_many() {
    let two = Event::new().comment("a").comment("b");
    assert_eq!(to_value(&two).unwrap(), json!({"comment": ["a", "b"]}));
    let given = from_value::<Event>(json!({"comment": ["a", "b"]}));
    assert_eq!(given.unwrap(), two);
}

#[test]
fn what_is_no_event_is_refused() {
    let error = |value| from_value::<Event>(value).unwrap_err().to_string();
    assert!(error(json!({"name": "x"})).starts_with("unknown field `name`"));
    assert!(error(json!({"retry": -1})).contains("-1"));
    assert!(error(json!({"comment": 1})).contains("a text or a list of texts"));
    assert!(error(json!({"id": 1})).contains("expected a string"));
}

#[test]
fn line_endings_are_named() {
    let endings = json!(["lf", "cr", "crlf"]);
    let all = [LineEnding::Lf, LineEnding::Cr, LineEnding::CrLf];
    assert_eq!(to_value(all).unwrap(), endings);
    assert_eq!(from_value::<[LineEnding; 3]>(endings).unwrap(), all);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_event_comes_back_from_json(event in event()) {
        let text = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}

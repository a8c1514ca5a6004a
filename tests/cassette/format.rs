//! What is written is read back to the byte, reads well, and is what the schema says.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use mockwire::cassette::{Cassette, Entry, Frame, RecordedBody, RecordedRequest, RecordedResponse};
use proptest::collection::vec;
use proptest::prelude::*;

use super::support::sample;

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = include_str!("../../docs/cassette.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// Fails unless a text is what the schema asks for.
#[track_caller]
pub(crate) fn assert_valid(text: &str) {
    let value = serde_json::from_str(text).unwrap();
    let errors: Vec<_> = SCHEMA
        .iter_errors(&value)
        .map(|it| it.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
}

#[test]
fn a_cassette_reads_well() {
    insta::assert_snapshot!(sample().to_json());
}

#[test]
fn what_is_written_is_read_back_and_is_valid() {
    let text = sample().to_json();
    assert_valid(&text);
    let read = Cassette::parse(&text).unwrap();
    assert_eq!(read, sample());
    assert_eq!(read.to_json(), text);
    // In any other layout as well, and through other readers of serde.
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        Cassette::parse(&value.to_string()).unwrap().entries.len(),
        9
    );
    assert_eq!(serde_json::from_str::<Cassette>(&text).unwrap(), sample());
    assert_eq!(serde_json::to_value(sample()).unwrap(), value);
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    // The control of the two tests above: a schema that allows everything would pass them.
    let cases = [
        r#"{"format":"mockwire-cassette","version":1}"#,
        r#"{"format":"mockwire-cassette","version":1,"entries":[],"more":0}"#,
        r#"{"format":"mockwire-cassette","version":1,"entries":[{"id":1}]}"#,
    ];
    let entry = |request: &str, response: &str| {
        format!(
            r#"{{"format":"mockwire-cassette","version":1,"entries":[{{"id":1,"request":{{"method":"GET","url":"/"{request}}},"response":{{"status":200{response}}}}}]}}"#
        )
    };
    let parts = [
        (r#","headers":{"a b":"x"}"#, ""),
        (r#","headers":{"a":1}"#, ""),
        (r#","body":{}"#, ""),
        (r#","body":{"text":"a","base64":""}"#, ""),
        (r#","body":{"base64":"Zg="}"#, ""),
        ("", r#","body":{"json":{},"indent":9}"#),
        ("", r#","after":-1"#),
        ("", r#","end":"soon""#),
        ("", r#","body":{"text":"a"},"frames":[]"#),
        ("", r#","frames":[{}]"#),
        ("", r#","frames":[{"data":"a","text":"b"}]"#),
        ("", r#","frames":[{"after":"1","data":"a"}]"#),
    ];
    let entries = parts.map(|(request, response)| entry(request, response));
    assert_valid(&entry("", ""));
    Cassette::parse(&entry("", "")).unwrap();
    for text in cases.map(str::to_owned).into_iter().chain(entries) {
        let value = serde_json::from_str(&text).unwrap();
        assert!(!SCHEMA.is_valid(&value), "{text}");
        let error = Cassette::parse(&text).unwrap_err();
        assert_eq!(error.code(), "MOCKWIRE_CASSETTE_CORRUPT", "{text}");
    }
}

/// Bytes that are likely to be mistaken for something else.
fn body() -> impl Strategy<Value = Bytes> {
    let json = r#"[ \n]{0,2}\{"[a-z/~é"\\]{0,3}":[ ]?(1\.0|1e2|"x\\n"|null|\[\])\}\n?"#;
    prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(Bytes::from),
        "[\\{\\}\\[\\]\",:a1 \n\r]{0,30}".prop_map(Bytes::from),
        json.prop_map(Bytes::from),
        any::<Option<i32>>().prop_map(|n| {
            let value = serde_json::json!([{"a": n, "b": {"c": [true]}}]);
            serde_json::to_string_pretty(&value).unwrap().into()
        }),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let event = r#"(: ?c(\n|\r\n))?(event: e\n)?(id: ?[0-9]\n)?(retry: 1\n)?(data:[ ]?(\{"a": ?1\}|x|)\n){0,2}\r?\n?"#;
    let bytes = prop_oneof![body(), event.prop_map(Bytes::from)];
    let pause = (0..u64::from(u32::MAX)).prop_map(Duration::from_nanos);
    (pause, bytes).prop_map(|(pause, bytes)| Frame::new(pause, bytes))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_come_back_as_they_were(
        asked in body(),
        answered in prop_oneof![
            body().prop_map(RecordedBody::Whole),
            vec(frame(), 0..6).prop_map(RecordedBody::Frames),
        ],
        value in "[ -~é€]{0,12}",
    ) {
        let mut request = RecordedRequest::new(http::Method::POST, "/x?y=z".parse().unwrap());
        request.body = asked;
        let mut response = RecordedResponse::new(http::StatusCode::OK);
        response.body = answered;
        let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        response.headers.append("x-any", value.clone());
        response.headers.append("x-any", value);
        let cassette = {
            let mut cassette = Cassette::new();
            cassette.entries.push(Entry::new(request, response));
            cassette
        };
        let text = cassette.to_json();
        assert_valid(&text);
        prop_assert_eq!(Cassette::parse(&text).unwrap(), cassette);
    }
}

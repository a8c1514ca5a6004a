//! No secret is written: not as it is, not in base64, not percent-encoded, not with JSON escapes.

use bytes::Bytes;
use mockwire::cassette::{Cassette, Options, RecordMode, RecordedBody, Redaction};
use mockwire::sync::{MockTransport, Recorder};
use mockwire::{Reply, Script, sse::Event};
use serde_json::json;

use super::format::assert_valid;
use super::support::{Directory, fetch, load, recorded};

/// Every secret of this file, each in another place. With characters that every encoding changes.
const SECRETS: [&str; 12] = [
    "sk-live_Authorization~1",
    "sk-live_XApiKey~2+/=",
    "cookie-Session~3",
    "set-Cookie~4",
    "query+Key/5&é\"q",
    "own header 6\"~x",
    "own pointer/7\\\"é😀",
    "literal 8 <&>+/é\"\\😀",
    "pass%word~9",
    "access-token~10",
    "form=secret&11",
    "signature~12/+",
];

/// Everything that a text may hide: itself, its strings of JSON, what is percent-encoded in them, and
/// what is in base64, at any place where that may begin; each in each.
fn revealed(text: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![text.to_vec()];
    for round in 0..2 {
        let known = all.len();
        for at in 0..known {
            let text = all[at].clone();
            if round == 0 {
                let value: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
                strings(&value, &mut all);
            }
            all.push(percent_decoded(&text));
            for run in text
                .split(|byte| !is_base64(*byte))
                .filter(|run| run.len() >= 8)
            {
                all.extend((0..4).map(|skip| base64_decoded(&run[skip..])));
            }
        }
    }
    all
}

fn strings(value: &serde_json::Value, found: &mut Vec<Vec<u8>>) {
    match value {
        serde_json::Value::String(text) => {
            found.push(text.clone().into_bytes());
            // JSON in a text, as a body that is no JSON to the last byte has it.
            let inner: Result<serde_json::Value, _> = serde_json::from_str(text);
            inner.iter().for_each(|inner| strings(inner, found));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|it| strings(it, found)),
        serde_json::Value::Object(all) => all.values().for_each(|it| strings(it, found)),
        _ => {}
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

fn base64_decoded(run: &[u8]) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |byte: &u8| {
        let byte = match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => *byte,
        };
        alphabet.iter().position(|it| *it == byte).unwrap() as u32
    };
    let groups = run.chunks(4).map(|group| {
        let bits = group.iter().fold(0, |bits, byte| bits << 6 | digit(byte));
        (bits << (6 * (4 - group.len()))).to_be_bytes()
    });
    groups.flat_map(|it| it[1..].to_vec()).collect()
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let pair = text
            .get(at + 1..at + 3)
            .and_then(|it| std::str::from_utf8(it).ok());
        let byte = pair.and_then(|it| u8::from_str_radix(it, 16).ok());
        match (text[at], byte) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (other, _) => decoded.push(other),
        }
        at += 1;
    }
    decoded
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|it| it == part)
}

/// The secrets that are found in what a file hides.
fn found(file: &[u8]) -> Vec<&'static str> {
    let revealed = revealed(file);
    let is_found = |secret: &&str| revealed.iter().any(|it| contains(it, secret.as_bytes()));
    SECRETS.into_iter().filter(is_found).collect()
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02x}"),
    };
    text.bytes().map(encode).collect()
}

fn base64(text: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = text.as_bytes().chunks(3).map(|group| {
        let bits = (0..3).fold(0, |bits, at| {
            bits << 8 | u32::from(*group.get(at).unwrap_or(&0))
        });
        let digits = (0..4).map(|at| alphabet[(bits >> (18 - 6 * at)) as usize & 63] as char);
        let digits: String = digits.take(group.len() + 1).collect();
        format!("{digits:=<4}")
    });
    groups.collect()
}

/// A server that says every secret that it is told, in every way there is, in its own replies.
fn chatty() -> MockTransport {
    let real = MockTransport::new();
    let everything = || {
        let ways = SECRETS.map(|secret| {
            json!({
                "plain": format!("said {secret} aloud"),
                "encoded": format!("https://x.test/{}/y", percent_encoded(secret)),
                "base64": [base64(secret), base64(&format!("u:{secret}")), base64(&format!(" {secret} "))],
            })
        });
        json!({ "ways": ways })
    };
    real.post("/json").reply_with(move |_: &mockwire::Request| {
        Reply::json(everything()).header("set-cookie", &format!("s={}; Path=/", SECRETS[3]))
    });
    real.post("/sse").reply_with(move |_: &mockwire::Request| {
        Reply::events([Event::json(everything()), Event::data(SECRETS[0])])
    });
    real.post("/binary")
        .reply_with(move |_: &mockwire::Request| {
            let mut bytes = vec![0xFF];
            SECRETS
                .iter()
                .for_each(|secret| bytes.extend_from_slice(secret.as_bytes()));
            Reply::bytes(bytes)
        });
    // Each byte as a piece of its own.
    real.post("/pieces")
        .reply_with(move |_: &mockwire::Request| {
            let text = SECRETS.join("|").into_bytes();
            let pieces = text.into_iter().map(|byte| Bytes::from(vec![byte]));
            Reply::script(Script::new().frames(pieces))
        });
    real.post("/oauth").reply_with(|_: &mockwire::Request| {
        let page = "https://x.test/next?a=1&access_token=t0k3n&b=2";
        let token = json!({"access_token": SECRETS[9], "scope": "all", "next": page, "n": 1});
        Reply::json(token).header(
            "location",
            &format!("/cb?signature={}", percent_encoded(SECRETS[11])),
        )
    });
    real
}

/// Records a request with every secret in it, to every path; the bytes of the file.
fn record(redaction: Redaction) -> Vec<u8> {
    let directory = Directory::new();
    let path = directory.file("secrets.json");
    let options = Options::new().mode(RecordMode::Record).redaction(redaction);
    let recorder = Recorder::open(&path, options).unwrap();
    let transport = recorded(&chatty(), &recorder);
    for place in ["json", "sse", "binary", "pieces", "oauth"] {
        let url = format!(
            "https://user:{}@api.test/{place}?page=2&Key={}&signature={}",
            percent_encoded(SECRETS[8]),
            percent_encoded(SECRETS[4]),
            percent_encoded(SECRETS[11]),
        );
        let secret = |value: &str| http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        let builder = http::Request::post(url)
            .header("authorization", secret(&format!("Bearer {}", SECRETS[0])))
            .header("x-api-key", secret(SECRETS[1]))
            .header("cookie", secret(&format!("a=1; sid={}", SECRETS[2])))
            .header("x-own", secret(SECRETS[5]));
        let (kind, body) = match place {
            "oauth" => {
                let form = format!("grant=x&client_secret={}&n=1", percent_encoded(SECRETS[10]));
                ("application/x-www-form-urlencoded", form)
            }
            _ => {
                let body =
                    json!({"user": {"email": SECRETS[6]}, "say": SECRETS[7], "cookie": SECRETS[3]});
                ("application/json", body.to_string())
            }
        };
        fetch_bytes(
            &transport,
            builder.header("content-type", kind).body(body).unwrap(),
        );
    }
    recorder.save().unwrap();
    let names = directory.names().join("\n");
    assert!(SECRETS.iter().all(|secret| !names.contains(secret)));
    let bytes = std::fs::read(&path).unwrap();
    assert_valid(std::str::from_utf8(&bytes).unwrap());
    assert_eq!(load(&path).entries.len(), 5);
    bytes
}

fn fetch_bytes(transport: &MockTransport, request: http::Request<String>) {
    let body = async { transport.call(request).await?.into_body().bytes().await };
    transport.block_on(body).unwrap();
}

#[test]
fn the_search_finds_secrets_where_they_are() {
    // The control of the tests below: without redaction, each of them is found in the same file.
    assert_eq!(found(&record(Redaction::none())), SECRETS);
    for secret in SECRETS {
        for before in ["", "a", "ab"] {
            let hidden = base64(&format!("{before}{secret}"));
            let is_found = |text: &str| found(text.as_bytes()).contains(&secret);
            assert!(
                is_found(&hidden) && is_found(&percent_encoded(secret)),
                "{secret}"
            );
            let json = json!({ "x": [secret] }).to_string();
            assert!(
                is_found(&json) && is_found(&json!(json).to_string()),
                "{secret}"
            );
        }
    }
}

#[test]
fn no_secret_is_written_in_any_form() {
    let redaction = Redaction::new()
        .header("x-own")
        .json("/user/email")
        .literal(SECRETS[7]);
    let file = record(redaction);
    let left = found(&file);
    let text = String::from_utf8_lossy(&file);
    assert!(left.is_empty(), "{left:?}\n{text}");
    // Spread over the pieces of a stream, neither.
    let cassette = Cassette::parse(&text).unwrap();
    for entry in &cassette.entries {
        let whole = entry.response.body.to_bytes();
        let left = found(&whole);
        assert!(left.is_empty(), "{left:?} {whole:?}");
    }
    // What is no secret is there.
    assert!(
        text.contains("grant=x") && text.contains("page=2") && text.contains("\"scope\": \"all\"")
    );
    assert!(!text.contains("t0k3n"));
}

#[test]
fn every_kind_of_redaction_is_needed() {
    // Without what the user has named, just those are found: nothing is redacted by chance.
    assert_eq!(
        found(&record(Redaction::new())),
        [SECRETS[5], SECRETS[6], SECRETS[7]]
    );
    let own = Redaction::none()
        .literal(SECRETS[7])
        .header("x-own")
        .query("key");
    let left = found(&record(own));
    assert!(
        !left.contains(&SECRETS[7]) && !left.contains(&SECRETS[4]),
        "{left:?}"
    );
    assert_eq!(left.len(), SECRETS.len() - 3);
}

#[test]
fn what_was_redacted_is_replayed_and_matches_whatever_is_there() {
    let redaction = Redaction::new()
        .header("x-own")
        .json("/user/email")
        .literal(SECRETS[7]);
    let text = String::from_utf8(record(redaction)).unwrap();
    let options = Options::new().mode(RecordMode::Strict);
    let recorder = Recorder::new(Cassette::parse(&text).unwrap(), options);
    let transport = MockTransport::new();
    transport.otherwise().replay(&recorder);
    let body = json!({"user": {"email": "another"}, "say": "something else", "cookie": "none"});
    let request = http::Request::post("https://api.test/json?page=2&Key=dummy&signature=x");
    let replayed = fetch(&transport, request.body(body.to_string()).unwrap());
    assert!(replayed.contains("said <redacted> aloud"), "{replayed}");
    assert_eq!(recorder.unused(), [2, 3, 4, 5]);
}

#[test]
fn a_body_that_is_json_only_as_a_whole_is_redacted_as_one() {
    let real = MockTransport::new();
    let half = ["{\"api_key\": \"s3", "cr3t\", \"n\": 1}"];
    real.get("/").reply(Reply::stream(half));
    let options = Options::new().mode(RecordMode::Record);
    let recorder = Recorder::new(Cassette::new(), options);
    fetch(
        &recorded(&real, &recorder),
        super::support::get("https://api.test/"),
    );
    let body = &recorder.cassette().entries[0].response.body;
    let redacted = r#"{"api_key":"<redacted>","n":1}"#;
    assert_eq!(*body, RecordedBody::Whole(redacted.into()));
}

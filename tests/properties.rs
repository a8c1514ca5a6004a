//! What holds for any input: patterns, JSON, the index and decoding against independent definitions
//! of them, and that no input makes anything panic.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::{BTreeMap, BTreeSet};

use mockwire::sync::{Matcher, MockTransport};
use mockwire::{Content, Error, Reply};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None, // the failing input is printed: it becomes a test of its own
        ..ProptestConfig::default()
    }
}

fn request(method: &str, url: &str, body: impl Into<Content>) -> http::Request<Content> {
    let request = http::Request::builder().method(method).uri(url);
    request.body(body.into()).unwrap()
}

fn fetch(transport: &MockTransport, request: http::Request<Content>) -> Result<String, Error> {
    transport.block_on(async { transport.call(request).await?.into_body().text().await })
}

/// Whether the only rule there is answers the request.
fn accepts(matcher: Matcher, request: http::Request<Content>) -> bool {
    let transport = MockTransport::new();
    transport.on(matcher).reply("ok");
    match fetch(&transport, request) {
        Ok(_) => true,
        Err(error) if error.is_unmatched() => false,
        Err(error) => panic!("{error}"),
    }
}

// Paths: letters are few, so that patterns and paths meet often.

#[derive(Clone, Debug)]
enum Piece {
    Capture { prefix: String, suffix: String },
    Glob(String),
    Literal(String),
    Rest,
}

fn word() -> impl Strategy<Value = String> {
    prop::collection::vec(select(vec!['a', 'b', 'é', ' ']), 0..3).prop_map(String::from_iter)
}

fn piece() -> impl Strategy<Value = Piece> {
    let glob = prop::collection::vec(select(vec!["a", "b", "*"]), 1..5).prop_map(|parts| {
        // Two stars together would be `**`.
        parts.concat().replace("**", "*").replace("**", "*")
    });
    let capture = (word(), word()).prop_map(|(prefix, suffix)| Piece::Capture { prefix, suffix });
    prop_oneof![
        2 => word().prop_map(Piece::Literal),
        2 => glob.prop_map(|glob| if glob.contains('*') { Piece::Glob(glob) } else { Piece::Literal(glob) }),
        1 => capture,
        1 => Just(Piece::Rest),
    ]
}

/// Patterns, each with a path that is made to match it and then, perhaps, spoilt a little: two that
/// were made apart would hardly ever meet.
fn pattern_and_path() -> impl Strategy<Value = (Vec<Piece>, Vec<String>)> {
    let filled = |piece: &Piece| match piece.clone() {
        Piece::Literal(literal) => Just(vec![literal]).boxed(),
        Piece::Capture { prefix, suffix } => word()
            .prop_map(move |word| vec![format!("{prefix}{word}{suffix}")])
            .boxed(),
        Piece::Glob(glob) => prop::collection::vec(word(), glob.len())
            .prop_map(move |words| {
                let mut words = words.into_iter();
                let mut put = |c| match c {
                    '*' => words.next().unwrap_or_default(),
                    c => c.to_string(),
                };
                vec![glob.chars().map(&mut put).collect()]
            })
            .boxed(),
        Piece::Rest => prop::collection::vec(word(), 0..3).boxed(),
    };
    let spoilt = |mut segments: Vec<String>, (how, at): (u8, prop::sample::Index)| {
        if segments.is_empty() {
            segments.push(String::new()); // a path has at least one segment
        }
        let at = at.index(segments.len());
        match how {
            0 => segments[at].push('b'),
            1 => segments[at].insert(0, 'a'),
            2 => drop(segments[at].pop()),
            3 => segments.insert(at, "a".to_owned()),
            4 if segments.len() > 1 => drop(segments.remove(at)),
            _ => {}
        }
        segments
    };
    prop::collection::vec(piece(), 1..5)
        .prop_flat_map(move |pieces| {
            let filled: Vec<_> = pieces.iter().map(filled).collect();
            (
                Just(pieces),
                filled,
                (0..10u8, any::<prop::sample::Index>()),
            )
        })
        .prop_map(move |(pieces, segments, how)| (pieces, spoilt(segments.concat(), how)))
}

fn pattern_text(pieces: &[Piece]) -> String {
    let piece = |(index, piece): (usize, &Piece)| match piece {
        Piece::Capture { prefix, suffix } => format!("/{prefix}{{p{index}}}{suffix}"),
        Piece::Glob(text) | Piece::Literal(text) => format!("/{text}"),
        Piece::Rest => "/**".to_owned(),
    };
    pieces.iter().enumerate().map(piece).collect()
}

/// Each byte as it is or as an escape, as the mask says.
fn encoded(text: &str, mask: u64) -> String {
    let byte = |(at, byte): (usize, u8)| {
        if byte.is_ascii_alphanumeric() && mask >> (at % 64) & 1 == 0 {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().enumerate().map(byte).collect()
}

/// The oracle, by its words: a glob matches when each star can be replaced by some characters.
fn glob_matches(glob: &[char], text: &[char]) -> bool {
    match glob.split_first() {
        None => text.is_empty(),
        Some((&'*', rest)) => (0..=text.len()).any(|skip| glob_matches(rest, &text[skip..])),
        Some((first, rest)) => text.first() == Some(first) && glob_matches(rest, &text[1..]),
    }
}

fn piece_matches(piece: &Piece, segment: &str) -> bool {
    match piece {
        Piece::Literal(literal) => literal == segment,
        Piece::Glob(glob) => glob_matches(
            &glob.chars().collect::<Vec<_>>(),
            &segment.chars().collect::<Vec<_>>(),
        ),
        Piece::Capture { prefix, suffix } => {
            segment.len() > prefix.len() + suffix.len()
                && segment.starts_with(prefix.as_str())
                && segment.ends_with(suffix.as_str())
        }
        Piece::Rest => unreachable!("stands for any number of segments"),
    }
}

/// The oracle for a path, as a table: whether the first `i` pieces match the first `j` segments.
fn path_matches(pieces: &[Piece], segments: &[String]) -> bool {
    let mut table = vec![vec![false; segments.len() + 1]; pieces.len() + 1];
    table[0][0] = true;
    for (i, piece) in pieces.iter().enumerate() {
        for j in 0..=segments.len() {
            table[i + 1][j] = match piece {
                Piece::Rest => (0..=j).any(|before| table[i][before]),
                piece => j > 0 && table[i][j - 1] && piece_matches(piece, &segments[j - 1]),
            };
        }
    }
    table[pieces.len()][segments.len()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..config() })]

    #[test]
    fn a_path_pattern_matches_what_its_words_say(
        (pieces, segments) in pattern_and_path(),
        mask in any::<u64>(),
    ) {
        let path: String = segments.iter().map(|it| format!("/{}", encoded(it, mask))).collect();
        let transport = MockTransport::new();
        transport.get(&pattern_text(&pieces)).reply_with(|request: &mockwire::Request| {
            request.params().map(|(name, value)| format!("{name}={value}/")).collect::<String>()
        });
        let url = format!("http://api.test{path}");
        let answer = fetch(&transport, request("GET", &url, ()));
        prop_assert_eq!(
            answer.is_ok(),
            path_matches(&pieces, &segments),
            "{} on {}", pattern_text(&pieces), path
        );
        // Without `**` it is plain which segment each capture stands for.
        let rest = pieces.iter().any(|piece| matches!(piece, Piece::Rest));
        if let (Ok(params), false) = (answer, rest) {
            let captured = pieces.iter().zip(&segments).enumerate().filter_map(|(index, it)| {
                let (Piece::Capture { prefix, suffix }, segment) = it else {
                    return None;
                };
                let value = &segment[prefix.len()..segment.len() - suffix.len()];
                Some(format!("p{index}={value}/"))
            });
            prop_assert_eq!(params, captured.collect::<String>());
        }
    }
}

// JSON: numbers are few, so that values meet often.

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..3).prop_map(Value::from),
        select(vec![-1.0, -0.5, 0.0, 1.0, 1.5, 1e15]).prop_map(Value::from),
        select(vec!["", "a", "1", "~/"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        let key = select(vec!["", "a", "b", "a/b", "~"]).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..3)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// The independent definition: a value is the set of what is said at each of its pointers.
fn facts(value: &Value) -> BTreeSet<(Vec<String>, String)> {
    fn gather(value: &Value, at: &mut Vec<String>, facts: &mut BTreeSet<(Vec<String>, String)>) {
        let said = match value {
            Value::Array(_) => "an array".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            // All the numbers here have an exact double.
            Value::Number(number) => format!("number {:?}", number.as_f64().unwrap() + 0.0),
            other => other.to_string(),
        };
        facts.insert((at.clone(), said));
        let mut below = |step: String, value: &Value| {
            at.push(step);
            gather(value, at, facts);
            at.pop();
        };
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    below(index.to_string(), item);
                }
            }
            Value::Object(members) => members
                .iter()
                .for_each(|(key, value)| below(key.clone(), value)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    gather(value, &mut Vec::new(), &mut all);
    all
}

/// The value as text, with keys in reverse, some blanks, and each whole number in another form.
fn rewritten(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(rewritten).collect();
            format!("[ {} ]", items.join(" ,\n"))
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{} : {}", Value::from(key.as_str()), rewritten(value))
            };
            let members: Vec<_> = members.iter().rev().map(member).collect();
            format!("{{\t{}}}", members.join(","))
        }
        Value::Number(number) => match number.as_i64() {
            Some(integer) => format!("{integer}.0"),
            None => format!("{:e}", number.as_f64().unwrap()),
        },
        other => other.to_string(),
    }
}

/// A pointer to every place of the value, escaped (RFC 6901 §3).
fn pointers(value: &Value) -> Vec<String> {
    let escape = |step: &String| format!("/{}", step.replace('~', "~0").replace('/', "~1"));
    let pointer = |(at, _): (Vec<String>, String)| at.iter().map(escape).collect();
    facts(value).into_iter().map(pointer).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..config() })]

    #[test]
    fn json_is_equal_when_it_says_the_same(expected in json(), actual in json()) {
        let sent = request("POST", "http://a.test/", actual.to_string());
        prop_assert_eq!(
            accepts(mockwire::json(expected.clone()), sent),
            facts(&expected) == facts(&actual)
        );
    }

    #[test]
    fn json_equals_itself_however_it_is_written(value in json()) {
        let sent = || request("POST", "http://a.test/", rewritten(&value));
        prop_assert!(accepts(mockwire::json(value.clone()), sent()), "{}", rewritten(&value));
        prop_assert!(accepts(mockwire::json_partial(value.clone()), sent()));
    }

    #[test]
    fn json_is_included_when_all_it_says_is_said(expected in json(), actual in json()) {
        let sent = request("POST", "http://a.test/", actual.to_string());
        prop_assert_eq!(
            accepts(mockwire::json_partial(expected.clone()), sent),
            facts(&expected).is_subset(&facts(&actual))
        );
    }

    #[test]
    fn every_place_of_a_value_has_a_pointer(value in json()) {
        for pointer in pointers(&value) {
            let there = value.pointer(&pointer).unwrap().clone();
            let sent = || request("POST", "http://a.test/", value.to_string());
            prop_assert!(accepts(mockwire::json_at(&pointer, there), sent()), "{pointer}");
            prop_assert!(accepts(mockwire::json_exists(&pointer), sent()));
            prop_assert!(!accepts(mockwire::json_missing(&pointer), sent()));
            let beyond = format!("{pointer}/no such step");
            prop_assert!(accepts(mockwire::json_missing(&beyond), sent()));
        }
    }

    #[test]
    fn a_difference_is_where_the_diagnosis_says(expected in json(), actual in json()) {
        let transport = MockTransport::new();
        transport.on(mockwire::json(expected.clone())).reply("ok");
        let sent = request("POST", "http://a.test/", actual.to_string());
        if let Err(error) = fetch(&transport, sent) {
            let check = &error.diagnosis().unwrap().nearest[0].checks[0];
            let pointer = check.matcher.strip_prefix("JSON").unwrap().trim_start();
            let at = |value: &Value| value.pointer(pointer).map(facts);
            prop_assert_ne!(at(&expected), at(&actual), "nothing differs at {:?}", pointer);
        }
    }
}

// The index: rules that look alike, so that many of them fit each request.

#[derive(Clone, Debug)]
struct Spec {
    method: Option<&'static str>,
    target: &'static str,
    header: bool,
    negated: bool,
    priority: i32,
    times: Option<u64>,
}

const METHODS: [&str; 3] = ["GET", "POST", "PURGE"];

const TARGETS: [&str; 19] = [
    "*",
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/%61/b",
    "/a%2Fb",
    "/{x}",
    "/a/{x}",
    "/{x}/b",
    "/*",
    "/a*",
    "/a/**",
    "/**",
    "/**/b",
    "http://a.test/a",
    "http://*.test/a/b",
    "https://B.test:8443/a",
    "http://b.test/a?q=1",
];

const URLS: [&str; 14] = [
    "http://a.test/",
    "http://a.test/a",
    "http://A.TEST/a",
    "http://a.test/a/",
    "http://a.test/a/b",
    "http://a.test/a%2Fb",
    "http://a.test/%61",
    "http://a.test/a/b/c",
    "http://b.test/a?q=1",
    "http://b.test/b",
    "https://b.test:8443/a",
    "https://b.test/a",
    "/a",
    "/a/b",
];

fn spec() -> impl Strategy<Value = Spec> {
    (
        prop::option::of(select(METHODS.to_vec())),
        select(TARGETS.to_vec()),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
        -1..2i32,
        prop::option::weighted(0.3, 0..3u64),
    )
        .prop_map(|(method, target, header, negated, priority, times)| Spec {
            method,
            target,
            header,
            negated,
            priority,
            times,
        })
}

impl Spec {
    fn matcher(&self) -> Matcher {
        let target = mockwire::url(self.target);
        let matcher = match self.method {
            Some(method) => mockwire::method_is(method).and(target),
            None => target,
        };
        let matcher = if self.negated { !matcher } else { matcher };
        if self.header {
            matcher.and(mockwire::header_exists("x-h"))
        } else {
            matcher
        }
    }
}

fn sent(method: &str, url: &str, header: bool) -> http::Request<Content> {
    let mut request = request(method, url, ());
    if header {
        request.headers_mut().insert("x-h", "1".parse().unwrap());
    }
    request
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..config() })]

    /// The winner is found again without the index: every matcher is asked by itself, of a capture,
    /// and the best of those that fit and are not used up is taken by priority and order.
    #[test]
    fn the_index_never_changes_who_wins(
        specs in prop::collection::vec(spec(), 1..24),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        requests in prop::collection::vec(
            (select(METHODS.to_vec()), select(URLS.to_vec()), any::<bool>()),
            1..24,
        ),
    ) {
        let transport = MockTransport::new();
        let mut rules = BTreeMap::new();
        for (number, spec) in specs.iter().enumerate() {
            let when = transport.on(spec.matcher()).priority(spec.priority);
            let when = match spec.times {
                Some(times) => when.times(..=times),
                None => when,
            };
            rules.insert(number, when.reply(number.to_string()));
        }
        for index in removed {
            if let Some(rule) = rules.remove(&index.index(specs.len())) {
                rule.remove().unwrap();
            }
        }
        let mut left: BTreeMap<usize, u64> = rules
            .keys()
            .map(|number| (*number, specs[*number].times.unwrap_or(u64::MAX)))
            .collect();
        for (method, url, header) in requests {
            // The probe has one rule, which answers everything, and captures the request.
            let probe = MockTransport::new();
            probe.otherwise().reply("captured");
            fetch(&probe, sent(method, url, header)).unwrap();
            let fits = |number: &&usize| {
                let found = probe.requests_matching(specs[**number].matcher());
                !found.is_empty()
            };
            let in_play = left.iter().filter(|(_, turns)| **turns > 0).map(|(number, _)| number);
            let winner = in_play
                .filter(fits)
                .min_by_key(|number| (std::cmp::Reverse(specs[**number].priority), **number))
                .copied();
            let answer = fetch(&transport, sent(method, url, header)).ok();
            prop_assert_eq!(
                answer,
                winner.map(|number| number.to_string()),
                "{} {} {}", method, url, header
            );
            if let Some(turns) = winner.and_then(|number| left.get_mut(&number)) {
                *turns -= 1;
            }
        }
    }

    #[test]
    fn a_rule_answers_exactly_as_often_as_it_may(times in 0..20u64, requests in 0..40u64) {
        let transport = MockTransport::new();
        let rule = transport.get("/").times(times).reply("ok");
        let answered = (0..requests)
            .filter(|_| fetch(&transport, request("GET", "http://a.test/", ())).is_ok())
            .count() as u64;
        prop_assert_eq!(answered, times.min(requests));
        prop_assert_eq!(rule.calls(), answered);
        prop_assert_eq!(
            transport.try_verify().is_ok(),
            answered == times && requests <= times
        );
    }
}

// Decoding, against an encoder of this file.

/// `application/x-www-form-urlencoded`, with everything escaped that may be.
fn form_encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02x}"),
    };
    text.bytes().map(byte).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn queries_and_forms_are_decoded_to_what_was_encoded(
        pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..8),
    ) {
        let encoded: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", form_encoded(name), form_encoded(value)))
            .collect();
        let encoded = encoded.join("&");
        let transport = MockTransport::new();
        transport.otherwise().reply("ok");
        let url = format!("http://a.test/?{encoded}");
        fetch(&transport, request("POST", &url, encoded)).unwrap();
        let captured = transport.last_request().unwrap().request;
        let owned = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
            (name.into_owned(), value.into_owned())
        };
        prop_assert_eq!(&captured.query_pairs().map(owned).collect::<Vec<_>>(), &pairs);
        prop_assert_eq!(&captured.form_pairs().map(owned).collect::<Vec<_>>(), &pairs);
        for (name, value) in &pairs {
            let first = pairs.iter().find(|(other, _)| other == name).map(|it| it.1.clone());
            prop_assert_eq!(captured.query(name).map(|it| it.into_owned()), first);
            let both = mockwire::query(name, value).and(mockwire::form(name, value));
            prop_assert_eq!(transport.requests_matching(both).len(), 1);
        }
    }

    #[test]
    fn a_json_template_never_breaks_its_json(text in any::<String>()) {
        let transport = MockTransport::new();
        transport.post("/").reply(
            Reply::template(r#"{"said": "{{body}}", "value": {{json}}}"#)
                .header("content-type", "application/json"),
        );
        let sent = request("POST", "http://a.test/", Value::from(text.as_str()).to_string());
        let answer = fetch(&transport, sent).unwrap();
        let value: Value = serde_json::from_str(&answer).unwrap();
        let written = Value::from(text.as_str());
        prop_assert_eq!(&value["said"], &Value::from(written.to_string()));
        prop_assert_eq!(&value["value"], &written);
    }

    #[test]
    fn a_streamed_body_arrives_whole(chunks in prop::collection::vec(any::<Vec<u8>>(), 0..8)) {
        let transport = MockTransport::new();
        transport.get("/").reply(Reply::stream(chunks.clone()));
        let call = transport.call(request("GET", "http://a.test/", ()));
        let body = transport.block_on(call).unwrap().into_body();
        let whole = transport.block_on(body.bytes()).unwrap();
        prop_assert_eq!(whole, chunks.concat());
        let captured = transport.last_request().unwrap();
        prop_assert_eq!(captured.delivered, chunks.concat().len() as u64);
        prop_assert_eq!(captured.response_body, chunks.concat());
    }
}

// Malformed input: an error or not, but never a panic.

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..config() })]

    #[test]
    fn no_condition_panics(
        text in any::<String>(),
        other in any::<String>(),
        url in "[/a-z:{}*?%&=@.\\[\\] é]{0,24}",
        number in any::<u64>(),
    ) {
        for target in [&url, &text] {
            let transport = MockTransport::new();
            for matcher in [
                mockwire::on(&text, target),
                mockwire::url(target),
                mockwire::host(target),
                mockwire::scheme(&text),
                mockwire::header(&text, &other),
                mockwire::header_contains(&text, &other),
                mockwire::query(&text, &other),
                mockwire::cookie(&text, &other),
                mockwire::form(&text, &other),
                mockwire::basic_auth(&text, &other),
                mockwire::bearer(&text),
                mockwire::body(&text),
                mockwire::json_at(target, other.as_str()),
                mockwire::json_exists(target),
                mockwire::nth(number..),
            ] {
                let _ = format!("{matcher} {matcher:?}");
                let registered = transport.on(matcher).try_reply("ok");
                if let Err(error) = registered {
                    prop_assert!(error.code().starts_with("MOCKWIRE_INVALID_"), "{error:?}");
                }
            }
            // The transport goes on: it answers, or says why not, and reports.
            let answer = fetch(&transport, request("POST", "http://a.test/a?b=%", "{"));
            if let Err(error) = answer {
                let _ = format!("{error} {error:?}");
            }
            let _ = format!("{:?}", transport.try_verify());
            prop_assert_eq!(transport.in_flight(), 0);
        }
    }

    #[test]
    fn no_request_panics(
        method in "[A-Z]{1,8}|[!-~]{1,8}",
        url in "(https?://[a-z.:@\\[\\]0-9]{0,12})?[/a-z%?&=+#.é]{0,24}",
        headers in prop::collection::vec(("[a-z-]{1,8}|cookie|authorization|host", any::<Vec<u8>>()), 0..6),
        body in any::<Vec<u8>>(),
    ) {
        let mut builder = http::Request::builder().method(method.as_str()).uri(url);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        // What `http` itself refuses never comes to the transport.
        if let Ok(request) = builder.body(Content::from(body)) {
            let transport = MockTransport::builder().max_body_bytes(3).build();
            transport
                .get("http://a.test/{x}/**")
                .query("a", "b")
                .header("host", "x")
                .cookie("a", "b")
                .form("a", "b")
                .bearer("a")
                .basic_auth("a", "b")
                .body_contains("a")
                .json_partial(Value::Null)
                .reply(Reply::template("{{url}}"));
            let answer = fetch(&transport, request.clone());
            let _ = format!("{answer:?} {:?}", transport.requests());
            let open = MockTransport::new();
            open.otherwise().reply(Reply::template("{{method}} {{url}} {{path}}"));
            let answer = fetch(&open, request).unwrap();
            prop_assert!(answer.starts_with(&method));
        }
    }

    #[test]
    fn no_reply_panics(
        text in any::<String>(),
        template in "[a-z{}. /~]{0,24}",
        status in any::<u16>(),
    ) {
        for reply in [
            Reply::status(status),
            Reply::text(text.as_str()).with_status(status),
            Reply::redirect(status, &text),
            Reply::text("x").header(&text, &template),
            Reply::text("x").header("x", &text),
            Reply::template(&text),
            Reply::template(&template),
        ] {
            let _ = format!("{reply:?}");
            let transport = MockTransport::new();
            match transport.post("/").try_reply(reply.clone()) {
                Ok(_) => {
                    let _ = fetch(&transport, request("POST", "http://a.test/", "{}"));
                }
                Err(error) => prop_assert_eq!(Err(error), reply.validate()),
            }
        }
    }
}

//! Rate limits: true counters, what they tell clients, and how they recover.

use std::time::Duration;

use futures::FutureExt;
use http::{HeaderMap, StatusCode};
use mockwire::{
    Builder, Fault, Outcome, RateHeaders, RateLimit, Reply, Request, RetryAfter, SequenceEnd,
    Timing,
};

use super::support::{failure, fetch, get, post, request, send, with_header};
use super::{MockTransport, Mode, test};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn manual() -> Builder<Mode> {
    MockTransport::builder().timing(Timing::Manual)
}

/// A transport of one rule that answers at most so fast.
fn limited(limit: RateLimit<Mode>) -> MockTransport {
    let transport = manual().build();
    transport.otherwise().rate_limit(limit).reply("ok");
    transport
}

fn status(transport: &MockTransport) -> u16 {
    send(transport, get("/")).unwrap().status().as_u16()
}

fn fields(transport: &MockTransport) -> (u16, HeaderMap) {
    let (head, _) = send(transport, get("/")).unwrap().into_parts();
    (head.status.as_u16(), head.headers)
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// The statuses of requests at these times, in milliseconds.
fn statuses_at(limit: RateLimit<Mode>, times: &[u64]) -> Vec<u16> {
    let transport = limited(limit);
    let at = |time: &u64| {
        transport.advance(millis(*time) - transport.now());
        status(&transport)
    };
    times.iter().map(at).collect()
}

#[test]
fn a_fixed_window_begins_anew_at_its_multiples() {
    let limit = RateLimit::fixed_window(2, secs(10));
    let times = [0, 9_000, 9_999, 10_000, 10_001, 19_999, 20_000];
    assert_eq!(
        statuses_at(limit, &times),
        [200, 200, 429, 200, 200, 429, 200]
    );
}

#[test]
fn a_sliding_window_looks_back_from_each_request() {
    let limit = RateLimit::sliding_window(2, secs(10));
    let times = [0, 9_000, 9_999, 10_000, 10_001, 18_999, 19_000];
    assert_eq!(
        statuses_at(limit, &times),
        [200, 200, 429, 200, 429, 429, 200]
    );
}

#[test]
fn a_token_bucket_refills_steadily() {
    // One comes back every 2.5 seconds; never more than two are there.
    let limit = RateLimit::token_bucket(2, 2, secs(5));
    let times = [0, 0, 0, 2_499, 2_500, 2_501, 60_000, 60_000, 60_000];
    assert_eq!(
        statuses_at(limit, &times),
        [200, 200, 429, 429, 200, 429, 200, 200, 429]
    );
}

/// All three kinds: two, and ten seconds.
fn kinds() -> [(&'static str, RateLimit<Mode>); 3] {
    [
        ("fixed window", RateLimit::fixed_window(2, secs(10))),
        ("sliding window", RateLimit::sliding_window(2, secs(10))),
        ("token bucket", RateLimit::token_bucket(2, 2, secs(10))),
    ]
}

#[test]
fn the_told_delay_is_exact_in_seconds_in_milliseconds_and_as_a_date() {
    for (kind, limit) in kinds() {
        for style in [
            RetryAfter::Seconds,
            RetryAfter::Millis,
            RetryAfter::HttpDate,
        ] {
            let what = format!("{kind}, {style:?}");
            let transport = limited(limit.clone().retry_after(style));
            transport.advance(millis(1_700));
            assert_eq!(
                [status(&transport), status(&transport)],
                [200, 200],
                "{what}"
            );
            transport.advance(millis(1_300));
            let (status_now, headers) = fields(&transport);
            assert_eq!(status_now, 429, "{what}");
            let told = field(&headers, "retry-after");
            let (wait, tick) = match style {
                RetryAfter::Millis => {
                    let told = field(&headers, "retry-after-ms").parse().unwrap();
                    (millis(told), millis(1))
                }
                RetryAfter::HttpDate => {
                    assert_eq!(field(&headers, "date"), "Wed, 01 Jan 2025 00:00:03 GMT");
                    let (before, after) = ("Wed, 01 Jan 2025 00:00:", " GMT");
                    let second = told
                        .strip_prefix(before)
                        .and_then(|it| it.strip_suffix(after));
                    (secs(second.unwrap().parse::<u64>().unwrap() - 3), secs(1))
                }
                _ => (secs(told.parse().unwrap()), secs(1)),
            };
            transport.advance(wait - tick);
            assert_eq!(status(&transport), 429, "{what}: one tick earlier");
            transport.advance(tick);
            assert_eq!(
                status(&transport),
                200,
                "{what}: after exactly the told delay"
            );
        }
    }
}

#[test]
fn headers_count_down_and_recover() {
    for (kind, limit) in kinds() {
        let transport = limited(limit);
        let told = || {
            let (status, headers) = fields(&transport);
            let [limit, remaining, reset] = ["limit", "remaining", "reset"]
                .map(|name| field(&headers, &format!("ratelimit-{name}")).to_owned());
            assert_eq!(limit, "2", "{kind}");
            (status, remaining, reset)
        };
        let (status, remaining, _) = told();
        assert_eq!((status, remaining.as_str()), (200, "1"), "{kind}");
        let first = ("0", "10");
        let (status, remaining, reset) = told();
        assert_eq!((status, (&*remaining, &*reset)), (200, first), "{kind}");
        let (status, remaining, reset) = told();
        assert_eq!((status, (&*remaining, &*reset)), (429, first), "{kind}");
        transport.advance(secs(4));
        let (status, remaining, reset) = told();
        assert_eq!((status, &*remaining, &*reset), (429, "0", "6"), "{kind}");
        transport.advance(secs(6));
        let (status, remaining, _) = told();
        assert_eq!((status, &*remaining), (200, "1"), "{kind}");
    }
}

#[test]
fn each_style_of_headers_is_as_its_provider_writes_it() {
    let limit = || RateLimit::fixed_window(3, secs(90));
    let names = |limit| {
        let transport = limited(limit);
        let (_, headers) = fields(&transport);
        let listed = headers
            .iter()
            .filter(|(name, _)| name.as_str().contains("ratelimit"));
        let mut listed: Vec<_> = listed
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        listed.sort_unstable();
        listed
    };
    assert_eq!(
        names(limit()),
        [
            "ratelimit-limit: 3",
            "ratelimit-remaining: 2",
            "ratelimit-reset: 90"
        ]
    );
    assert_eq!(
        names(limit().headers(RateHeaders::OpenAi)),
        [
            "x-ratelimit-limit-requests: 3",
            "x-ratelimit-remaining-requests: 2",
            "x-ratelimit-reset-requests: 1m30s"
        ]
    );
    let tokens = limit().tokens(|_: &Request| 2);
    assert_eq!(
        names(tokens.headers(RateHeaders::Anthropic)),
        [
            "anthropic-ratelimit-tokens-limit: 3",
            "anthropic-ratelimit-tokens-remaining: 1",
            "anthropic-ratelimit-tokens-reset: 2025-01-01T00:01:30Z"
        ]
    );
    assert!(names(limit().headers(RateHeaders::None)).is_empty());
}

#[test]
fn dates_are_told_from_the_epoch_that_the_test_chooses() {
    let transport = manual()
        .epoch(secs(784_111_777))
        .rate_limit(RateLimit::fixed_window(1, secs(10)).retry_after(RetryAfter::HttpDate))
        .build();
    transport.get("/").reply("ok");
    assert_eq!(status(&transport), 200);
    transport.advance(millis(500));
    let (_, headers) = fields(&transport);
    assert_eq!(field(&headers, "date"), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(
        field(&headers, "retry-after"),
        "Sun, 06 Nov 1994 08:49:47 GMT"
    );
}

#[test]
fn tokens_are_counted_as_the_closure_says() {
    let tokens = |request: &Request| request.text().map_or(0, |text| text.parse().unwrap_or(0));
    let transport = limited(RateLimit::sliding_window(100, secs(10)).tokens(tokens));
    let ask = |tokens: &str| {
        let response = send(&transport, post("/", tokens.to_owned())).unwrap();
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.map(|it| it.to_str().unwrap().to_owned());
        (response.status().as_u16(), retry_after)
    };
    assert_eq!(ask("60"), (200, None));
    transport.advance(secs(3));
    assert_eq!(ask("40"), (200, None));
    assert_eq!(ask("0"), (200, None)); // nothing can always be had
    assert_eq!(ask("50"), (429, Some("7".to_owned())));
    assert_eq!(ask("61"), (429, Some("10".to_owned()))); // needs both to come back
    assert_eq!(ask("101"), (429, None)); // never
    transport.advance(secs(7));
    assert_eq!(ask("61"), (429, Some("3".to_owned())));
    assert_eq!(ask("60"), (200, None));
}

#[test]
fn keys_are_counted_apart() {
    let key = |request: &Request| request.header("x-api-key").unwrap_or_default().to_owned();
    let transport = limited(RateLimit::fixed_window(1, secs(10)).per_key(key));
    let ask = |key: &str| {
        send(&transport, with_header(get("/"), "x-api-key", key))
            .unwrap()
            .status()
    };
    assert_eq!(
        [ask("a"), ask("b"), ask("a")],
        [200, 200, 429].map(|it| StatusCode::from_u16(it).unwrap())
    );
    // Far more keys than are kept: those that have recovered are forgotten, the others are not.
    transport.advance(secs(9));
    for n in 0..3000 {
        assert_eq!(ask(&n.to_string()), 200);
    }
    assert_eq!([ask("0"), ask("2999")], [429, 429]);
}

#[test]
fn several_limits_count_together_or_not_at_all() {
    let transport = manual().build();
    transport
        .otherwise()
        .rate_limit(RateLimit::fixed_window(10, secs(60)).headers(RateHeaders::OpenAi))
        .rate_limit(
            RateLimit::token_bucket(100, 100, secs(100))
                .tokens(|_: &Request| 60)
                .headers(RateHeaders::OpenAi),
        )
        .reply("ok");
    let (first, headers) = fields(&transport);
    assert_eq!(first, 200);
    assert_eq!(field(&headers, "x-ratelimit-remaining-requests"), "9");
    assert_eq!(field(&headers, "x-ratelimit-remaining-tokens"), "40");
    for _ in 0..20 {
        // Refused for its tokens: it takes no request either.
        let (status, headers) = fields(&transport);
        assert_eq!((status, field(&headers, "retry-after")), (429, "20"));
        assert_eq!(field(&headers, "x-ratelimit-remaining-requests"), "9");
    }
    transport.advance(secs(20));
    assert_eq!(status(&transport), 200);
}

#[test]
fn what_is_refused_takes_no_turn_of_the_rule() {
    let transport = manual().build();
    let rule = transport
        .get("/")
        .times(2)
        .rate_limit(RateLimit::fixed_window(1, secs(10)))
        .reply_sequence(["first", "second"], SequenceEnd::Fail);
    assert_eq!(fetch(&transport, get("/")).unwrap(), "first");
    assert_eq!(fetch(&transport, get("/")).unwrap(), "too many requests");
    assert_eq!(rule.calls(), 1);
    // It is the rule's all the same, and no unmatched one.
    let refused = transport.last_request().unwrap();
    assert_eq!(
        (refused.rule, refused.outcome),
        (Some(rule.id()), Outcome::Done)
    );
    let head = refused.response.unwrap();
    assert_eq!(
        (head.status.as_u16(), field(&head.headers, "retry-after")),
        (429, "10")
    );
    transport.advance(secs(10));
    assert_eq!(fetch(&transport, get("/")).unwrap(), "second");
    transport.verify();
}

#[test]
fn a_limit_of_the_whole_transport_comes_before_the_rules() {
    let transport = manual()
        .rate_limit(RateLimit::fixed_window(3, secs(10)))
        .allow_unmatched()
        .unmatched_status(404)
        .build();
    let rule = transport.get("/").reply("ok");
    transport.get("/fault").reply(Reply::fault(Fault::Timeout));
    let (status, headers) = fields(&transport);
    assert_eq!((status, field(&headers, "ratelimit-remaining")), (200, "2"));
    // What fails and what nobody answers count, too.
    assert!(failure(&transport, get("/fault")).is_fault());
    let missing = send(&transport, get("/missing")).unwrap();
    assert_eq!(missing.status(), 404);
    assert_eq!(field(missing.headers(), "ratelimit-remaining"), "0");
    let (status, headers) = fields(&transport);
    assert_eq!((status, field(&headers, "retry-after")), (429, "10"));
    assert_eq!(
        (rule.calls(), transport.last_request().unwrap().rule),
        (1, None)
    );
    transport.advance(secs(10));
    assert_eq!(fetch(&transport, get("/")).unwrap(), "ok");
}

#[test]
fn every_kind_of_reply_says_how_the_limit_stands_and_is_captured_so() {
    let transport = manual()
        .rate_limit(RateLimit::fixed_window(100, secs(10)))
        .build();
    transport
        .get("/text")
        .reply(Reply::text("x").header("x-own", "1"));
    transport
        .get("/{id}/template")
        .reply(Reply::template("{{param.id}}"));
    transport
        .get("/handler")
        .reply_with(|_: &Request| Reply::text("x").header("x-own", "1"));
    transport.get("/stream").reply(Reply::stream(["a", "b"]));
    transport
        .get("/late")
        .reply(Reply::text("x").delay(Duration::ZERO));
    let mut remaining = 100;
    for path in ["/text", "/7/template", "/handler", "/stream", "/late"] {
        remaining -= 1;
        let response = send(&transport, get(path)).unwrap();
        let shown = response.headers().clone();
        assert_eq!(
            field(&shown, "ratelimit-remaining"),
            remaining.to_string(),
            "{path}"
        );
        let text = transport.block_on(response.into_body().text()).unwrap();
        let captured = transport.last_request().unwrap();
        assert_eq!(captured.response.unwrap().headers, shown, "{path}");
        assert_eq!(captured.response_body, text, "{path}");
    }
    assert_eq!(fetch(&transport, get("/7/template")).unwrap(), "7");
    // A rule's own limit beside it: the scarcer one is told.
    let scarce = RateLimit::fixed_window(2, secs(10));
    transport.get("/both").rate_limit(scarce).reply("x");
    let response = send(&transport, get("/both")).unwrap();
    assert_eq!(field(response.headers(), "ratelimit-remaining"), "1");
    // HEAD has the fields, and no body.
    let head = send(&transport, request("HEAD", "/text", ())).unwrap_err();
    assert!(head.is_unmatched());
}

#[test]
fn a_refusal_may_be_the_providers_own() {
    let envelope = Reply::json(serde_json::json!({"type": "error"})).with_status(529);
    let limit = RateLimit::fixed_window(1, secs(10)).refuse_with(envelope);
    let transport = limited(limit);
    assert_eq!(status(&transport), 200);
    let response = send(&transport, get("/")).unwrap();
    assert_eq!(response.status(), 529);
    assert_eq!(field(response.headers(), "retry-after"), "10");
    assert_eq!(
        field(response.headers(), "content-type"),
        "application/json"
    );
}

#[test]
fn limits_recover_with_a_reset_and_go_with_their_rule() {
    let transport = manual()
        .rate_limit(RateLimit::fixed_window(1, secs(10)))
        .build();
    transport.get("/").reply("ok");
    assert_eq!([status(&transport), status(&transport)], [200, 429]);
    transport.reset();
    transport.get("/").reply("ok");
    assert_eq!([status(&transport), status(&transport)], [200, 429]);

    let transport = manual().build();
    let rule = transport
        .get("/")
        .rate_limit(RateLimit::fixed_window(1, secs(10)))
        .reply("ok");
    assert_eq!([status(&transport), status(&transport)], [200, 429]);
    rule.remove().unwrap();
    transport
        .get("/")
        .rate_limit(RateLimit::fixed_window(1, secs(10)))
        .reply("ok");
    assert_eq!([status(&transport), status(&transport)], [200, 429]);
}

#[test]
fn a_client_that_honours_retry_after_succeeds_in_no_time() {
    let transport = MockTransport::builder()
        .max_concurrent(1)
        .rate_limit(RateLimit::token_bucket(1, 1, secs(30)))
        .build();
    transport.get("/").reply("ok");
    let client = async {
        for _ in 0..5 {
            loop {
                let response = transport.call(get("/")).await.unwrap();
                if response.status() == 200 {
                    break;
                }
                let told = field(response.headers(), "retry-after").parse().unwrap();
                drop(response);
                transport.sleep(secs(told)).await.unwrap();
            }
        }
    };
    transport.block_on(client);
    assert_eq!(transport.now(), secs(120));
    assert_eq!(transport.requests().len(), 9);
}

#[test]
fn limits_that_let_nothing_through_or_everything_are_refused() {
    let limits: [RateLimit<Mode>; 5] = [
        RateLimit::fixed_window(0, secs(1)),
        RateLimit::sliding_window(1, Duration::ZERO),
        RateLimit::token_bucket(0, 1, secs(1)),
        RateLimit::token_bucket(1, 0, secs(1)),
        RateLimit::fixed_window(1, secs(1)).refuse_with(Reply::status(99)),
    ];
    let transport = MockTransport::new();
    for limit in limits {
        let rule = transport.get("/").rate_limit(limit.clone()).try_reply("ok");
        let code = rule.unwrap_err().code();
        assert!(code.starts_with("MOCKWIRE_INVALID_"), "{code}");
        assert!(manual().rate_limit(limit).try_build().is_err());
    }
}

// As wasm32 a panic ends the process.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_closure_that_panics_fails_the_call_alone() {
    let tokens = |request: &Request| match request.path() {
        "/panic" => panic!("no idea"),
        _ => 1,
    };
    let limit = RateLimit::fixed_window(1, secs(10)).tokens(tokens);
    for transport in [limited(limit.clone()), {
        let transport = manual().rate_limit(limit).build();
        transport.otherwise().reply("ok");
        transport
    }] {
        let error = failure(&transport, get("/panic"));
        assert_eq!(error.code(), "MOCKWIRE_HANDLER_PANICKED");
        assert_eq!([status(&transport), status(&transport)], [200, 429]);
    }
}

#[test]
fn a_request_that_the_journal_has_forgotten_is_refused_like_others() {
    let transport = MockTransport::builder()
        .max_concurrent(1)
        .max_requests(1)
        .build();
    let limit = RateLimit::fixed_window(1, secs(60));
    transport.get("/").rate_limit(limit).reply("ok");
    let hold = transport.get("/held").hold();
    let mut held = transport.call(get("/held"));
    assert!((&mut held).now_or_never().is_none());
    let mut waiting: Vec<_> = (0..3).map(|_| transport.call(get("/"))).collect();
    for call in &mut waiting {
        assert!(call.now_or_never().is_none());
    }
    drop(held);
    let mut statuses = Vec::new();
    for call in waiting {
        let response = call.now_or_never().unwrap().unwrap();
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 429, 429]);
    drop(hold);
}

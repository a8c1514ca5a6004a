//! Rate limits against naive definitions of them, under random arrivals: who is let through, and
//! that the delay that a refused client is told is exact.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use mockwire::sync::MockTransport;
use mockwire::{RateHeaders, RateLimit, Request, RetryAfter, Threaded, Timing};
use proptest::prelude::*;

/// Where time begins: a whole second, so that dates are easy to take apart.
const EPOCH: Duration = Duration::from_secs(1_735_689_600); // Wed, 01 Jan 2025 00:00:00 GMT

#[derive(Clone, Copy, Debug)]
enum Kind {
    Bucket { refill: u64 },
    Fixed,
    Sliding,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    kind: Kind,
    limit: u64,
    /// In milliseconds.
    per: u64,
}

/// What was let through: when, in milliseconds, and how much.
type Given = Vec<(u64, u64)>;

impl Limit {
    fn build(self) -> RateLimit<Threaded> {
        let per = Duration::from_millis(self.per);
        match self.kind {
            Kind::Bucket { refill } => RateLimit::token_bucket(self.limit, refill, per),
            Kind::Fixed => RateLimit::fixed_window(self.limit, per),
            Kind::Sliding => RateLimit::sliding_window(self.limit, per),
        }
    }

    /// The definition, by its words, over everything that was ever let through.
    fn lets_through(self, given: &Given, now: u64, cost: u64) -> bool {
        let sum = |counts: &dyn Fn(u64) -> bool| -> u64 {
            let counted = given.iter().filter(|(at, _)| counts(*at));
            counted.map(|(_, cost)| cost).sum()
        };
        match self.kind {
            Kind::Fixed => sum(&|at| at / self.per == now / self.per) + cost <= self.limit,
            Kind::Sliding => sum(&|at| at + self.per > now) + cost <= self.limit,
            // In no span of time more than what was there at once and what came back in the span.
            Kind::Bucket { refill } => {
                let since = given.iter().map(|(at, _)| *at).chain([now]);
                since.into_iter().all(|since| {
                    let used = sum(&|at| at >= since) + cost;
                    used * self.per <= self.limit * self.per + refill * (now - since)
                })
            }
        }
    }
}

fn limit() -> impl Strategy<Value = Limit> {
    let kind = prop_oneof![
        Just(Kind::Fixed),
        Just(Kind::Sliding),
        (1..20u64).prop_map(|refill| Kind::Bucket { refill }),
    ];
    (kind, 1..20u64, 1..5000u64).prop_map(|(kind, limit, per)| Limit { kind, limit, per })
}

fn style() -> impl Strategy<Value = RetryAfter> {
    prop_oneof![
        Just(RetryAfter::Seconds),
        Just(RetryAfter::Millis),
        Just(RetryAfter::HttpDate)
    ]
}

struct Client {
    transport: MockTransport,
    style: RetryAfter,
}

/// How a request went: the status, what is left, and the date or delay to try again at.
struct Answer {
    status: u16,
    remaining: u64,
    /// In milliseconds from now; `None` when there is no use.
    retry_after: Option<u64>,
}

impl Client {
    fn new(limit: Limit, style: RetryAfter) -> Self {
        let rate = limit
            .build()
            .tokens(|request: &Request| request.text().unwrap().parse().unwrap())
            .headers(RateHeaders::Draft)
            .retry_after(style);
        let transport = MockTransport::builder()
            .timing(Timing::Manual)
            .epoch(EPOCH)
            .build();
        transport.otherwise().rate_limit(rate).reply("ok");
        Self { transport, style }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.transport.now().as_millis()).unwrap()
    }

    fn advance(&self, millis: u64) {
        self.transport.advance(Duration::from_millis(millis));
    }

    fn ask(&self, cost: u64) -> Answer {
        let request = http::Request::post("https://api.test/").body(cost.to_string());
        let call = self.transport.call(request.unwrap());
        let response = self.transport.block_on(call).unwrap();
        let field = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let number = |name: &str| field(name).map(|it| it.parse::<u64>().unwrap());
        let retry_after = match self.style {
            RetryAfter::Millis => number("retry-after-ms"),
            RetryAfter::HttpDate => field("retry-after").map(|date| {
                let time = date.strip_prefix("Wed, 01 Jan 2025 ").unwrap();
                let time = time.strip_suffix(" GMT").unwrap();
                let parts = time.split(':').map(|it| it.parse::<u64>().unwrap());
                let due = parts.fold(0, |sum, part| 60 * sum + part);
                due * 1000 - self.now()
            }),
            _ => number("retry-after").map(|seconds| 1000 * seconds),
        };
        Answer {
            status: response.status().as_u16(),
            remaining: number("ratelimit-remaining").unwrap(),
            retry_after,
        }
    }

    /// The smallest difference that the told delay can express, in milliseconds.
    fn tick(&self) -> u64 {
        if self.style == RetryAfter::Millis {
            1
        } else {
            1000
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None, // the failing input is printed: it becomes a test of its own
        ..ProptestConfig::default()
    })]

    #[test]
    fn counters_are_exact_and_so_are_the_delays_they_tell(
        limit in limit(),
        style in style(),
        arrivals in prop::collection::vec((0..2000u64, 0..8u64, any::<bool>()), 1..40),
    ) {
        let client = Client::new(limit, style);
        let mut given = Given::new();
        let mut ask = |cost: u64| {
            let now = client.now();
            let answer = client.ask(cost);
            let expected = limit.lets_through(&given, now, cost);
            prop_assert_eq!(answer.status == 200, expected, "{} at {} after {:?}", cost, now, &given);
            if expected {
                given.push((now, cost));
            }
            // What is said to be left can be had, and no more.
            prop_assert!(limit.lets_through(&given, now, answer.remaining));
            prop_assert!(!limit.lets_through(&given, now, answer.remaining + 1));
            Ok(answer)
        };
        for (pause, cost, waits) in arrivals {
            client.advance(pause);
            let answer = ask(cost)?;
            if answer.status == 200 {
                prop_assert_eq!(answer.retry_after, None);
                continue;
            }
            let Some(wait) = answer.retry_after else {
                prop_assert!(cost > limit.limit, "what can be had comes back some day");
                continue;
            };
            prop_assert!(wait > 0 && cost <= limit.limit);
            if !waits {
                continue;
            }
            // One tick earlier fails, after exactly the told delay it succeeds.
            if let Some(earlier) = wait.checked_sub(client.tick()) {
                client.advance(earlier);
                prop_assert_eq!(ask(cost)?.status, 429, "after {} of {}", earlier, wait);
                client.advance(wait - earlier);
            } else {
                client.advance(wait);
            }
            prop_assert_eq!(ask(cost)?.status, 200, "after {}", wait);
        }
    }
}

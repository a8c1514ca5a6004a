//! Limits as JavaScript sends them: lists of numbers, because the code that reads them as anything else is
//! large. Times are milliseconds; functions and replies have numbers; what is not given is -1.

use super::functions;
use crate::edge::js_values::duration;
use crate::mode::Local;
use crate::model::reply::Reply;
use crate::options::Builder;
use crate::rate_limit::RateLimit;
use crate::rate_limit::headers::{RateHeaders, RetryAfter};

/// The options of a transport with these limits, if there are any. On concurrency: `max, perHost,
/// maxWaiting, ageing, key, priority`.
pub(super) fn with_limits(
    mut builder: Builder<Local>,
    concurrency: &[f64],
    rates: &[f64],
) -> Builder<Local> {
    for limit in rate_limits(rates) {
        builder = builder.rate_limit(limit);
    }
    let [max, per_host, max_waiting, ageing, key, priority] = *concurrency else {
        return builder;
    };
    if let Some(exchanges) = given(max) {
        builder = builder.max_concurrent(exchanges as usize);
    }
    if let Some(exchanges) = given(per_host) {
        builder = builder.max_concurrent_per_host(exchanges as usize);
    }
    if let Some(requests) = given(max_waiting) {
        builder = builder.max_waiting(requests as usize);
    }
    if let Some(step) = given(ageing) {
        builder = builder.ageing(duration(step));
    }
    let key = given(key).map(|id| functions::text(id as u32));
    let priority = given(priority).map(|id| functions::priority(id as u32));
    builder.concurrency_readings(key, priority)
}

/// Each of them is `kind, limit, refill, per, tokens, key, retryAfter, headers, refusal`, where `kind`,
/// `retryAfter` and `headers` are places in lists, and `refusal` is the number of a reply.
pub(super) fn rate_limits(numbers: &[f64]) -> impl Iterator<Item = RateLimit<Local>> {
    numbers.chunks_exact(9).map(rate_limit)
}

fn rate_limit(numbers: &[f64]) -> RateLimit<Local> {
    let [
        kind,
        limit,
        refill,
        per,
        tokens,
        key,
        retry_after,
        headers,
        refusal,
    ] = std::array::from_fn(|place| numbers[place]);
    let (limit, refill, per) = (limit as u64, refill as u64, duration(per));
    let rate = match kind as u8 {
        0 => RateLimit::fixed_window(limit, per),
        1 => RateLimit::sliding_window(limit, per),
        _ => RateLimit::token_bucket(limit, refill, per),
    };
    let tokens = given(tokens).map(|id| functions::count(id as u32));
    let key = given(key).map(|id| functions::text(id as u32));
    rate.readings(tokens, key)
        .retry_after(match retry_after as u8 {
            0 => RetryAfter::Seconds,
            1 => RetryAfter::HttpDate,
            2 => RetryAfter::Millis,
            _ => RetryAfter::None,
        })
        .headers(match headers as u8 {
            0 => RateHeaders::Draft,
            1 => RateHeaders::OpenAi,
            2 => RateHeaders::Anthropic,
            _ => RateHeaders::None,
        })
        .refuse_with(Reply::empty().external(refusal as u32))
}

fn given(number: f64) -> Option<f64> {
    (number >= 0.0).then_some(number)
}

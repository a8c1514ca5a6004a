//! Randomness from a seed: the same numbers natively and as WebAssembly.

/// A generator of 64-bit numbers (SplitMix64): good enough for jitter, chance and ids, and for nothing
/// that must be secret. Made by [`Exchange::random`](crate::Exchange::random).
///
/// ```
/// use mockwire::{Reply, sync::MockTransport};
///
/// let transport = MockTransport::builder().seed(7).build();
/// transport.get("/dice").reply(Reply::from_exchange(|exchange| {
///     let mut random = exchange.random();
///     Reply::text((1 + random.up_to(5)).to_string())
/// }));
/// # let get = http::Request::get("https://api.test/dice").body(()).unwrap();
/// # let text = transport.block_on(async { transport.call(get).await?.into_body().text().await })?;
/// # assert!((1..=6).contains(&text.parse::<u64>().unwrap()));
/// # Ok::<(), mockwire::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The generator of one exchange: its numbers do not depend on what other exchanges drew.
    pub(crate) fn of_exchange(seed: u64, sequence: u64) -> Self {
        let mut random = Self { state: seed };
        let state = random.next_u64() ^ sequence;
        Self { state }
    }

    /// The next number, any of 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `limit`, including both.
    pub fn up_to(&mut self, limit: u64) -> u64 {
        let scaled = u128::from(self.next_u64()) * (u128::from(limit) + 1);
        (scaled >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_published_numbers_of_split_mix_64() {
        let mut random = Random { state: 1_234_567 };
        let numbers = [(); 3].map(|()| random.next_u64());
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(numbers, published);
    }

    #[test]
    fn numbers_stay_within_their_limit_and_reach_both_ends() {
        let mut random = Random::of_exchange(7, 1);
        let drawn: Vec<_> = (0..1000).map(|_| random.up_to(3)).collect();
        assert!((0..=3).all(|n| drawn.contains(&n)));
        assert!(drawn.iter().all(|n| *n <= 3));
        assert_eq!(random.up_to(0), 0);
    }
}

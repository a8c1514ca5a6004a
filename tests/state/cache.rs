//! A cache against the plainest definition of one.

use std::time::Duration;

use mockwire::Timing;
use mockwire::state::{Cache, CacheLimits};
use mockwire::sync::MockTransport;
use proptest::prelude::*;

const ENTRIES: usize = 3;
const BYTES: usize = 10;
const TTL: u64 = 5;

#[derive(Clone, Debug)]
enum Step {
    Advance(u64),
    Clear,
    Get(u8),
    Put(u8, usize),
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3_u64).prop_map(Step::Advance),
        1 => Just(Step::Clear),
        6 => (0..5_u8).prop_map(Step::Get),
        6 => (0..5_u8, 0..=BYTES + 1).prop_map(|(key, bytes)| Step::Put(key, bytes)),
        1 => (0..5_u8).prop_map(Step::Remove),
    ]
}

/// A list, what was used last at its end.
#[derive(Default)]
struct Model {
    now: u64,
    values: Vec<(u8, String, u64)>,
}

impl Model {
    fn bytes(&self) -> usize {
        self.values.iter().map(|(_, value, _)| value.len()).sum()
    }

    fn get(&mut self, key: u8) -> Option<String> {
        let at = self.values.iter().position(|it| it.0 == key)?;
        let used = self.values.remove(at);
        self.values.push(used.clone());
        Some(used.1)
    }

    fn put(&mut self, key: u8, value: String) {
        self.values.retain(|it| it.0 != key);
        if value.len() > BYTES {
            return;
        }
        self.values.push((key, value, self.now));
        while self.values.len() > ENTRIES || self.bytes() > BYTES {
            self.values.remove(0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 2000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_cache_keeps_what_a_list_would(steps in prop::collection::vec(step(), 0..60)) {
        let transport = MockTransport::builder().timing(Timing::Manual).build();
        let limits = CacheLimits::new().entries(ENTRIES).bytes(BYTES);
        let cache = Cache::new(&transport, limits.ttl(Duration::from_secs(TTL)));
        let mut model = Model::default();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Advance(by) => {
                    transport.advance(Duration::from_secs(by));
                    model.now += by;
                    model.values.retain(|it| it.2 + TTL > model.now);
                }
                Step::Clear => {
                    cache.clear();
                    model.values.clear();
                }
                Step::Get(key) => prop_assert_eq!(cache.get(&key.to_string()), model.get(key)),
                Step::Put(key, bytes) => {
                    let value = char::from(b'a' + (n % 26) as u8).to_string().repeat(bytes);
                    cache.put(&key.to_string(), value.clone());
                    model.put(key, value);
                }
                Step::Remove(key) => {
                    let removed = model.values.iter().any(|it| it.0 == key);
                    model.values.retain(|it| it.0 != key);
                    prop_assert_eq!(cache.remove(&key.to_string()), removed);
                }
            }
            prop_assert_eq!((cache.len(), cache.bytes()), (model.values.len(), model.bytes()));
        }
    }
}

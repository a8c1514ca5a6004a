//! What has been seen within a window of time.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::time::Duration;

use super::timeline::Tick;
use crate::model::session::Fingerprint;

/// Remembers fingerprints for so long. They are found by their hash and compared in full, so two
/// that merely hash alike are two.
pub(crate) struct Recent<S = RandomState> {
    window: Duration,
    seen: HashMap<Fingerprint, Tick, S>,
    /// The same, in the order in which they are forgotten.
    order: VecDeque<Fingerprint>,
}

impl<S: BuildHasher + Default> Recent<S> {
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window,
            seen: HashMap::default(),
            order: VecDeque::new(),
        }
    }

    /// Notes a fingerprint; when it has been seen within the window, it is that of then.
    pub(crate) fn note(&mut self, fingerprint: Fingerprint, now: Tick) -> Result<(), Tick> {
        while let Some(oldest) = self.order.front() {
            let at = self.seen.get(oldest).copied().unwrap_or_default();
            if at.saturating_add(self.window) > now {
                break;
            }
            self.seen.remove(oldest);
            self.order.pop_front();
        }
        if let Some(at) = self.seen.get(&fingerprint) {
            return Err(*at);
        }
        self.seen.insert(fingerprint.clone(), now);
        self.order.push_back(fingerprint);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasherDefault, Hasher};

    use super::*;
    use crate::model::session::Message;

    /// Everything hashes alike.
    #[derive(Default)]
    struct Constant;

    impl Hasher for Constant {
        fn finish(&self) -> u64 {
            7
        }

        fn write(&mut self, _: &[u8]) {}
    }

    #[test]
    fn what_hashes_alike_is_not_the_same() {
        let hash = |text: &str| {
            BuildHasherDefault::<Constant>::default().hash_one(Message::new(text).fingerprint())
        };
        assert_eq!(hash("a"), hash("b")); // the control: they do
        let mut recent = Recent::<BuildHasherDefault<Constant>>::new(Duration::from_secs(1));
        for n in 0..1000 {
            let message = Message::new(&n.to_string());
            assert_eq!(recent.note(message.fingerprint(), Tick::ZERO), Ok(()));
            assert_eq!(
                recent
                    .note(message.with_id("id").fingerprint(), Tick::ZERO)
                    .is_err(),
                n > 0
            );
        }
        let again = Message::new("7").fingerprint();
        assert_eq!(recent.note(again, Tick::ZERO), Err(Tick::ZERO));
    }

    #[test]
    fn the_window_begins_with_the_first_and_forgets_in_order() {
        let mut recent = Recent::<RandomState>::new(Duration::from_secs(10));
        let mut note =
            |text: &str, at| recent.note(Message::new(text).fingerprint(), Duration::from_secs(at));
        assert_eq!(note("a", 0), Ok(()));
        assert_eq!(note("b", 5), Ok(()));
        assert_eq!(note("a", 9), Err(Tick::ZERO));
        assert_eq!(note("a", 10), Ok(()));
        assert_eq!(note("b", 14), Err(Duration::from_secs(5)));
        assert_eq!(note("b", 15), Ok(()));
        assert_eq!((recent.seen.len(), recent.order.len()), (2, 2));
    }
}

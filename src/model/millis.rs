//! Durations in JSON: a number of milliseconds, exact to the nanosecond.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de};

const NANOS: f64 = 1_000_000.0;

pub(crate) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (millis, rest) = (duration.as_millis(), duration.subsec_nanos() % 1_000_000);
    match u64::try_from(millis) {
        Ok(millis) if rest == 0 => serializer.serialize_u64(millis),
        _ => serializer.serialize_f64(duration.as_nanos() as f64 / NANOS),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let millis = f64::deserialize(deserializer)?;
    of(millis).ok_or_else(|| {
        let unexpected = de::Unexpected::Float(millis);
        de::Error::invalid_value(unexpected, &"a number of milliseconds, not negative")
    })
}

/// So many milliseconds, rounded to the nanosecond; `None` unless it is a length of time.
pub(crate) fn of(millis: f64) -> Option<Duration> {
    let nanos = (millis * NANOS).round();
    let fits = nanos.is_finite() && nanos >= 0.0 && nanos <= u64::MAX as f64;
    fits.then(|| Duration::from_nanos(nanos as u64))
}

/// A duration that may be missing.
pub(crate) mod option {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Millis(#[serde(with = "super")] Duration);

    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(Millis).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let millis = Option::<Millis>::deserialize(deserializer)?;
        Ok(millis.map(|Millis(duration)| duration))
    }
}

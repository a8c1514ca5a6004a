//! How the parts of a socket script are written as JSON.

/// Bytes in base64.
pub(super) mod base64 {
    use bytes::Bytes;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use crate::model::base64;

    pub(in crate::model) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64::encode(bytes))
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = base64::decode(&text);
        bytes
            .map(Bytes::from)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not padded base64")))
    }
}

/// A duration in milliseconds: whole where it is, with a fraction where not.
pub(super) mod millis {
    use std::time::Duration;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(in crate::model) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match u64::try_from(duration.as_millis()) {
            Ok(whole) if Duration::from_millis(whole) == *duration => {
                serializer.serialize_u64(whole)
            }
            _ => serializer.serialize_f64(duration.as_secs_f64() * 1e3),
        }
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(millis / 1e3)
            .map_err(|_| D::Error::custom(format!("{millis} is not a duration in milliseconds")))
    }
}

/// The name of a fault: `connectionReset`.
pub(super) mod fault {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use crate::fault::Fault;

    const NAMES: [(&str, Fault); 8] = [
        ("connectTimeout", Fault::ConnectTimeout),
        ("connectionClosed", Fault::ConnectionClosed),
        ("connectionRefused", Fault::ConnectionRefused),
        ("connectionReset", Fault::ConnectionReset),
        ("dnsFailure", Fault::DnsFailure),
        ("malformedResponse", Fault::MalformedResponse),
        ("timeout", Fault::Timeout),
        ("tlsFailure", Fault::TlsFailure),
    ];

    pub(in crate::model) fn serialize<S: Serializer>(
        fault: &Fault,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let name = NAMES.iter().find(|(_, known)| known == fault);
        serializer.serialize_str(name.map_or("connectionReset", |(name, _)| name))
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Fault, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fault = NAMES.iter().find(|(name, _)| *name == text);
        fault.map(|(_, fault)| *fault).ok_or_else(|| {
            let names = NAMES.map(|(name, _)| name).join(", ");
            D::Error::custom(format!("unknown fault {text:?}, expected one of {names}"))
        })
    }
}

//! What a pattern asks of one text: a header value, a query parameter, a body.

use std::fmt;

use http::{HeaderName, HeaderValue};

use crate::error::{Error, Result};

/// What is asked of the values under one name; any of several values may satisfy it.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Contains(String),
    Equals(String),
    Missing,
    Present,
    #[cfg(feature = "regex")]
    Regex(regex::Regex),
}

impl Test {
    pub(crate) fn test<T: AsRef<str>>(&self, mut values: impl Iterator<Item = T>) -> bool {
        match self {
            Self::Contains(part) => values.any(|value| value.as_ref().contains(part.as_str())),
            Self::Equals(expected) => values.any(|value| value.as_ref() == expected),
            Self::Missing => values.next().is_none(),
            Self::Present => values.next().is_some(),
            #[cfg(feature = "regex")]
            Self::Regex(regex) => values.any(|value| regex.is_match(value.as_ref())),
        }
    }

    /// Fails when no header field can have what is asked for.
    pub(crate) fn validate_field(&self, name: &HeaderName) -> Result<()> {
        match self {
            Self::Contains(text) | Self::Equals(text) if HeaderValue::from_str(text).is_err() => {
                Err(Error::field_value(name, text))
            }
            _ => Ok(()),
        }
    }

    /// Whether what is asked can be said without telling a secret.
    pub(crate) fn is_about_presence(&self) -> bool {
        matches!(self, Self::Missing | Self::Present)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(part) => write!(f, "containing {part:?}"),
            Self::Equals(expected) => write!(f, "{expected:?}"),
            Self::Missing => f.write_str("(missing)"),
            Self::Present => f.write_str("(present)"),
            #[cfg(feature = "regex")]
            Self::Regex(regex) => write!(f, "/{regex}/"),
        }
    }
}

//! What keeps the state of one user's thread apart from that of all others.

use std::fmt::{self, Write};

use serde::{Serialize, Serializer};

/// Names one thread of one user: two keys are equal only when both are.
///
/// It borrows the two names, so that making it costs nothing. As text it is `user/thread`, with each
/// `/` and `%` of the names as `%2F` and `%25`: two texts are equal only when the keys are, whatever
/// the names contain. In JSON it is that text.
///
/// ```
/// use mockwire::connections::IsolationKey;
///
/// let key = IsolationKey::new("ada", "notes/2");
/// assert_eq!(key.to_string(), "ada/notes%2F2");
/// assert_ne!(key, IsolationKey::new("ada/notes", "2"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IsolationKey<'a> {
    user: &'a str,
    thread: &'a str,
}

impl<'a> IsolationKey<'a> {
    /// The key of this user's thread of this name.
    #[must_use]
    pub fn new(user: &'a str, thread: &'a str) -> Self {
        Self { user, thread }
    }

    /// The user.
    #[must_use]
    pub fn user(self) -> &'a str {
        self.user
    }

    /// The thread of that user.
    #[must_use]
    pub fn thread(self) -> &'a str {
        self.thread
    }
}

impl fmt::Display for IsolationKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.user, f)?;
        f.write_char('/')?;
        escaped(self.thread, f)
    }
}

impl Serialize for IsolationKey<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(crate) fn escaped(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut rest = name;
    while let Some(at) = rest.find(['/', '%']) {
        f.write_str(&rest[..at])?;
        f.write_str(if rest[at..].starts_with('/') {
            "%2F"
        } else {
            "%25"
        })?;
        rest = &rest[at + 1..];
    }
    f.write_str(rest)
}

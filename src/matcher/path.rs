//! Path patterns: exact, glob (`*`, `**`) and template (`/v1/{id}`, `/v1/:id`).

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, Part, Result};
use crate::model::urlencoded::percent_decode;

/// A compiled path pattern. Compared segment by segment, percent-decoded.
#[derive(Clone, Debug)]
pub(crate) struct PathPattern {
    source: Box<str>,
    /// Empty when the source is the path itself: nothing wild, nothing escaped.
    segments: Box<[Segment]>,
}

#[derive(Clone, Debug)]
enum Segment {
    /// Text with a capture in it: `{id}`, `:id`, `{model}:generate`.
    Capture {
        prefix: String,
        name: String,
        suffix: String,
    },
    /// Text with `*` in it: each stands for any characters of the segment.
    Glob(String),
    Literal(String),
    /// `**`: any number of segments, also none.
    Rest,
}

impl PathPattern {
    pub(crate) fn parse(source: &str) -> Result<Self> {
        let Some(path) = source.strip_prefix('/') else {
            return Err(Error::invalid(
                Part::Pattern,
                source,
                "a path begins with `/` (a whole URL with its scheme: `https://api.test/v1`)",
            ));
        };
        let wild = |c| matches!(c, '*' | '{' | ':' | '%');
        if !path.contains(wild) {
            let (source, segments) = (source.into(), Box::default());
            return Ok(Self { source, segments });
        }
        let segments = path
            .split('/')
            .map(|segment| Segment::parse(segment, source))
            .collect::<Result<Vec<_>>>()?;
        let mut names: Vec<_> = segments.iter().filter_map(Segment::capture_name).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let reason = format!("the capture {:?} is there twice", pair[0]);
            return Err(Error::invalid(Part::Pattern, source, reason));
        }
        let wild = |segment: &Segment| !matches!(segment, Segment::Literal(_));
        let plain = !source.contains('%') && !segments.iter().any(wild);
        Ok(Self {
            source: source.into(),
            segments: if plain {
                Box::default()
            } else {
                segments.into()
            },
        })
    }

    /// The whole path, when it has no wildcard and nothing escaped.
    pub(crate) fn exact(&self) -> Option<&str> {
        self.segments.is_empty().then_some(&*self.source)
    }

    /// The decoded leading segments that have no wildcard, with a slash before each.
    pub(crate) fn literal_prefix(&self) -> String {
        let wild = |segment: &Segment| !matches!(segment, Segment::Literal(_));
        let end = self.segments.iter().position(wild);
        join(&self.segments[..end.unwrap_or(self.segments.len())])
    }

    pub(crate) fn test(&self, path: &str) -> bool {
        match self.exact() {
            Some(exact) => path_equals(exact, path),
            None => self.captures(path).is_some(),
        }
    }

    /// What the path captures, by name; `None` when it does not match.
    pub(crate) fn captures(&self, path: &str) -> Option<Vec<(String, String)>> {
        if self.segments.is_empty() {
            return self.test(path).then(Vec::new);
        }
        let segments: Vec<_> = path
            .strip_prefix('/')?
            .split('/')
            .map(percent_decode)
            .collect();
        let mut captures = Vec::new();
        capture(&self.segments, &segments, &mut captures).then_some(captures)
    }
}

impl Segment {
    fn parse(text: &str, source: &str) -> Result<Self> {
        let invalid = |reason: &str| Err(Error::invalid(Part::Pattern, source, reason));
        let (prefix, name, suffix) = if let Some(name) = text.strip_prefix(':') {
            ("", name, "")
        } else if let Some((prefix, rest)) = text.split_once('{') {
            match rest.split_once('}') {
                Some((name, suffix)) if !suffix.contains('{') => (prefix, name, suffix),
                Some(_) => return invalid("a segment has at most one capture"),
                None => return invalid("a `{` has no closing `}`"),
            }
        } else if text == "**" {
            return Ok(Self::Rest);
        } else if text.contains("**") {
            return invalid("`**` must be a whole segment");
        } else if text.contains('*') {
            return Ok(Self::Glob(text.to_owned()));
        } else {
            return Ok(Self::Literal(decoded(text)));
        };
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(word) {
            return invalid("a capture needs a name of letters, digits, `_` and `-`");
        }
        if prefix.contains('*') || suffix.contains('*') {
            return invalid("a segment has either a capture or `*`, not both");
        }
        Ok(Self::Capture {
            prefix: decoded(prefix),
            name: name.to_owned(),
            suffix: decoded(suffix),
        })
    }

    fn capture_name(&self) -> Option<&str> {
        match self {
            Self::Capture { name, .. } => Some(name),
            _ => None,
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode(text).into_owned()
}

fn join(segments: &[Segment]) -> String {
    let mut path = String::new();
    for segment in segments {
        if let Segment::Literal(literal) = segment {
            path.push('/');
            path.push_str(literal);
        }
    }
    path
}

fn capture(
    pattern: &[Segment],
    path: &[Cow<'_, str>],
    captures: &mut Vec<(String, String)>,
) -> bool {
    let Some((first, pattern)) = pattern.split_first() else {
        return path.is_empty();
    };
    if let Segment::Rest = first {
        return (0..=path.len()).any(|skipped| {
            let so_far = captures.len();
            let matched = capture(pattern, &path[skipped..], captures);
            if !matched {
                captures.truncate(so_far);
            }
            matched
        });
    }
    let Some((segment, path)) = path.split_first() else {
        return false;
    };
    let matched = match first {
        Segment::Capture {
            prefix,
            name,
            suffix,
        } => {
            let value = segment.strip_prefix(prefix.as_str());
            let value = value.and_then(|value| value.strip_suffix(suffix.as_str()));
            let value = value.filter(|value| !value.is_empty());
            captures.extend(value.map(|value| (name.clone(), value.to_owned())));
            value.is_some()
        }
        Segment::Glob(glob) => glob_matches(glob, segment),
        Segment::Literal(literal) => literal == segment,
        Segment::Rest => unreachable!("handled above"),
    };
    matched && capture(pattern, path, captures)
}

/// Whether the path is the exact one, segment by segment, once it is percent-decoded.
pub(crate) fn path_equals(exact: &str, path: &str) -> bool {
    exact == path || equals_decoded(exact, path)
}

#[cold]
#[inline(never)]
fn equals_decoded(exact: &str, path: &str) -> bool {
    path.contains('%') && exact.split('/').eq(path.split('/').map(percent_decode))
}

/// Whether the text is the glob with each `*` replaced by some characters, perhaps none. What stands around
/// them is compared decoded: an escaped `*` is no wildcard.
pub(crate) fn glob_matches(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*').map(percent_decode);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(&*first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(&*part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(&*last)
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
        PathPattern::parse(pattern).unwrap().captures(path)
    }

    #[test]
    fn wildcards() {
        for (pattern, path, expected) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a", true),
            ("/a/**", "/a/b/c", true),
            ("/a/**/z", "/a/z", true),
            ("/a/**/z", "/a/b/c/z", true),
            ("/a/**/z", "/a/b/c", false),
            ("/f/*.json", "/f/x.json", true),
            ("/f/*.json", "/f/.jso", false),
            ("/f/a*b*c", "/f/aXbYbc", true),
            ("/a b", "/a%20b", true),
            ("/a%20b", "/a%20b", true),
            ("/a%20b*", "/a%20bc", true),
            ("/a%20b*", "/a%20c", false),
            ("/a%2A*", "/a*b", true),
            ("/a%2A*", "/axb", false),
            ("/a%20{id}%21", "/a%20b!", true),
            ("/", "/", true),
        ] {
            let pattern = PathPattern::parse(pattern).unwrap();
            assert_eq!(pattern.test(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn captures_are_decoded_and_may_have_text_around_them() {
        let found = captures("/v1/models/{model}:stream", "/v1/models/gem%2Dini:stream");
        assert_eq!(found, Some(vec![("model".into(), "gem-ini".into())]));
        let found = captures("/:a/**/{b}", "/1/x/y/2").unwrap();
        assert_eq!(found, [("a".into(), "1".into()), ("b".into(), "2".into())]);
    }

    #[test]
    fn mistakes_are_named() {
        for pattern in [
            "no-slash", "/{id", "/{}", "/a**", "/{a}/{a}", "/{a}{b}", "/{a}*",
        ] {
            assert!(PathPattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}

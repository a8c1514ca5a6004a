//! Takes what is secret out of the entries of a cassette.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::edit;
use super::entry::{Entry, Frame, RecordedBody};
use super::placeholder::REDACTED_IN_URL;
use super::pointer::Pointer;
use super::secret::Secret;
use super::texts::{self, Place};
use crate::model::base64;
use crate::model::redact::{self, REDACTED};
use crate::model::urlencoded;

/// How long a text must be that is looked for everywhere because it was a secret somewhere.
const SHORTEST: usize = 8;

/// Parameters of queries and forms that are secrets, and members of JSON objects that are. Compared
/// without case, `_` and `-`.
const PARAMETERS: [&str; 18] = [
    "accesstoken",
    "apikey",
    "auth",
    "clientsecret",
    "idtoken",
    "key",
    "password",
    "refreshtoken",
    "secret",
    "sessiontoken",
    "sig",
    "signature",
    "token",
    "xamzcredential",
    "xamzsecuritytoken",
    "xamzsignature",
    "xgoogcredential",
    "xgoogsignature",
];
const MEMBERS: [&str; 9] = [
    "accesstoken",
    "apikey",
    "clientsecret",
    "idtoken",
    "password",
    "privatekey",
    "refreshtoken",
    "secretaccesskey",
    "sessiontoken",
];

/// Takes secrets out of entries.
pub(super) struct Redactor {
    /// Whether the usual secrets are taken out.
    pub(super) usual: bool,
    pub(super) headers: Vec<HeaderName>,
    /// Folded.
    pub(super) parameters: Vec<String>,
    pub(super) pointers: Vec<Pointer>,
    pub(super) literals: Vec<Secret>,
}

/// What is found to be a secret in one entry.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn note(&mut self, text: &str) {
        let is_new = text.len() >= SHORTEST && !text.contains(REDACTED);
        if is_new && !self.0.iter().any(|it| it == text) {
            self.0.push(text.to_owned());
        }
    }
}

impl Redactor {
    /// Takes the secrets out of an entry, in place; what they were, where that may stand elsewhere.
    pub(super) fn redact(&self, entry: &mut Entry) -> Vec<String> {
        let Entry { request, response } = entry;
        let mut found = Found::default();
        self.redact_url(&mut request.url, &mut found);
        self.redact_fields(&mut request.headers, &mut found);
        self.redact_fields(&mut response.headers, &mut found);
        self.redact_fields(&mut response.trailers, &mut found);
        if is_form(&request.headers) {
            request.body = self.redact_form(&request.body, &mut found);
        }
        let mut member =
            |path: &[String], node: &edit::Node<'_>| self.member(path, node, &mut found);
        edit::json(&mut request.body, &mut member);
        edit::response(&mut response.body, &mut member);
        self.scrub(entry, &found.0);
        found.0
    }

    /// Takes the user's secrets and these out of an entry, wherever they stand.
    pub(super) fn scrub(&self, entry: &mut Entry, found: &[String]) {
        let found: Vec<Secret> = found.iter().map(|it| Secret::new(it)).collect();
        let secrets: Vec<&Secret> = self.literals.iter().chain(&found).collect();
        self.take_out(entry, &secrets);
    }

    fn redact_fields(&self, headers: &mut HeaderMap, found: &mut Found) {
        for (name, value) in headers {
            let is_secret = value.is_sensitive()
                || self.headers.contains(name)
                || self.usual && (redact::is_secret(name) || ends_like_a_secret(name.as_str()));
            if is_secret {
                note_field(name, value, found);
                *value = HeaderValue::from_static(REDACTED);
            }
        }
    }

    fn redact_url(&self, url: &mut Uri, found: &mut Found) {
        let mut text = url.to_string();
        if let Some(authority) = url.authority().filter(|_| self.usual) {
            if let Some((user, host)) = authority.as_str().rsplit_once('@') {
                let (_, password) = user.split_once(':').unwrap_or(("", user));
                found.note(&urlencoded::percent_decode(password));
                text = text.replacen(authority.as_str(), host, 1);
            }
        }
        if let Some((path, query)) = text.split_once('?') {
            text = format!("{path}?{}", self.redact_pairs(query, found));
        }
        if let Ok(redacted) = text.parse() {
            *url = redacted;
        }
    }

    fn redact_form(&self, body: &Bytes, found: &mut Found) -> Bytes {
        match std::str::from_utf8(body) {
            Ok(text) => self.redact_pairs(text, found).into(),
            Err(_) => body.clone(),
        }
    }

    /// The values of a query or a form: `a=1&key=2`.
    fn redact_pairs(&self, pairs: &str, found: &mut Found) -> String {
        let pairs = pairs.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && self.is_parameter(name) => {
                found.note(&urlencoded::percent_decode(&value.replace('+', " ")));
                Cow::Owned(format!("{name}={REDACTED_IN_URL}"))
            }
            _ => Cow::Borrowed(pair),
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    fn is_parameter(&self, name: &str) -> bool {
        let name = folded(&urlencoded::percent_decode(name));
        self.usual && PARAMETERS.contains(&name.as_str()) || self.parameters.contains(&name)
    }

    /// What stands in the place of a JSON value.
    fn member(&self, path: &[String], node: &edit::Node<'_>, found: &mut Found) -> Option<String> {
        let text = node.as_string();
        let is_member = || {
            let name = path.last().map(|name| folded(name)).unwrap_or_default();
            self.usual && text.is_some() && MEMBERS.contains(&name.as_str())
        };
        let is_secret = is_member() || self.pointers.iter().any(|it| it.leads_to(path));
        is_secret.then(|| {
            found.note(&text.unwrap_or_else(|| node.compact()));
            format!("\"{REDACTED}\"")
        })
    }

    fn take_out(&self, entry: &mut Entry, secrets: &[&Secret]) {
        let is_form = is_form(&entry.request.headers);
        texts::replace(entry, &|place, text| {
            let placeholder = match place {
                Place::Url => REDACTED_IN_URL,
                Place::RequestBody if is_form => REDACTED_IN_URL,
                Place::Field | Place::RequestBody => REDACTED,
            };
            let cuts = self.cuts(text, secrets, placeholder);
            (!cuts.is_empty()).then(|| without(text, &cuts))
        });
        self.scrub_body(&mut entry.response.body, secrets);
    }

    /// Of a stream, all together: a secret may be spread over several frames.
    fn scrub_body(&self, body: &mut RecordedBody, secrets: &[&Secret]) {
        let cuts = self.cuts(&body.to_bytes(), secrets, REDACTED);
        if cuts.is_empty() {
            return;
        }
        let mut from = 0;
        for piece in body.pieces_mut() {
            let to = from + piece.len();
            let inside = cuts
                .iter()
                .filter(|it| it.range.start < to && it.range.end > from);
            let inside: Vec<Cut> = inside
                .map(|cut| Cut {
                    range: cut.range.start.max(from) - from..cut.range.end.min(to) - from,
                    // It stands where the secret began.
                    placeholder: if cut.range.start < from {
                        ""
                    } else {
                        cut.placeholder
                    },
                })
                .collect();
            if !inside.is_empty() {
                *piece = without(piece, &inside).into();
            }
            from = to;
        }
        if let RecordedBody::Frames(frames) = body {
            drop_empty(frames);
        }
    }

    /// What is to be taken out of a text, in order, without overlap.
    fn cuts(&self, text: &[u8], secrets: &[&Secret], placeholder: &'static str) -> Vec<Cut> {
        let found = Secret::find_all(secrets, text).into_iter();
        let mut cuts: Vec<Cut> = found.map(|range| Cut { range, placeholder }).collect();
        cuts.extend(self.parameters_in(text).into_iter().map(|range| Cut {
            range,
            placeholder: REDACTED_IN_URL,
        }));
        cuts.sort_by_key(|cut| cut.range.start);
        let mut end = 0;
        for cut in &mut cuts {
            cut.range.start = cut.range.start.max(end);
            end = end.max(cut.range.end);
        }
        cuts.retain(|cut| !cut.range.is_empty());
        cuts
    }

    /// Where the values of secret parameters stand in a text with URLs: after `?key=` or `&key=`.
    fn parameters_in(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut at = 0;
        while let Some(skip) = text[at..].iter().position(|it| matches!(it, b'?' | b'&')) {
            at += skip + 1;
            let is_name = |it: &&u8| it.is_ascii_alphanumeric() || b"_-.%[]".contains(it);
            let name = text[at..].iter().take_while(is_name).count();
            if text.get(at + name) != Some(&b'=') {
                continue;
            }
            let is_parameter =
                std::str::from_utf8(&text[at..at + name]).is_ok_and(|name| self.is_parameter(name));
            at += name + 1;
            let is_value = |it: &&u8| it.is_ascii_graphic() && !b"&\"'<>\\#,;)]}".contains(it);
            let value = text[at..].iter().take_while(is_value).count();
            let is_told = text[at..].starts_with(REDACTED_IN_URL.as_bytes());
            if is_parameter && value > 0 && !is_told {
                ranges.push(at..at + value);
            }
        }
        ranges
    }
}

/// Drops the frames of which nothing is left; the time they took is that of the next.
fn drop_empty(frames: &mut Vec<Frame>) {
    let mut paused = Duration::ZERO;
    frames.retain_mut(|frame| {
        paused += frame.after;
        let stays = !frame.bytes.is_empty();
        if stays {
            frame.after = std::mem::take(&mut paused);
        }
        stays
    });
}

/// A part of a text that is taken out, and what stands in its place.
struct Cut {
    range: Range<usize>,
    placeholder: &'static str,
}

fn without(text: &[u8], cuts: &[Cut]) -> Vec<u8> {
    let mut left = Vec::with_capacity(text.len());
    let mut at = 0;
    for Cut { range, placeholder } in cuts {
        left.extend_from_slice(&text[at..range.start]);
        left.extend_from_slice(placeholder.as_bytes());
        at = range.end;
    }
    left.extend_from_slice(&text[at..]);
    left
}

/// What is secret in a header field: all of it, without the scheme of an authorization, and what its
/// base64 and its pairs say.
fn note_field(name: &HeaderName, value: &HeaderValue, found: &mut Found) {
    let Ok(text) = value.to_str() else {
        return;
    };
    found.note(text);
    if let Some((scheme, credentials)) = text.split_once(' ') {
        found.note(credentials);
        if scheme.eq_ignore_ascii_case("basic") {
            let plain = base64::decode(credentials).and_then(|it| String::from_utf8(it).ok());
            let plain = plain.unwrap_or_default();
            plain
                .split_once(':')
                .into_iter()
                .for_each(|(_, it)| found.note(it));
        }
    }
    if name == header::COOKIE || name == header::SET_COOKIE {
        let values = text
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        let is_attribute = |name: &str| {
            ["domain", "expires", "max-age", "path", "samesite"]
                .iter()
                .any(|it| name.eq_ignore_ascii_case(it))
        };
        let values = values.filter(|(name, _)| !is_attribute(name));
        values.for_each(|(_, value)| found.note(value));
    }
}

fn ends_like_a_secret(name: &str) -> bool {
    ["-token", "-secret", "-api-key", "-password"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let text = content_type
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    text.starts_with("application/x-www-form-urlencoded")
}

/// A name without case, `_` and `-`.
pub(super) fn folded(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

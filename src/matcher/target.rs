//! `POST /v1/messages`, `https://api.test:8080/v1/{id}?a=1`: a target, taken apart into patterns.

use crate::error::{Error, Part, Result};
use crate::model::urlencoded;

use super::path::PathPattern;
use super::pattern::{HostPattern, Pattern};
use super::text::Test;

/// Adds the patterns that a path or a whole URL stands for. `*` stands for every URL.
pub(crate) fn parse<P: From<Pattern>>(target: &str, patterns: &mut Vec<P>) -> Result<()> {
    if target == "*" {
        return Ok(());
    }
    if target.contains('#') {
        let reason =
            "a target has no fragment: clients keep it to themselves (`%23` is the character)";
        return Err(Error::invalid(Part::Pattern, target, reason));
    }
    let mut has_host = false;
    let rest = match target.split_once("://") {
        None => target,
        Some((scheme, rest)) => {
            has_host = true;
            patterns.push(Pattern::Scheme(scheme.to_ascii_lowercase()).into());
            let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at(path_at);
            authority_patterns(authority, target, patterns)?;
            rest
        }
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match path {
        "" if has_host => "/",
        path => path,
    };
    patterns.push(Pattern::Path(PathPattern::parse(path)?).into());
    for (name, value) in urlencoded::pairs(query) {
        let name = name.into_owned();
        let test = Test::Equals(value.into_owned());
        patterns.push(Pattern::Query { name, test }.into());
    }
    Ok(())
}

fn authority_patterns<P: From<Pattern>>(
    authority: &str,
    target: &str,
    patterns: &mut Vec<P>,
) -> Result<()> {
    let invalid = |reason: &str| Err(Error::invalid(Part::Pattern, target, reason));
    if authority.contains('@') {
        return invalid("a target has no user information: ask for basic authentication");
    }
    let port_at = authority
        .rfind(':')
        .filter(|at| !authority[*at..].contains(']'));
    let (host, port) = authority.split_at(port_at.unwrap_or(authority.len()));
    if host.is_empty() {
        return invalid("the host is missing");
    }
    if !host.is_ascii() {
        return invalid("a host is sent in ASCII: write it as Punycode (`xn--...`)");
    }
    if host.starts_with('[') != host.ends_with(']') {
        return invalid("an IPv6 address stands in two brackets");
    }
    patterns.push(Pattern::Host(HostPattern::new(host)).into());
    if let Some(port) = port.strip_prefix(':') {
        match port.parse() {
            Ok(port) => patterns.push(Pattern::Port(port).into()),
            Err(_) => return invalid("the port is not a number from 0 to 65535"),
        }
    }
    Ok(())
}

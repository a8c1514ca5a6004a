//! Calls of tools: which tools take a text, and ids that tell their tool.

use crate::providers::draws::Draws;
use crate::providers::read::{list, string};
use crate::providers::wire::Wire;
use crate::providers::{Conversation, ToolCall};

/// How many characters of an id are drawn.
const DRAWN: usize = 16;
/// How many after them tell the tool.
const TOLD: usize = 8;
const PREFIX: &str = "call_";

/// Whether the request declares this tool as one that takes a text, not JSON.
pub(super) fn is_custom(conversation: &Conversation, name: &str) -> bool {
    let tools = list(&conversation.json, "tools").iter();
    let mut custom = tools.filter(|tool| tool.get("type") == Some(&"custom".into()));
    // In Chat Completions the definition is a member of its own.
    custom.any(|tool| string(tool.get("custom").unwrap_or(tool), "name").as_deref() == Some(name))
}

/// What a custom tool is called with: its argument, if that is a text; else the JSON of it.
pub(super) fn input(call: &ToolCall) -> String {
    match (&call.raw, call.arguments.as_str()) {
        (None, Some(text)) => text.to_owned(),
        _ => call.text(),
    }
}

/// An id for a call of this tool, which tells the tool: a client that leaves the history to the provider
/// sends the results back with nothing but the ids.
pub(super) fn telling_id(draws: &mut Draws, call: &ToolCall) -> Wire {
    let drawn = draws.alphanumeric_with(PREFIX, DRAWN, told(&call.name));
    call.id.as_deref().map_or(drawn, Wire::from)
}

/// Whether an id of ours tells that the call was one of this tool.
pub(in crate::providers) fn tells_tool(id: &str, name: &str) -> bool {
    let digits = id.strip_prefix(PREFIX);
    let end = digits.filter(|it| it.len() == DRAWN + TOLD && it.is_ascii());
    end.is_some_and(|it| it[DRAWN..] == told(name))
}

/// A name as so many letters and digits: its hash (FNV-1a, which is the same everywhere).
fn told(name: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let digits = std::iter::repeat_with(|| {
        let digit = hash % 62;
        hash /= 62;
        char::from(DIGITS[usize::try_from(digit).unwrap_or_default()])
    });
    digits.take(TOLD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_tool_and_no_other() {
        let id = format!("call_0123456789abcdef{}", told("weather"));
        assert_eq!(id.len(), "call_".len() + 24);
        assert!(tells_tool(&id, "weather"));
        for (id, name) in [
            (&*id, "weathers"),
            (&*id, ""),
            (&id[..28], "weather"),
            ("call_weather", "weather"),
            ("call_0123456789abcdefgäijklm", "weather"),
        ] {
            assert!(!tells_tool(id, name), "{id} {name}");
        }
    }
}

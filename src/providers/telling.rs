//! Ids that tell what a client does not send that leaves the history to the provider: those of answers
//! tell their turn, those of calls their tool.

use super::conversation::Conversation;
use super::draws::Draws;
use super::tool_call::ToolCall;
use super::wire::Wire;

/// How many characters at the end of an id tell the tool.
const TOLD: usize = 8;
/// How many hexadecimal digits at the end of an id tell the turn.
pub(super) const TURN: usize = 4;

/// The ids of a provider: what they begin with, and how many characters follow.
pub(super) struct Ids {
    pub(super) prefix: &'static str,
    pub(super) len: usize,
}

/// Those of OpenAI and of Anthropic.
pub(super) const CALL: Ids = Ids {
    prefix: "call_",
    len: 24,
};
pub(super) const TOOLU: Ids = Ids {
    prefix: "toolu_01",
    len: 22,
};

/// An id for a call of this tool, which tells the tool.
pub(super) fn telling_id(draws: &mut Draws, ids: &Ids, call: &ToolCall) -> Wire {
    let drawn = draws.alphanumeric_with(ids.prefix, ids.len - TOLD, told(&call.name));
    call.id.as_deref().map_or(drawn, Wire::from)
}

/// The turn of this answer, as the end of its id.
pub(super) fn told_turn(conversation: &Conversation) -> String {
    let turn = conversation.turn() & 0xFFFF;
    format!("{turn:0TURN$x}")
}

/// The turn that an id of ours tells; 0 of any other.
pub(super) fn turn_of(id: &str, ids: &Ids) -> u64 {
    let digits = id.strip_prefix(ids.prefix);
    let digits = digits.filter(|it| it.len() == ids.len);
    let turn = digits.and_then(|it| it.get(ids.len - TURN..));
    turn.and_then(|turn| u64::from_str_radix(turn, 16).ok())
        .unwrap_or_default()
}

/// Whether an id of ours tells that the call was one of this tool.
pub(super) fn tells_tool(id: &str, name: &str) -> bool {
    [CALL, TOOLU].iter().any(|ids| {
        let digits = id.strip_prefix(ids.prefix);
        let end = digits.filter(|it| it.len() == ids.len && it.is_ascii());
        end.is_some_and(|it| it[ids.len - TOLD..] == told(name))
    })
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
    fn an_id_tells_its_turn_and_another_none() {
        let ids = Ids {
            prefix: "resp_",
            len: 6,
        };
        let turn = told_turn(&Conversation::default());
        assert_eq!(turn_of(&format!("resp_ab{turn}"), &ids), 1);
        assert_eq!(turn_of("resp_ab00ff", &ids), 255);
        for id in [
            "resp_ab00f",
            "resp_ab00fg",
            "msg_ab00ff",
            "resp_aä00ff0",
            "",
        ] {
            assert_eq!(turn_of(id, &ids), 0, "{id}");
        }
    }

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

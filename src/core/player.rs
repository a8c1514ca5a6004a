//! Plays the script of a connection's server end.
//!
//! A step has a time of its own: a script that nobody looked at for a while says everything at the
//! time when it was due.

use super::socket::{Ending, Machine, Unmet};
use super::timeline::Tick;
use crate::model::message::{CloseFrame, Message, Side};
use crate::model::message_pattern::MessagePattern;
use crate::model::socket_script::{SharedScript, Step};

/// Policy violation: the client did not do what was expected (RFC 6455 §7.4.1).
const POLICY: u16 = 1008;

/// Where a script is.
pub(crate) struct Player {
    script: SharedScript,
    /// The next step.
    step: usize,
    /// The time that the last step took place.
    clock: Tick,
    /// How many messages the step has echoed.
    echoed: u64,
    /// How many text and binary messages were sent.
    sent: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting,
    Playing,
    /// The client's queue is full.
    Blocked,
    Over,
}

impl Player {
    pub(super) fn new(script: SharedScript) -> Self {
        Self {
            script,
            step: 0,
            clock: Tick::ZERO,
            echoed: 0,
            sent: 0,
            state: State::Waiting,
        }
    }

    pub(super) fn start(&mut self, at: Tick) {
        self.clock = at;
        self.state = State::Playing;
    }

    pub(super) fn stop(&mut self) {
        self.state = State::Over;
    }

    /// The client has taken something.
    pub(super) fn unblock(&mut self, now: Tick) {
        if self.state == State::Blocked {
            self.state = State::Playing;
            self.clock = self.clock.max(now);
        }
    }

    /// When a step is due.
    pub(super) fn due(&self) -> Option<Tick> {
        match (self.state, self.script.steps.get(self.step)) {
            (State::Playing, Some(Step::Delay(delay))) => Some(self.clock.saturating_add(*delay)),
            _ => None,
        }
    }

    /// The first message that is still expected.
    pub(super) fn expected(&self) -> Option<&MessagePattern> {
        match self.state {
            State::Over => None,
            _ => self.script.expected_from(self.step),
        }
    }

    fn fails_now(&self) -> Option<Ending> {
        let fault = self.script.fault_after.as_ref();
        let fault = fault.filter(|it| it.messages == self.sent)?;
        Some(Ending::Fault(fault.fault))
    }
}

/// What a step comes to.
enum Played {
    /// The next one follows.
    Done,
    /// The same one again.
    Again,
    /// Nothing more for now.
    Wait,
}

impl Machine {
    /// Plays all steps that are due.
    pub(super) fn play(&mut self, now: Tick) {
        if self
            .player
            .as_ref()
            .is_none_or(|it| self.leaves_nothing(it))
        {
            return;
        }
        // Out of the machine while it plays, so that both can change.
        let Some(mut player) = self.player.take() else {
            return;
        };
        if self.server_has_sent_close() {
            // Somebody else has closed, for the server.
            player.stop();
        }
        while player.state == State::Playing && !self.has_ended() {
            if self.read_control(&mut player) {
                break;
            }
            if let Some(ending) = player.fails_now() {
                player.stop();
                self.finish(ending);
                break;
            }
            match self.play_step(&mut player, now) {
                Played::Again => {}
                Played::Done => {
                    player.step += 1;
                    player.echoed = 0;
                }
                Played::Wait => break,
            }
        }
        if player.state == State::Over {
            self.drain();
        }
        self.player = Some(player);
    }

    /// Whether a script can only wait for what the client says, which has said nothing.
    fn leaves_nothing(&self, player: &Player) -> bool {
        let waits = match player.script.steps.get(player.step) {
            Some(Step::Echo(None) | Step::Expect(_)) | None => true,
            Some(_) => false,
        };
        let waits = waits || player.state != State::Playing;
        waits && self.nothing_for_server() && player.fails_now().is_none()
    }

    fn play_step(&mut self, player: &mut Player, now: Tick) -> Played {
        let script = player.script.clone();
        let Some(step) = script.steps.get(player.step) else {
            return match self.read(player) {
                Some(message) => {
                    self.discard(message);
                    Played::Again
                }
                None => Played::Wait,
            };
        };
        match step {
            Step::Abort => self.end_script(player, Ending::Aborted),
            Step::Close(frame) => self.close(player, frame.clone()),
            Step::Delay(_) => match player.due() {
                Some(due) if due <= now => {
                    player.clock = due;
                    Played::Done
                }
                _ => Played::Wait,
            },
            Step::Echo(Some(wanted)) if player.echoed >= *wanted => Played::Done,
            Step::Echo(_) if !self.client_has_room() => player.block(),
            Step::Echo(_) => match self.read(player) {
                Some(message) => {
                    player.echoed += 1;
                    self.send_data(player, message);
                    Played::Again
                }
                None => Played::Wait,
            },
            Step::Expect(pattern) => match self.read(player) {
                Some(message) if pattern.test(&message) => {
                    self.discard(message);
                    Played::Done
                }
                Some(message) => self.refuse(player, pattern, message),
                None => Played::Wait,
            },
            Step::Fault(fault) => self.end_script(player, Ending::Fault(*fault)),
            Step::Ping(payload) => {
                self.say(Side::Server, player.clock, Message::Ping(payload.clone()));
                Played::Done
            }
            Step::Send(_) if !self.client_has_room() => player.block(),
            Step::Send(message) => {
                self.send_data(player, message.clone());
                Played::Done
            }
        }
    }

    fn send_data(&mut self, player: &mut Player, message: Message) {
        player.sent += u64::from(message.is_data());
        self.say(Side::Server, player.clock, message);
    }

    fn close(&mut self, player: &mut Player, frame: Option<CloseFrame>) -> Played {
        self.say(Side::Server, player.clock, Message::Close(frame));
        player.stop();
        Played::Wait
    }

    fn end_script(&mut self, player: &mut Player, ending: Ending) -> Played {
        player.stop();
        self.finish(ending);
        Played::Wait
    }

    /// Closes a connection whose client has sent something else than was expected.
    fn refuse(
        &mut self,
        player: &mut Player,
        pattern: &MessagePattern,
        message: Message,
    ) -> Played {
        let (expected, actual) = (pattern.to_string(), message.to_string());
        let reason = format!("expected {expected}, got {actual}");
        self.discard(message);
        self.note_unmet(Unmet { expected, actual });
        self.close(player, Some(CloseFrame::fitting(POLICY, reason)))
    }

    /// The client's next text or binary message.
    fn read(&mut self, player: &mut Player) -> Option<Message> {
        let is_data = self.server_inbox().first().is_some_and(Message::is_data);
        let (at, message) = is_data.then(|| self.server_inbox().pop()).flatten()?;
        player.clock = player.clock.max(at);
        self.server_makes_room();
        Some(message)
    }

    /// Takes what comes before the next message. Answers the client's close frame, which is the
    /// end of the script.
    fn read_control(&mut self, player: &mut Player) -> bool {
        while self.server_inbox().first().is_some_and(|it| !it.is_data()) {
            let Some((at, message)) = self.server_inbox().pop() else {
                break;
            };
            self.server_makes_room();
            match message {
                close @ Message::Close(_) => {
                    player.clock = player.clock.max(at);
                    let expected = player.expected().map(ToString::to_string);
                    if let Some(expected) = expected {
                        let actual = close.to_string();
                        self.note_unmet(Unmet { expected, actual });
                    }
                    self.server_gets_close();
                    self.say(Side::Server, player.clock, close);
                    player.stop();
                    return true;
                }
                message => self.discard(message),
            }
        }
        false
    }

    /// The script is over: what the client still sends is taken and left at that.
    fn drain(&mut self) {
        while let Some((at, message)) = self.server_inbox().pop() {
            self.server_makes_room();
            if let Message::Close(frame) = &message {
                self.server_gets_close();
                if !self.server_has_sent_close() && !self.has_ended() {
                    self.say(Side::Server, at, Message::Close(frame.clone()));
                }
            }
            self.discard(message);
        }
    }
}

impl Player {
    fn block(&mut self) -> Played {
        self.state = State::Blocked;
        Played::Wait
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::socket::{Event, Next};
    use super::super::transcript::Limits;
    use super::*;
    use crate::model::socket_script::SocketScript;

    const MS: Duration = Duration::from_millis(1);

    fn machine(script: SocketScript) -> Machine {
        let limits = Limits {
            messages: 100,
            bytes: 100,
        };
        Machine::new(Duration::ZERO, Some(script.into()), limits)
    }

    fn taken(machine: &mut Machine, now: Tick) -> Message {
        match machine.next(Side::Client, now) {
            Next::Ready(Event::Message(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    /// As an edge drives it that has no futures.
    #[test]
    fn a_connection_without_futures() {
        let script = SocketScript::new()
            .open_after(5 * MS)
            .expect("hi")
            .delay(10 * MS)
            .send("hello")
            .close(1000, "bye");
        let mut machine = machine(script);
        assert!(matches!(machine.open(Duration::ZERO), Next::At(due) if due == 5 * MS));
        assert!(matches!(machine.open(5 * MS), Next::Ready(())));
        assert!(matches!(machine.next(Side::Client, 6 * MS), Next::Idle));
        machine.send(Side::Client, "hi".into(), 7 * MS).unwrap();
        assert!(matches!(machine.next(Side::Client, 8 * MS), Next::At(due) if due == 17 * MS));
        assert_eq!(taken(&mut machine, 40 * MS), Message::text("hello"));
        assert_eq!(taken(&mut machine, 40 * MS), Message::close(1000, "bye"));
        let over = machine.next(Side::Client, 40 * MS);
        assert!(matches!(over, Next::Ready(Event::Over(None))));
        let mut last = 0;
        assert!(machine.transcript.number(&mut last));
        let said: Vec<_> = machine.transcript.since(0, 1).collect();
        let times: Vec<_> = said.iter().map(|message| message.at).collect();
        assert_eq!(times, [7 * MS, 17 * MS, 17 * MS, 40 * MS]);
        let answer = machine.transcript.since(3, 1).next().unwrap();
        assert_eq!((answer.number, answer.from), (4, Side::Client));
        machine.leave(Side::Client, 41 * MS);
        assert!(machine.is_left() && machine.take_unmet().is_none());
    }

    #[test]
    fn a_script_never_waits_for_its_own_time_twice() {
        let mut machine = machine(
            SocketScript::new()
                .delay(MS)
                .echo_times(1)
                .delay(MS)
                .send("b"),
        );
        assert!(matches!(machine.open(Duration::ZERO), Next::Ready(())));
        machine
            .send(Side::Client, "a".into(), Duration::ZERO)
            .unwrap();
        assert_eq!(taken(&mut machine, 9 * MS), Message::text("a"));
        assert_eq!(taken(&mut machine, 9 * MS), Message::text("b"));
        let mut last = 0;
        machine.transcript.number(&mut last);
        let times: Vec<_> = machine.transcript.since(0, 1).map(|it| it.at).collect();
        assert_eq!(times, [Duration::ZERO, MS, 2 * MS]);
    }
}

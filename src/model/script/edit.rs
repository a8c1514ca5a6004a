//! Changes to the frames of a script, for those who damage replies.

use super::Script;
use super::step::Step;

impl Script {
    /// How many bytes the steps give, played once.
    pub(crate) fn len(&self) -> u64 {
        let frames = self
            .steps
            .iter()
            .filter_map(|step| step.bytes(self.line_ending));
        frames.map(|bytes| bytes.len() as u64).sum()
    }

    /// The frame with this number, from 0, comes twice.
    pub(crate) fn duplicated(mut self, number: usize) -> Self {
        if let Some(at) = self.frame_at(number) {
            let frame = self.steps[at].clone();
            self.steps.insert(at, frame);
        }
        self
    }

    /// A byte in the middle is one that UTF-8 does not have.
    pub(crate) fn malformed(mut self) -> Self {
        let frames = self.steps.iter().filter(|step| step.is_frame()).count();
        if let Some(at) = self.frame_at(frames / 2) {
            let bytes = self.steps[at].bytes(self.line_ending).unwrap_or_default();
            let mut bytes = Vec::from(bytes);
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte = 0xFF;
            }
            self.steps[at] = Step::frame(bytes);
        }
        self
    }

    /// The place of the frame with this number among the steps.
    fn frame_at(&self, number: usize) -> Option<usize> {
        let places = self.steps.iter().enumerate();
        let mut frames = places.filter(|(_, step)| step.is_frame());
        frames.nth(number).map(|(at, _)| at)
    }
}

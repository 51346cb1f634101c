//! The application behind the callback URLs: answers well, badly, late, or not at all.

use super::{View, Wish};
use base::{Millis, Timestamp};
use routing::{
    ActivitySid, CallbackStage, Command, ReservationSid, WorkspaceSid,
    command::CallbackAnswer,
    instruction::{CallInstruction, Instruction},
};
use std::collections::BTreeMap;
use testkit::Random;

/// The application of one workspace.
pub(crate) struct Application {
    workspace: WorkspaceSid,
    random: Random,
    /// When each question is answered; `None` for never.
    plans: BTreeMap<(ReservationSid, CallbackStage, Timestamp), Option<Timestamp>>,
}

impl Application {
    /// Everything it does follows from `random`.
    pub(crate) fn new(workspace: WorkspaceSid, random: Random) -> Self {
        Self { workspace, random, plans: BTreeMap::new() }
    }

    pub(super) fn look(&mut self, view: &View<'_>) -> Wish {
        self.hear(view);
        let due = self.plans.iter().filter(|(_, at)| at.is_some_and(|at| at <= view.now));
        let due: Vec<_> = due.map(|(asked, _)| *asked).collect();
        let mut wish = Wish::default();
        for asked in due {
            self.plans.insert(asked, None);
            let (reservation, stage, _) = asked;
            let answer = self.answer(view);
            let command = Command::AnswerCallback { reservation, stage, answer };
            wish.commands.push((self.workspace, command));
        }
        wish.again_ms = Some(self.random.within(50, 600));
        wish
    }

    /// Takes note of what it is asked, and when it will answer.
    fn hear(&mut self, view: &View<'_>) {
        let Some(place) = view.checks.place(self.workspace) else { return };
        for reservation in place.open() {
            let Some(callback) = reservation.callback else { continue };
            let asked = (reservation.sid, callback.stage, callback.until);
            if self.plans.contains_key(&asked) {
                continue;
            }
            let delay_ms = match self.random.below(20) {
                _ if view.is_calm => Some(self.random.below(500)),
                0..=12 => Some(self.random.below(2_500)),
                13..=15 => Some(self.random.within(4_500, 11_000)),
                _ => None,
            };
            self.plans.insert(asked, delay_ms.map(|ms| view.now + Millis(ms as i64)));
        }
    }

    fn answer(&mut self, view: &View<'_>) -> CallbackAnswer {
        let random = &mut self.random;
        let call = CallInstruction::Redirect { call_sid: None, url: None };
        match random.below(20) {
            _ if view.is_calm => CallbackAnswer::Nothing,
            0..=6 => CallbackAnswer::Do(Instruction::Accept),
            7..=10 => {
                let place = view.checks.place(self.workspace);
                let activities = place.iter().flat_map(|place| place.activities.keys().copied());
                let mut activities: Vec<_> = activities.collect();
                activities.push(ActivitySid::new(1));
                let activity = random.one_of(&activities).copied();
                let activity = activity.filter(|_| random.percent(60));
                CallbackAnswer::Do(Instruction::Reject { activity })
            }
            11..=14 => CallbackAnswer::Nothing,
            15 | 16 => CallbackAnswer::Do(Instruction::Call(call)),
            _ => CallbackAnswer::Failed,
        }
    }
}

//! Which kinds of data an expression reads.

use crate::{
    WorkerField,
    tree::{Branch, Comparison, Operand},
};

/// Which kinds of data an expression reads: what has to change for its answer to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Attributes of the task.
    pub task: bool,
    /// Attributes of the worker.
    pub worker: bool,
    /// The worker's `sid` or `friendly_name`.
    pub worker_identity: bool,
    /// The worker's `activity_sid` or `activity_name`.
    pub worker_activity: bool,
    /// The worker's channels or its `assigned_tasks`.
    pub worker_channels: bool,
    /// The time of day or the day of the week.
    pub time: bool,
    /// Opening hours.
    pub schedules: bool,
    /// The counts of `skip_if`.
    pub worker_counts: bool,
}

/// What the expression reads.
pub(crate) fn uses(branch: &Branch) -> Uses {
    let mut uses = Uses::default();
    branch.each_comparison(&mut |comparison| uses.add_comparison(comparison));
    uses
}

impl Uses {
    pub(crate) fn add_comparison(&mut self, comparison: &Comparison) {
        self.add(&comparison.left);
        self.add(&comparison.right);
    }

    fn add(&mut self, operand: &Operand) {
        match operand {
            Operand::Constant(_) | Operand::Nothing { .. } => {}
            Operand::Task(_) => self.task = true,
            Operand::Worker(_) => self.worker = true,
            Operand::Field(WorkerField::Sid | WorkerField::FriendlyName) => {
                self.worker_identity = true;
            }
            Operand::Field(WorkerField::ActivitySid | WorkerField::ActivityName) => {
                self.worker_activity = true;
            }
            Operand::Field(WorkerField::AssignedTasks | WorkerField::Channel { .. }) => {
                self.worker_channels = true;
            }
            Operand::Count(_) => self.worker_counts = true,
            Operand::Time(_) => self.time = true,
            Operand::Schedule { otherwise, .. } => {
                self.schedules = true;
                self.add(otherwise);
            }
        }
    }
}

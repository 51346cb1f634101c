//! Those who follow objects of sync: client libraries on lines that break, some of them slow.
//!
//! * [`switchboard`] is the server's side: the real conversation of a connection, the real hub and
//!   the real catching up; [`device`] is a client, by the public description alone ([`packet`]).
//! * Every one of them must know in the end what the journal says ([`course`]), and have been told
//!   it in order, each event once.

mod course;
mod device;
mod packet;
mod switchboard;

pub(crate) use course::Course;
pub use device::Tally;
pub(crate) use switchboard::Switchboard;

use crate::Broken;
use base::Timestamp;
use device::Device;
use sync::{ObjectSid, ServiceSid};
use testkit::Random;

/// Everything is in this one.
pub(crate) const SERVICE: ServiceSid = ServiceSid::new(1);
/// Client libraries.
const DEVICES: u64 = 6;

/// All of them.
pub(crate) struct Crowd {
    devices: Vec<Device>,
    random: Random,
    /// Connections so far.
    lines: u64,
}

impl Crowd {
    /// Nobody is connected yet.
    pub(crate) fn new(mut random: Random) -> Self {
        let devices = (0..DEVICES).map(|number| Device::new(number, random.branch("device")));
        Self { devices: devices.collect(), random, lines: 0 }
    }

    /// Everybody does something, if something comes to mind.
    pub(crate) fn step(
        &mut self,
        now: Timestamp,
        known: &[ObjectSid],
        board: &mut Switchboard,
    ) -> Result<(), Broken> {
        board.catch_up(&mut self.random, 30);
        for device in &mut self.devices {
            if self.random.percent(15) {
                device.look_around(known, board);
            }
            if self.random.below(1_000) < 15 {
                device.lose_the_line(now, board);
            }
            device.act((now, &mut self.lines), board)?;
        }
        for number in board.links.keys().copied().collect::<Vec<_>>() {
            // Packets may be late.
            if !self.random.percent(20) {
                board.serve(number, now)?;
            }
        }
        Ok(())
    }

    /// Everybody comes back and looks; whether all know what they want to.
    pub(crate) fn settle(
        &mut self,
        now: Timestamp,
        board: &mut Switchboard,
    ) -> Result<bool, Broken> {
        board.wake(now);
        board.catch_up(&mut self.random, 0);
        for device in &mut self.devices {
            device.calm_down(now);
            device.act((now, &mut self.lines), board)?;
        }
        for number in board.links.keys().copied().collect::<Vec<_>>() {
            board.serve(number, now)?;
        }
        // Lines that broke unnoticed may still be there.
        board.links.retain(|_, link| !link.is_cut);
        Ok(board.is_quiet() && self.devices.iter().all(Device::is_settled))
    }

    /// Those who do not know everything they want to.
    pub(crate) fn unsettled(&self) -> Vec<String> {
        let unsettled = self.devices.iter().filter(|device| !device.is_settled());
        unsettled.map(Device::status).collect()
    }

    /// Compares what everybody knows with what happened.
    pub(crate) fn compare(&self, course: &Course) -> Result<(), Broken> {
        self.devices.iter().try_for_each(|device| device.compare(course))
    }

    /// What happened, in numbers.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.devices.iter().for_each(|device| tally.add(device.tally));
        tally
    }
}

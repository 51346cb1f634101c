//! The incumbent's documented rates, where the operator asked for them.
//!
//! * Each object has buckets of its own: they fill at the sustained rate and hold ten seconds of
//!   it.
//! * Any write of an item counts for its list or map. A value above 1 KiB counts as several writes:
//!   ten for 10 KiB and more.
//! * What is refused is refused before anything is done, so it leaves no trace.

use crate::{Cx, Limits, Problem};
use ::sync::{Action, ObjectKind, ObjectSid, Payload, Rejection, ServiceSid};
use base::Sid;
use insights::Index;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What a bucket holds.
const BURST: Duration = Duration::from_secs(10);
/// Buckets remembered before full ones are forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// Bytes of a value that count as one write.
const BYTES_OF_A_WRITE: usize = 1 << 10;
/// As many writes as a value counts at most.
const WRITES_MAX: u32 = 10;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// Reads of an object; a page of items is one.
    Read,
    /// Writes of an object and its items.
    Write,
    /// Messages of a stream.
    Publish,
    /// Reads and writes of an object's permissions.
    Permission,
    /// Objects made in a service.
    Create(ObjectKind),
    /// Live queries on an index in a service.
    Query(Index),
    /// Live queries of an identity.
    QueryBy,
}

impl Counted {
    const fn per_s(self) -> u32 {
        match self {
            Self::Read | Self::Write | Self::Create(_) | Self::QueryBy => 20,
            Self::Query(_) => 200,
            Self::Publish => 30,
            Self::Permission => 80,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Publish => "publish",
            Self::Permission => "permission",
            Self::Create(_) => "create",
            Self::Query(_) | Self::QueryBy => "query",
        }
    }
}

impl Cx {
    /// 429/54009 when an object or service was asked too often; `bytes` are those of a value.
    pub(crate) fn sync_rate(
        &self,
        counted: Counted,
        sid: Sid,
        bytes: usize,
    ) -> Result<(), Problem> {
        match self.options().limits {
            Limits::None => Ok(()),
            Limits::Compat => {
                let now = Instant::now();
                Ok(self.shared.sync_rates.take((sid, counted), weight(bytes), now)?)
            }
        }
    }

    /// A read of an object or of something in it: counted, and refused when there are too many.
    pub(crate) fn sync_read(&self, service: ServiceSid, object: ObjectSid) -> Result<(), Problem> {
        self.sync_rate(Counted::Read, object.sid(), 0)?;
        self.host.sync_was_read(service, object);
        Ok(())
    }

    /// The same of what an action asks for. Of an object that is not there nothing is counted.
    pub(crate) fn sync_rate_of(&self, service: ServiceSid, action: &Action) -> Result<(), Problem> {
        if self.options().limits == Limits::None {
            return Ok(());
        }
        let (counted, bytes) = match action {
            Action::CreateObject { kind, .. } => {
                return self.sync_rate(Counted::Create(*kind), service.sid(), 0);
            }
            Action::UpdateObject { data, .. } | Action::UpdateItem { data, .. } => {
                (Counted::Write, data.as_ref().map_or(0, Payload::size))
            }
            Action::AddItem { item, .. } | Action::PutItem { item, .. } => {
                (Counted::Write, item.data.size())
            }
            Action::DeleteObject { .. } | Action::DeleteItem { .. } => (Counted::Write, 0),
            Action::Publish { .. } => (Counted::Publish, 0),
            Action::SetPermission { .. } | Action::DeletePermission { .. } => {
                (Counted::Permission, 0)
            }
            Action::Purge => return Ok(()),
        };
        let Some(target) = action.target() else { return Ok(()) };
        match self.host.sync_object(service, target)? {
            Some(object) => self.sync_rate(counted, object.sid.sid(), bytes),
            None => Ok(()),
        }
    }
}

fn weight(bytes: usize) -> u32 {
    let writes = bytes.div_ceil(BYTES_OF_A_WRITE);
    u32::try_from(writes).unwrap_or(WRITES_MAX).clamp(1, WRITES_MAX)
}

/// One bucket for each object and what is counted of it: when it will be full again.
#[derive(Debug, Default)]
pub(crate) struct Buckets(Mutex<BTreeMap<(Sid, Counted), Instant>>);

impl Buckets {
    fn take(&self, key: (Sid, Counted), weight: u32, now: Instant) -> Result<(), Rejection> {
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= REMEMBERED_MAX {
            full_at.retain(|_, at| *at > now);
        }
        let cost = Duration::from_secs(1) * weight / key.1.per_s();
        let from = full_at.get(&key).copied().unwrap_or(now).max(now);
        let wanted = from + cost;
        let missing = (wanted - now).saturating_sub(BURST);
        if missing > Duration::ZERO {
            let retry_after_s = u32::try_from(missing.as_secs()).unwrap_or(u32::MAX);
            let what = what(key);
            return Err(Rejection::Limited {
                what,
                retry_after_s: retry_after_s.saturating_add(1),
            });
        }
        full_at.insert(key, wanted);
        Ok(())
    }
}

/// `write-map-MP…`
fn what((sid, counted): (Sid, Counted)) -> String {
    let kind = match counted {
        Counted::Create(kind) => kind.word(),
        Counted::Query(index) => index.name(),
        // Who that is stays out of it.
        Counted::QueryBy => return format!("{}-identity", counted.word()),
        Counted::Read | Counted::Write | Counted::Publish | Counted::Permission => {
            let is = |kind: &ObjectKind| sid.kind() == kind.letters();
            ObjectKind::ALL.into_iter().find(is).map_or("object", ObjectKind::word)
        }
    };
    format!("{}-{kind}-{sid}", counted.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: Sid = Sid::new(*b"MP", 7);

    fn taken(buckets: &Buckets, counted: Counted, weight: u32, now: Instant) -> usize {
        (0..1_000).take_while(|_| buckets.take((MAP, counted), weight, now).is_ok()).count()
    }

    #[test]
    fn ten_seconds_may_be_used_at_once_and_then_as_many_as_come_in() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        assert_eq!(taken(&buckets, Counted::Write, 1, start), 200);
        assert_eq!(taken(&buckets, Counted::Write, 1, start), 0);
        assert_eq!(taken(&buckets, Counted::Write, 1, start + Duration::from_secs(1)), 20);
        assert_eq!(taken(&buckets, Counted::Write, 1, start + Duration::from_secs(60)), 200);
        assert_eq!(taken(&buckets, Counted::Read, 1, start), 200, "reads are counted apart");
        assert_eq!(taken(&buckets, Counted::Publish, 1, start), 300);
        assert_eq!(taken(&buckets, Counted::Permission, 1, start), 800);
    }

    #[test]
    fn what_is_refused_takes_nothing_and_says_what_and_when() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        taken(&buckets, Counted::Write, 1, start);
        let refused = buckets.take((MAP, Counted::Write), 1, start).expect_err("it is empty");
        assert_eq!(refused.code(), 54009);
        assert_eq!(refused.to_string(), format!("Rate limit exceeded for write-map-{MAP}"));
        assert!(matches!(refused, Rejection::Limited { retry_after_s: 1, .. }));
        let made = Counted::Create(ObjectKind::List);
        let service = Sid::new(*b"IS", 1);
        assert_eq!(what((service, made)), format!("create-list-{service}"));
    }

    #[test]
    fn a_large_value_counts_as_several() {
        let weights = [0, 1, 1_024, 1_025, 10_240, 16_384, 1 << 20].map(weight);
        assert_eq!(weights, [1, 1, 1, 2, 10, 10, 10]);
        let (buckets, start) = (Buckets::default(), Instant::now());
        assert_eq!(taken(&buckets, Counted::Write, 10, start), 20);
        assert_eq!(taken(&buckets, Counted::Write, 10, start + Duration::from_secs(1)), 2);
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        for n in 0..2 * REMEMBERED_MAX {
            let now = start + Duration::from_millis(10) * u32::try_from(n).unwrap();
            buckets.take((Sid::new(*b"MP", n as u128), Counted::Write), 1, now).unwrap();
        }
        assert!(buckets.0.lock().unwrap().len() <= REMEMBERED_MAX);
    }
}

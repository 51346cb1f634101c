//! What became of every object, event by event, as the journal says.

use std::collections::BTreeMap;
use sync::{Change, EventId, ItemKey, ObjectSid};

/// Items by place, or a document's value under no place at all; values as JSON.
pub(crate) type Entries = BTreeMap<String, String>;

/// What one event does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// This is there now.
    Put(String, String),
    /// This is not there any more.
    Removed(String),
    /// The object is gone.
    Ended,
}

impl Effect {
    /// Does it.
    pub(super) fn apply(&self, entries: &mut Entries) {
        match self {
            Self::Put(place, data) => _ = entries.insert(place.clone(), data.clone()),
            Self::Removed(place) => _ = entries.remove(place),
            Self::Ended => entries.clear(),
        }
    }
}

/// Of all objects.
#[derive(Debug, Default)]
pub(crate) struct Course {
    objects: BTreeMap<ObjectSid, Life>,
}

#[derive(Debug, Default)]
struct Life {
    first: Entries,
    events: BTreeMap<EventId, Effect>,
}

impl Course {
    /// Takes a change in, in order.
    pub(crate) fn note(&mut self, change: &Change) {
        let place = |key: &ItemKey| match key {
            ItemKey::Index(index) => index.to_string(),
            ItemKey::Key(key) => key.to_string(),
        };
        let effect = match change {
            Change::ObjectCreated { object, data } => {
                let life = self.objects.entry(object.sid).or_default();
                let data = data.as_ref().map(|data| (String::new(), data.text().to_owned()));
                return life.first.extend(data);
            }
            Change::DocumentUpdated { data, .. } => {
                Effect::Put(String::new(), data.text().to_owned())
            }
            Change::ItemAdded(write) | Change::ItemUpdated(write) => {
                Effect::Put(place(&write.key), write.data.text().to_owned())
            }
            Change::ItemRemoved { key, .. } => Effect::Removed(place(key)),
            Change::ObjectRemoved { .. } => Effect::Ended,
            Change::ObjectExpirySet { .. }
            | Change::ItemExpirySet { .. }
            | Change::PermissionSet(_)
            | Change::PermissionRemoved { .. }
            | Change::PurgeBegan { .. }
            | Change::PurgeEnded { .. } => return,
        };
        let (object, event) = change.logged().expect("what has an effect has a number");
        self.objects.entry(object).or_default().events.insert(event, effect);
    }

    /// What an event does.
    pub(super) fn effect(&self, object: ObjectSid, event: EventId) -> Option<&Effect> {
        self.objects.get(&object)?.events.get(&event)
    }

    /// What is there in the end, behind which event; `None` once the object is gone.
    pub(super) fn end(&self, object: ObjectSid) -> Option<(EventId, Entries)> {
        let life = self.objects.get(&object)?;
        let mut entries = life.first.clone();
        life.events.values().for_each(|effect| effect.apply(&mut entries));
        let (last, effect) = life.events.last_key_value().unzip();
        (effect != Some(&Effect::Ended)).then_some((last.copied().unwrap_or(0), entries))
    }
}

//! What is asked of a bucket: random commands about objects that are known, and new ones.

use super::{World, partition};
use crate::followers::SERVICE;
use std::sync::Arc;
use sync::{
    Action, Caller, Command, IfMatch, ItemKey, NewItem, ObjectKind, ObjectSid, Payload, Target, Ttl,
};

impl World {
    /// Something to do in a bucket.
    pub(super) fn command(&mut self, bucket: &str) -> Command {
        let own: Vec<ObjectSid> =
            self.known.iter().copied().filter(|sid| partition(*sid) == bucket).collect();
        // Some objects are hot.
        let object = match self.random.percent(50) {
            true => own.first().copied(),
            false => self.random.one_of(&own).copied(),
        };
        let action = match object {
            Some(sid) if !self.random.percent(6) => self.action(sid),
            _ => {
                let kind = ObjectKind::ALL[self.random.below(3) as usize];
                Action::CreateObject { kind, unique_name: None, data: None, ttl: self.life() }
            }
        };
        Command { service: SERVICE, caller: Caller::System, action }
    }

    fn action(&mut self, sid: ObjectSid) -> Action {
        let (object, data) = (Target::of(sid), self.data());
        let if_match = self.random.percent(25).then(|| {
            let newest = self.revisions.len().saturating_sub(8);
            IfMatch::Revision(*self.random.one_of(&self.revisions[newest..]).expect("there is one"))
        });
        let item = NewItem { data: data.clone(), ttl: self.ttl(), collection_ttl: None };
        let key: Arc<str> = ["a", "b", "c", "d"][self.random.below(4) as usize].into();
        match (sid.kind(), self.random.below(50)) {
            (_, 0) => Action::DeleteObject { object, if_match },
            (ObjectKind::Document | ObjectKind::Stream, _) => {
                Action::UpdateObject { object, data: Some(data), ttl: self.life(), if_match }
            }
            (ObjectKind::List, 1..35) => Action::AddItem { object, key: None, item },
            (ObjectKind::Map, 1..35) => Action::PutItem { object, key, item, if_match },
            (ObjectKind::List, _) => {
                let key = ItemKey::Index(self.random.below(30));
                Action::DeleteItem { object, key, if_match }
            }
            (ObjectKind::Map, _) => Action::DeleteItem { object, key: ItemKey::Key(key), if_match },
        }
    }

    fn data(&mut self) -> Payload {
        let text = format!("{{\"n\":{}}}", self.random.below(1_000));
        Payload::parse(text).expect("an object")
    }

    /// How long an object lives: most for ever.
    fn life(&mut self) -> Option<Ttl> {
        let seconds = self.random.within(1, 300) as i64;
        self.random.percent(4).then(|| Ttl::new("Ttl", seconds).expect("in bounds"))
    }

    fn ttl(&mut self) -> Option<Ttl> {
        let seconds = self.random.within(1, 8) as i64;
        self.random.percent(30).then(|| Ttl::new("Ttl", seconds).expect("in bounds"))
    }
}

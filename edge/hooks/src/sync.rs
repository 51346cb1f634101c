//! Webhooks of state synchronisation: what happened to objects, and who came and went.
//!
//! * Each is told once, right after it became durable; what is answered does not matter, and what a
//!   crash or a slow receiver costs is not told again. Who must not miss one reads the object:
//!   numbers of events leave no gap, so a missing one shows.
//! * A service has a bound on what is under way and on what waits; one more is left out and
//!   counted. A slow receiver delays nobody else.
//! * Whom a service tells, and what, is looked up when it happens.

use crate::{
    client::{Client, Post, Wanted},
    metrics::{Ended, Metrics},
    sign,
};
use host::{
    Host, News,
    reach::{self, Reached},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use sync::{Event, SYSTEM, ServiceSid, What, service::Service};
use tokio::{
    sync::{Semaphore, mpsc::Receiver},
    time::Instant,
};
use wire::sync_event::{self, Reachability};

/// Events that may wait to be looked at.
pub(crate) const WAITING_MAX: usize = 10_000;
/// Webhooks of one service under way at most.
const UNDER_WAY_MAX: usize = 8;
/// Webhooks of one service under way or waiting at most.
const ADMITTED_MAX: usize = UNDER_WAY_MAX + 1_000;
/// How long one may take.
const LIMIT: Duration = Duration::from_secs(15);
/// Under which name they are counted.
const KIND: &str = "sync";

type Parameters = Vec<(&'static str, String)>;

/// Tells what happens. Clones are the same.
#[derive(Clone)]
pub(crate) struct Herald {
    host: Host,
    client: Client,
    metrics: Arc<Metrics>,
    rooms: Arc<Mutex<BTreeMap<ServiceSid, Room>>>,
}

/// How much of a service is under way and waits.
#[derive(Clone)]
struct Room {
    all: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Room {
    fn new() -> Self {
        let (all, turns) = (Semaphore::new(ADMITTED_MAX), Semaphore::new(UNDER_WAY_MAX));
        Self { all: Arc::new(all), turns: Arc::new(turns) }
    }
}

impl Herald {
    pub(crate) fn new(host: Host, client: Client, metrics: Arc<Metrics>) -> Self {
        Self { host, client, metrics, rooms: Arc::default() }
    }

    /// Tells everything that comes, as long as the host runs.
    pub(crate) async fn run(
        self,
        mut changed: Receiver<Arc<News>>,
        mut reached: Receiver<Reached>,
    ) {
        loop {
            tokio::select! {
                Some(news) = changed.recv() => self.hear(&news.event),
                Some(one) = reached.recv() => self.reached(&one),
                else => return,
            }
        }
    }

    fn hear(&self, event: &Event) {
        let services = self.host.sync_services();
        let Some(service) = services.stored(event.service) else { return };
        if !is_told(service, event) {
            return;
        }
        if let Some(parameters) = sync_event::parameters(event, service.account) {
            self.tell(service, parameters, key(event));
        }
    }

    /// Tells that a device of somebody came or went, where the service wants that.
    fn reached(&self, one: &Reached) {
        let services = self.host.sync_services();
        let service = services.stored(one.service);
        let Some(service) = service.filter(|service| service.reachability_webhooks_enabled) else {
            return;
        };
        let what = match one.what {
            reach::Reachability::Connected => Reachability::Connected,
            reach::Reachability::Disconnected => Reachability::Disconnected,
        };
        let place = (service.account, service.sid);
        let parameters = sync_event::reachability(what, place, (&one.identity, &one.endpoint));
        self.tell(service, parameters, format!("{}/{}/{what:?}", one.endpoint, one.at.0));
    }

    fn tell(&self, service: &Service, parameters: Parameters, key: String) {
        let Some(url) = service.webhook_url.clone() else { return };
        let directory = self.host.directory();
        let Some(account) = directory.account(service.account) else { return };
        let auth_token = account.auth_token.reveal().to_owned();
        let room = self.room(service.sid);
        let Ok(place) = room.all.try_acquire_owned() else {
            self.metrics.count(KIND, Ended::Dropped, Duration::ZERO);
            return;
        };
        let herald = self.clone();
        tokio::spawn(async move {
            // The semaphore is never closed.
            let Ok(_turn) = room.turns.acquire_owned().await else { return };
            herald.post(&url, &auth_token, parameters, key).await;
            drop(place);
        });
    }

    fn room(&self, service: ServiceSid) -> Room {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is idle needs none: there are as many as services that tell something now.
        rooms.retain(|sid, room| *sid == service || room.all.available_permits() < ADMITTED_MAX);
        rooms.entry(service).or_insert_with(Room::new).clone()
    }

    async fn post(&self, url: &str, auth_token: &str, parameters: Parameters, key: String) {
        let began = Instant::now();
        let owned = parameters.into_iter().map(|(name, value)| (name.to_owned(), value));
        let parameters: Vec<(String, String)> = owned.collect();
        let signature = sign::signature(auth_token, url, &parameters);
        let form =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
        let post = Post { url, form, signature, key };
        let answer = tokio::time::timeout(LIMIT, self.client.post(post, Wanted::Status)).await;
        let is_heard = matches!(&answer, Ok(Ok(answer)) if (200..300).contains(&answer.status));
        let ended = if is_heard { Ended::Delivered } else { Ended::Failed };
        self.metrics.count(KIND, ended, began.elapsed());
        if let Ok(Err(trouble)) = answer {
            tracing::debug!(%trouble, "a webhook of sync was not delivered");
        }
    }
}

/// Whether a service wants to be told: always of what its clients do, of what the account itself
/// does, and of what expires, only where it says so.
fn is_told(service: &Service, event: &Event) -> bool {
    let is_client = event.endpoint.is_some() || *event.by != *SYSTEM;
    service.webhook_url.is_some() && (is_client || service.webhooks_from_rest_enabled)
}

/// The same whenever the same thing is told.
fn key(event: &Event) -> String {
    match &event.what {
        What::MessagePublished { message, .. } => message.to_string(),
        What::ObjectCreated { .. } => format!("{}/created", event.object),
        What::DocumentUpdated { .. }
        | What::ObjectRemoved { .. }
        | What::ItemAdded(_)
        | What::ItemUpdated(_)
        | What::ItemRemoved { .. }
        | What::PermissionChanged { .. } => format!("{}/{}", event.object, event.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Sid, Timestamp};
    use sync::{ObjectKind, ObjectSid, Removal};

    fn event(by: &str, endpoint: Option<&str>) -> Event {
        Event {
            object: ObjectSid::new(ObjectKind::Map, 7),
            service: ServiceSid::new(1),
            unique_name: None,
            id: 3,
            at: Timestamp(0),
            by: by.into(),
            endpoint: endpoint.map(Into::into),
            what: What::ObjectRemoved { because: Removal::Deleted },
        }
    }

    #[test]
    fn what_the_account_does_is_told_only_where_that_is_wanted() {
        let mut service = Service::new(ServiceSid::new(1), Sid::new(*b"AC", 1), Timestamp(0));
        let (client, account) = (event("ann", Some("tab")), event(SYSTEM, None));
        assert!(!is_told(&service, &client), "there is nobody to be told");
        service.webhook_url = Some("https://example.test/".into());
        assert!(is_told(&service, &client) && !is_told(&service, &account));
        assert!(is_told(&service, &event(SYSTEM, Some("tab"))), "a person may be called so");
        service.webhooks_from_rest_enabled = true;
        assert!(is_told(&service, &account));
    }

    #[test]
    fn the_same_thing_has_the_same_key() {
        let one = event("ann", None);
        assert_eq!(key(&one), format!("{}/3", one.object));
    }
}

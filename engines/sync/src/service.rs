//! Services: settings, and spaces of names. There are few, so all of them are in memory.
//!
//! * Every account has a default service from its start: until something is set there, it is not
//!   stored, but derived from the account.
//! * A service that was deleted is gone at once; that its objects are still being removed is
//!   remembered until they are.

use crate::{model::ServiceSid, rejection::Rejection};
use base::{Sid, Timestamp, Turn};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name for programs.
    pub sid: ServiceSid,
    /// Whose it is.
    pub account: Sid,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<Arc<str>>,
    /// Who is told of what happens in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<Arc<str>>,
    /// Whether webhooks tell what the account itself does.
    #[serde(default)]
    pub webhooks_from_rest_enabled: bool,
    /// Whether webhooks tell who comes and goes.
    #[serde(default)]
    pub reachability_webhooks_enabled: bool,
    /// Whether permissions are enforced.
    #[serde(default)]
    pub acl_enabled: bool,
    /// Whether somebody who comes back within the window never went.
    #[serde(default)]
    pub reachability_debouncing_enabled: bool,
    /// Milliseconds.
    pub reachability_debouncing_window_ms: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

/// Milliseconds: at least, at most, and when nothing is said.
pub const DEBOUNCING_WINDOW_MS: (u32, u32, u32) = (1_000, 30_000, 5_000);

impl Service {
    /// With the settings every service begins with.
    pub const fn new(sid: ServiceSid, account: Sid, created_at: Timestamp) -> Self {
        Self {
            sid,
            account,
            friendly_name: None,
            webhook_url: None,
            webhooks_from_rest_enabled: false,
            reachability_webhooks_enabled: false,
            acl_enabled: false,
            reachability_debouncing_enabled: false,
            reachability_debouncing_window_ms: DEBOUNCING_WINDOW_MS.2,
            created_at,
            updated_at: created_at,
        }
    }

    /// Whether it is the one its account has from its start.
    pub fn is_default(&self) -> bool {
        self.sid == ServiceSid::default_of(self.account)
    }
}

/// What is said of a service; what is not said stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// See [`Service::friendly_name`].
    pub friendly_name: base::Patch<Arc<str>>,
    /// See [`Service::webhook_url`].
    pub webhook_url: base::Patch<Arc<str>>,
    /// See [`Service::webhooks_from_rest_enabled`].
    pub webhooks_from_rest_enabled: Option<bool>,
    /// See [`Service::reachability_webhooks_enabled`].
    pub reachability_webhooks_enabled: Option<bool>,
    /// See [`Service::acl_enabled`].
    pub acl_enabled: Option<bool>,
    /// See [`Service::reachability_debouncing_enabled`].
    pub reachability_debouncing_enabled: Option<bool>,
    /// See [`Service::reachability_debouncing_window_ms`].
    pub reachability_debouncing_window_ms: Option<i64>,
}

/// What can be asked for.
#[derive(Clone, Debug)]
pub enum ServiceCommand {
    /// Makes a service.
    Create {
        /// Whose.
        account: Sid,
        /// Its settings.
        settings: Settings,
    },
    /// Changes settings; those of an account's default service may be set before it was stored.
    Update {
        /// Whose.
        account: Sid,
        /// When the account was made.
        account_created_at: Timestamp,
        /// Which.
        service: ServiceSid,
        /// Its settings.
        settings: Settings,
    },
    /// Removes a service with everything in it.
    Delete {
        /// Whose.
        account: Sid,
        /// Which.
        service: ServiceSid,
    },
    /// Nothing of a deleted service is left. For the host only.
    Purged(ServiceSid),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceChange {
    /// A service is as it is here from now on.
    ServiceSet(Service),
    /// A service is gone; its objects are to be removed.
    ServiceDeleted {
        /// Which.
        service: ServiceSid,
    },
    /// They are.
    ServicePurged {
        /// Which.
        service: ServiceSid,
    },
}

impl ServiceChange {
    /// The variant's name as it is stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ServiceSet(_) => "service_set",
            Self::ServiceDeleted { .. } => "service_deleted",
            Self::ServicePurged { .. } => "service_purged",
        }
    }
}

/// What a command is answered: the service as it is, or as it was.
pub type ServiceReply = Option<Arc<Service>>;

/// A row a turn touched.
#[derive(Clone, Copy, Debug)]
pub enum ServiceRow<'a> {
    /// A service.
    Service(&'a Service),
    /// One that was deleted and is being cleaned up.
    Ending(ServiceSid),
    /// Neither, from now on.
    Gone(ServiceSid),
}

/// All services. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Services {
    services: BTreeMap<ServiceSid, Arc<Service>>,
    ending: BTreeSet<ServiceSid>,
    touched: BTreeSet<ServiceSid>,
}

impl Services {
    /// The services that rows describe.
    pub fn restore(
        services: impl IntoIterator<Item = Service>,
        ending: impl IntoIterator<Item = ServiceSid>,
    ) -> Self {
        let services = services.into_iter().map(|service| (service.sid, Arc::new(service)));
        let (services, ending) = (services.collect(), ending.into_iter().collect());
        Self { services, ending, touched: BTreeSet::new() }
    }

    /// A service of an account.
    pub fn get(
        &self,
        account: Sid,
        account_created_at: Timestamp,
        sid: ServiceSid,
    ) -> ServiceReply {
        match self.services.get(&sid) {
            Some(service) => Some(service.clone()).filter(|service| service.account == account),
            None if sid == ServiceSid::default_of(account) => {
                Some(Arc::new(Service::new(sid, account, account_created_at)))
            }
            None => None,
        }
    }

    /// Whether permissions are enforced in a service; not in one that was never stored.
    pub fn enforces(&self, sid: ServiceSid) -> bool {
        self.services.get(&sid).is_some_and(|service| service.acl_enabled)
    }

    /// A service that is stored.
    pub fn stored(&self, sid: ServiceSid) -> Option<&Arc<Service>> {
        self.services.get(&sid)
    }

    /// The services of an account, oldest first, its default one before all others.
    pub fn of(&self, account: Sid, account_created_at: Timestamp) -> Vec<Arc<Service>> {
        let default = ServiceSid::default_of(account);
        let first = self.get(account, account_created_at, default);
        let others = self.services.values().filter(|s| s.account == account && s.sid != default);
        first.into_iter().chain(others.cloned()).collect()
    }

    /// Those that were deleted and are still being cleaned up.
    pub const fn ending(&self) -> &BTreeSet<ServiceSid> {
        &self.ending
    }

    /// Carries out a command or refuses it.
    pub fn handle(
        &mut self,
        turn: &mut Turn<'_, ServiceChange, ()>,
        command: &ServiceCommand,
    ) -> Result<ServiceReply, Rejection> {
        match command {
            ServiceCommand::Create { account, settings } => {
                let sid = ServiceSid::new(turn.next_id());
                let service = settings.apply(Service::new(sid, *account, turn.now))?;
                Ok(self.set(turn, service))
            }
            ServiceCommand::Update { account, account_created_at, service, settings } => {
                let before = self.get(*account, *account_created_at, *service);
                let before = before.ok_or(Rejection::ServiceNotFound)?;
                let mut service = settings.apply(Service::clone(&before))?;
                service.updated_at = turn.now;
                Ok(self.set(turn, service))
            }
            ServiceCommand::Delete { account, service } => {
                if *service == ServiceSid::default_of(*account) {
                    return Err(Rejection::DefaultService);
                }
                let before = self.services.get(service).filter(|s| s.account == *account).cloned();
                let before = before.ok_or(Rejection::ServiceNotFound)?;
                self.record(turn, ServiceChange::ServiceDeleted { service: *service });
                Ok(Some(before))
            }
            ServiceCommand::Purged(service) => {
                if self.ending.contains(service) {
                    self.record(turn, ServiceChange::ServicePurged { service: *service });
                }
                Ok(None)
            }
        }
    }

    fn set(&mut self, turn: &mut Turn<'_, ServiceChange, ()>, service: Service) -> ServiceReply {
        let sid = service.sid;
        self.record(turn, ServiceChange::ServiceSet(service));
        self.services.get(&sid).cloned()
    }

    fn record(&mut self, turn: &mut Turn<'_, ServiceChange, ()>, change: ServiceChange) {
        self.apply(&change);
        turn.changes.push(change);
    }

    /// Change → state: total and deterministic.
    pub fn apply(&mut self, change: &ServiceChange) {
        let sid = match change {
            ServiceChange::ServiceSet(service) => {
                self.services.insert(service.sid, Arc::new(service.clone()));
                service.sid
            }
            ServiceChange::ServiceDeleted { service } => {
                self.services.remove(service);
                self.ending.insert(*service);
                *service
            }
            ServiceChange::ServicePurged { service } => {
                self.ending.remove(service);
                *service
            }
        };
        self.touched.insert(sid);
    }

    /// The rows touched since the last call, as they are now.
    pub fn rows(&mut self, mut f: impl FnMut(ServiceRow<'_>)) {
        for sid in std::mem::take(&mut self.touched) {
            f(match self.services.get(&sid) {
                Some(service) => ServiceRow::Service(service),
                None if self.ending.contains(&sid) => ServiceRow::Ending(sid),
                None => ServiceRow::Gone(sid),
            });
        }
    }

    /// Equal for equal states.
    pub fn digest(&self) -> String {
        let mut text = String::new();
        for service in self.services.values() {
            writeln!(text, "{service:?}").expect("a String takes any text");
        }
        writeln!(text, "{:?}", self.ending).expect("a String takes any text");
        text
    }
}

impl Settings {
    fn apply(&self, mut service: Service) -> Result<Service, Rejection> {
        let (least, most, _) = DEBOUNCING_WINDOW_MS;
        if let Some(window) = self.reachability_debouncing_window_ms {
            let window = u32::try_from(window).ok().filter(|ms| (least..=most).contains(ms));
            service.reachability_debouncing_window_ms =
                window.ok_or(Rejection::InvalidSetting {
                    parameter: "ReachabilityDebouncingWindow",
                    message: "it must be a whole number of milliseconds from 1000 to 30000",
                })?;
        }
        self.friendly_name.clone().apply(&mut service.friendly_name);
        self.webhook_url.clone().apply(&mut service.webhook_url);
        let flags = [
            (self.webhooks_from_rest_enabled, &mut service.webhooks_from_rest_enabled),
            (self.reachability_webhooks_enabled, &mut service.reachability_webhooks_enabled),
            (self.acl_enabled, &mut service.acl_enabled),
            (self.reachability_debouncing_enabled, &mut service.reachability_debouncing_enabled),
        ];
        for (said, flag) in flags {
            *flag = said.unwrap_or(*flag);
        }
        Ok(service)
    }
}

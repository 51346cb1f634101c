//! TaskRouter over HTTP: one file per resource, one line per route.
//!
//! Rules live in `routing`; these files only translate.

mod activities;
mod events;
pub(crate) mod filters;
pub(crate) mod read;
mod reservations;
mod statistics;
mod task_channels;
mod task_queues;
mod tasks;
mod worker_channels;
mod workers;
mod workflows;
mod workspaces;

use crate::Routes;

/// Every route of the product.
pub(crate) fn routes() -> Vec<Routes> {
    let mut routes = vec![
        workspaces::routes(),
        activities::routes(),
        events::routes(),
        task_channels::routes(),
        workers::routes(),
        worker_channels::routes(),
        task_queues::routes(),
        workflows::routes(),
        tasks::routes(),
        reservations::routes_of_tasks(),
        reservations::routes_of_workers(),
    ];
    routes.extend(statistics::routes());
    routes
}

#[cfg(test)]
mod tests;

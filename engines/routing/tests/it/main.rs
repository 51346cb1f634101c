//! The routing engine as its callers see it: commands in, changes and rows out.

mod callbacks;
mod capacity;
mod dice;
mod judged;
mod oracle;
mod ordering;
mod properties;
mod refusals;
mod rules;
mod scenarios;
mod schedules;
mod transfers;
mod warnings;
mod world;

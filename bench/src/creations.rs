//! Durable creations in a closed loop: each caller asks, waits for its 2xx, and asks again.
//!
//! * The tasks fit no worker, so nothing but the creation is measured.

use std::rc::Rc;
use std::time::Instant;

use serde_json::{Value, json};

use crate::Options;
use crate::connection::form;
use crate::figures::{Samples, with_usage};
use crate::load::idle_task;
use crate::machine::Meter;
use crate::site::Site;

pub(crate) async fn run(options: &Options) -> Result<Value, String> {
    let (callers, limit) = (options.number("callers")?, options.seconds()?);
    let site = Rc::new(Site::make(10).await?);
    let meter = Meter::start().await;
    let started = Instant::now();
    let work = (0..callers).map(|caller| {
        let site = Rc::clone(&site);
        async move {
            let mut connection = site.account.connect().await?;
            let mut samples = Samples::default();
            let path = format!("{}/Tasks", site.path);
            while started.elapsed() < limit {
                let attributes = idle_task(caller * 100_000 + samples.len());
                let body = form(&[("WorkflowSid", &site.workflow), ("Attributes", &attributes)]);
                let before = Instant::now();
                connection.send(&path, &body).await?;
                samples.add(before.elapsed());
            }
            Ok::<_, String>(samples)
        }
    });
    let mut all = Samples::default();
    for samples in futures_util::future::try_join_all(work).await? {
        all.append(samples);
    }
    let rate = all.len() as f64 / started.elapsed().as_secs_f64();
    let (usage, created) = (meter.stop(), all.len());
    let mut figures = all.figures();
    figures["per_second"] = json!(rate);
    Ok(with_usage(figures, usage, created))
}

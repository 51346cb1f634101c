//! Tasks that live: created, offered on a WebSocket, accepted, completed.
//!
//! * Latency is an open loop at a fixed rate, from sending the request to the event's arrival, so
//!   it holds the durable creation, the matching, the durable offer and the push.
//! * Throughput is a closed loop of whole lives, each request durable before its answer.
//! * Offers must match creates, task by task; else the slice is an error, not a figure.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::Random;

use crate::Options;
use crate::board::{Board, Offer};
use crate::connection::{Connection, form, text_after};
use crate::figures::{Samples, with_usage};
use crate::load::task;
use crate::machine::Meter;
use crate::site::Site;
use crate::sockets;

/// The first part of a slice is not counted: caches and connections are cold.
const WARM_UP: f64 = 0.2;
/// A task that nobody is free for waits; after this it was lost.
const OFFER_LIMIT: Duration = Duration::from_secs(20);

/// What every life of a slice shares.
struct Slice {
    site: Site,
    board: Rc<Board>,
    dice: RefCell<Random>,
    /// Kept-alive connections that nobody uses at the moment.
    free: RefCell<Vec<Connection>>,
    samples: RefCell<Samples>,
}

impl Slice {
    async fn prepare(options: &Options) -> Result<Rc<Slice>, String> {
        let site = Site::make(options.number("workers")?).await?;
        let board = Rc::new(Board::default());
        sockets::open(&site, &board).await?;
        Ok(Rc::new(Slice {
            site,
            board,
            dice: RefCell::new(Random::new(7)),
            free: RefCell::default(),
            samples: RefCell::default(),
        }))
    }

    /// One whole life.
    async fn live(&self) -> Result<Offer, String> {
        let kept = self.free.borrow_mut().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.site.account.connect().await?,
        };
        let (number, offer) = self.board.open();
        let (channel, priority, attributes) =
            task(&mut self.dice.borrow_mut(), &self.site.offers, number);
        let body = form(&[
            ("WorkflowSid", &self.site.workflow),
            ("TaskChannel", channel),
            ("Priority", &priority.to_string()),
            ("Attributes", &attributes),
        ]);
        let path = format!("{}/Tasks", self.site.path);
        self.board.sent(number);
        let answer = connection.send(&path, &body).await?;
        let created = text_after(answer, "\"sid\":\"").unwrap_or_default().to_owned();
        let offer = tokio::time::timeout(OFFER_LIMIT, offer).await;
        let Ok(Ok(offer)) = offer else { return Err(format!("{created} was not offered")) };
        if offer.task != created {
            return Err(format!("{created} was created, {} was offered", offer.task));
        }
        let task = format!("{path}/{created}");
        let reservation = format!("{task}/Reservations/{}", offer.reservation);
        connection.send(&reservation, "ReservationStatus=accepted").await?;
        connection.send(&task, "AssignmentStatus=completed&Reason=resolved").await?;
        self.free.borrow_mut().push(connection);
        Ok(offer)
    }
}

pub(crate) async fn latency(options: &Options) -> Result<Value, String> {
    let (rate, limit) = (options.number("rate")?, options.seconds()?);
    let slice = Slice::prepare(options).await?;
    let meter = Meter::start().await;
    let total = (rate as f64 * limit.as_secs_f64()) as usize;
    let warm = (total as f64 * WARM_UP) as usize;
    let started = Instant::now();
    let mut lives = Vec::with_capacity(total);
    for number in 0..total {
        let due = started + limit.mul_f64(number as f64 / total as f64);
        tokio::time::sleep_until(due.into()).await;
        let slice = Rc::clone(&slice);
        lives.push(tokio::task::spawn_local(async move {
            let offer = slice.live().await?;
            if number >= warm {
                slice.samples.borrow_mut().add(offer.after);
            }
            Ok::<_, String>(())
        }));
    }
    for life in lives {
        life.await.map_err(|error| format!("a life: {error}"))??;
    }
    let usage = meter.stop();
    slice.board.check(total)?;
    let samples = std::mem::take(&mut *slice.samples.borrow_mut());
    Ok(with_usage(samples.figures(), usage, total))
}

pub(crate) async fn throughput(options: &Options) -> Result<Value, String> {
    let (callers, limit) = (options.number("callers")?, options.seconds()?);
    let slice = Slice::prepare(options).await?;
    let meter = Meter::start().await;
    let started = Instant::now();
    let work = (0..callers).map(|_| {
        let slice = Rc::clone(&slice);
        async move {
            let (mut lives, mut counted) = (0, 0);
            while started.elapsed() < limit {
                let offer = slice.live().await?;
                lives += 1;
                let elapsed = started.elapsed();
                if elapsed > limit.mul_f64(WARM_UP) && elapsed < limit {
                    counted += 1;
                    slice.samples.borrow_mut().add(offer.after);
                }
            }
            Ok::<(usize, usize), String>((lives, counted))
        }
    });
    let done = futures_util::future::try_join_all(work).await?;
    let usage = meter.stop();
    let lives = done.iter().map(|(lives, _)| lives).sum();
    let counted: usize = done.iter().map(|(_, counted)| counted).sum();
    slice.board.check(lives)?;
    let mut figures = std::mem::take(&mut *slice.samples.borrow_mut()).figures();
    let counted_s = limit.mul_f64(1.0 - WARM_UP).as_secs_f64();
    figures["per_second"] = json!(counted as f64 / counted_s);
    Ok(with_usage(figures, usage, lives))
}

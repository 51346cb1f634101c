//! Tasks that live: created, offered on a WebSocket, accepted, completed.
//!
//! * Latency is an open loop at a fixed rate, from sending the request to the event's arrival, so
//!   it holds the durable creation, the matching, the durable offer and the push.
//! * Throughput is a closed loop of whole lives, each request durable before its answer.
//! * A task that was created and never offered, or offered twice, makes the slice worthless: an
//!   error, not a figure.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::LocalSet;

use crate::Options;
use crate::connection::{Connection, form};
use crate::figures::Samples;
use crate::load::{Dice, task};
use crate::site::{Site, sid};
use crate::sockets::{self, Offered};

const CREATORS: usize = 4;
const FINISHERS: usize = 8;
/// The first part of a slice is not counted: caches and connections are cold.
const WARM_UP: f64 = 0.2;
const LAST_OFFER_WAIT: Duration = Duration::from_secs(2);

/// Requests and offers of the same task, whichever was seen first.
#[derive(Default)]
struct Meeting {
    half: HashMap<String, Instant>,
    samples: Samples,
    counting: bool,
    met: usize,
    failure: Option<String>,
}

impl Meeting {
    fn meet(&mut self, task: &str, at: Instant) {
        match self.half.remove(task) {
            None => {
                self.half.insert(task.to_owned(), at);
            }
            Some(other) => {
                self.met += 1;
                if self.counting {
                    self.samples.add(at.max(other) - at.min(other));
                }
            }
        }
    }
}

type Shared = Rc<RefCell<Meeting>>;

pub(crate) async fn latency(options: &Options) -> Result<Value, String> {
    let (rate, limit) = (options.number("rate")?, options.seconds()?);
    let site = Rc::new(Site::make(options.number("workers")?).await?);
    let (sender, receiver) = unbounded_channel();
    sockets::open(&site, &sender).await?;
    let shared = Shared::default();
    let local = LocalSet::new();
    local
        .run_until(async {
            finishers(&site, receiver, &shared).await?;
            let pause = Duration::from_secs_f64(CREATORS as f64 / rate as f64);
            let started = Instant::now();
            let creators: Vec<_> = (0..CREATORS)
                .map(|number| {
                    let first = started + pause.mul_f64(number as f64 / CREATORS as f64);
                    let work =
                        create_at(Rc::clone(&site), Rc::clone(&shared), number, first, pause);
                    tokio::task::spawn_local(tokio::time::timeout(limit, work))
                })
                .collect();
            tokio::time::sleep(limit.mul_f64(WARM_UP)).await;
            shared.borrow_mut().counting = true;
            for creator in creators {
                if let Ok(Ok(Err(error))) = creator.await {
                    return Err(error);
                }
            }
            settle(&shared).await
        })
        .await
}

/// Waits for the last offers, then gives the figures.
async fn settle(shared: &Shared) -> Result<Value, String> {
    tokio::time::sleep(LAST_OFFER_WAIT).await;
    let mut meeting = shared.borrow_mut();
    if let Some(failure) = meeting.failure.take() {
        return Err(failure);
    }
    // The time limit may cut each creator between its request and its note of it.
    if meeting.half.len() > CREATORS {
        return Err(format!("{} of {} tasks were not offered", meeting.half.len(), meeting.met));
    }
    Ok(std::mem::take(&mut meeting.samples).figures())
}

async fn create_at(
    site: Rc<Site>,
    shared: Shared,
    number: usize,
    mut next: Instant,
    pause: Duration,
) -> Result<(), String> {
    let mut connection = site.account.connect().await?;
    let mut dice = Dice::new(7 + number as u64);
    loop {
        tokio::time::sleep_until(next.into()).await;
        next += pause;
        let at = Instant::now();
        let task = create(&site, &mut connection, &mut dice).await?;
        shared.borrow_mut().meet(&task, at);
    }
}

async fn create(
    site: &Site,
    connection: &mut Connection,
    dice: &mut Dice,
) -> Result<String, String> {
    let (channel, priority, attributes) = task(dice, &site.offers);
    let body = form(&[
        ("WorkflowSid", &site.workflow),
        ("TaskChannel", channel),
        ("Priority", &priority.to_string()),
        ("Attributes", &attributes),
    ]);
    sid(&connection.form(&format!("{}/Tasks", site.path), &body).await?)
}

/// Callers that accept and complete what is offered.
async fn finishers(
    site: &Rc<Site>,
    mut offers: UnboundedReceiver<Offered>,
    shared: &Shared,
) -> Result<(), String> {
    let mut hands = Vec::new();
    for _ in 0..FINISHERS {
        let (sender, mut receiver) = unbounded_channel::<Offered>();
        let (site, shared) = (Rc::clone(site), Rc::clone(shared));
        let mut connection = site.account.connect().await?;
        tokio::task::spawn_local(async move {
            while let Some(offered) = receiver.recv().await {
                if let Err(error) = finish(&site, &mut connection, &offered).await {
                    shared.borrow_mut().failure.get_or_insert(error);
                }
            }
        });
        hands.push(sender);
    }
    let shared = Rc::clone(shared);
    tokio::task::spawn_local(async move {
        let mut turn = 0;
        while let Some(offered) = offers.recv().await {
            shared.borrow_mut().meet(&offered.task, offered.at);
            turn = (turn + 1) % hands.len();
            if hands[turn].send(offered).is_err() {
                break;
            }
        }
    });
    Ok(())
}

async fn finish(site: &Site, connection: &mut Connection, offered: &Offered) -> Result<(), String> {
    let task = format!("{}/Tasks/{}", site.path, offered.task);
    let reservation = format!("{task}/Reservations/{}", offered.reservation);
    connection.form(&reservation, "ReservationStatus=accepted").await?;
    connection.form(&task, "AssignmentStatus=completed").await?;
    Ok(())
}

/// Offers that callers wait for, by task; an offer may come before its caller asks for it.
#[derive(Default)]
struct Desk {
    waiting: HashMap<String, tokio::sync::oneshot::Sender<Offered>>,
    early: HashMap<String, Offered>,
}

pub(crate) async fn throughput(options: &Options) -> Result<Value, String> {
    let (callers, limit) = (options.number("callers")?, options.seconds()?);
    let site = Rc::new(Site::make(options.number("workers")?).await?);
    let (sender, receiver) = unbounded_channel();
    sockets::open(&site, &sender).await?;
    let desk = Rc::new(RefCell::new(Desk::default()));
    let local = LocalSet::new();
    local
        .run_until(async {
            tokio::task::spawn_local(hand_out(receiver, Rc::clone(&desk)));
            let started = Instant::now();
            let work = (0..callers).map(|caller| {
                let (site, desk) = (Rc::clone(&site), Rc::clone(&desk));
                live(site, desk, caller, started, limit)
            });
            let lives = futures_util::future::try_join_all(work).await?;
            let counted = limit.mul_f64(1.0 - WARM_UP).as_secs_f64();
            let lives: usize = lives.iter().sum();
            Ok(json!({"per_second": lives as f64 / counted, "lives": lives}))
        })
        .await
}

async fn hand_out(mut offers: UnboundedReceiver<Offered>, desk: Rc<RefCell<Desk>>) {
    while let Some(offered) = offers.recv().await {
        let mut desk = desk.borrow_mut();
        match desk.waiting.remove(&offered.task) {
            // A caller that has gone takes no offer.
            Some(caller) => drop(caller.send(offered)),
            None => drop(desk.early.insert(offered.task.clone(), offered)),
        }
    }
}

/// Whole lives, one after the other; those that end after the warm-up and within time count.
async fn live(
    site: Rc<Site>,
    desk: Rc<RefCell<Desk>>,
    caller: usize,
    started: Instant,
    limit: Duration,
) -> Result<usize, String> {
    let mut connection = site.account.connect().await?;
    let mut dice = Dice::new(1_000 + caller as u64);
    let mut lives = 0;
    while started.elapsed() < limit {
        let task = create(&site, &mut connection, &mut dice).await?;
        let early = desk.borrow_mut().early.remove(&task);
        let offered = match early {
            Some(offered) => offered,
            None => {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                desk.borrow_mut().waiting.insert(task.clone(), sender);
                // Nobody may be free for a while; at the end of the slice that is no error.
                match tokio::time::timeout(limit, receiver).await {
                    Ok(Ok(offered)) => offered,
                    _ => return Ok(lives),
                }
            }
        };
        finish(&site, &mut connection, &offered).await?;
        let elapsed = started.elapsed();
        lives += usize::from(elapsed > limit.mul_f64(WARM_UP) && elapsed < limit);
    }
    Ok(lives)
}

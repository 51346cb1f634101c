//! Queues that serve the earliest breach of their service level first.

use crate::world::{World, attrs, straight_to};
use base::{Millis, Timestamp};
use routing::{command::*, question::Place, *};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One queue, nobody at work yet.
fn floor() -> (World, TaskQueueSid) {
    let mut world = World::new();
    let queue = world.new_queue("Support", "1==1");
    world.new_workflow("wf", straight_to(queue));
    (world, queue)
}

fn set(world: &mut World, queue: TaskQueueSid, body: Value) -> ordering::QueueOrdering {
    match world.must(Command::SetOrdering { queue, if_match: IfMatch::Any, body }) {
        Reply::Ordering(ordering) => ordering,
        other => panic!("{other:?}"),
    }
}

fn tiers() -> Value {
    json!({"by": "deadline", "service_level_s": 60, "classes": [
        {"name": "gold", "expression": "tier == 'gold'", "service_level_s": 10},
        {"name": "urgent", "priority_at_least": 5, "service_level_s": 20},
        {"name": "calls", "channels": ["voice"], "service_level_s": 30},
    ]})
}

fn task(world: &mut World, attributes: &str, priority: u32, channel: &str) -> TaskSid {
    world.new_task_of(NewTask {
        attributes: attrs(attributes),
        priority: Some(priority),
        task_channel: Some(ChannelRef::Name(channel.to_owned())),
        ..NewTask::default()
    })
}

/// The waiting tasks in the order in which they are served, by what a visitor is told.
fn line_up(world: &World, tasks: &[TaskSid]) -> Vec<TaskSid> {
    let place = |task: &TaskSid| match world.routing.ask(&Question::Place(*task), world.now) {
        Ok(Answer::Place(Place { ahead, .. })) => ahead,
        other => panic!("{other:?}"),
    };
    let mut tasks = tasks.to_vec();
    tasks.sort_by_key(place);
    tasks
}

/// The same by letting one worker take them one by one.
fn served(world: &mut World, worker: WorkerSid, count: usize) -> Vec<TaskSid> {
    let mut order = Vec::new();
    for _ in 0..count {
        let Ok(Answer::Reservations(open)) =
            world.routing.ask(&Question::OpenReservations(worker), world.now)
        else {
            panic!("no worker {worker}")
        };
        let task = open[0].1.sid;
        order.push(task);
        world.accept(task);
        world.set_status(task, TaskStatus::Completed).expect("it was accepted");
    }
    order
}

#[test]
fn the_earliest_breach_is_served_first_and_then_the_task_made_first() {
    let (mut world, queue) = floor();
    set(&mut world, queue, tiers());
    let plain = task(&mut world, "{}", 0, "default");
    world.advance(25);
    let call = task(&mut world, "{}", 0, "voice");
    world.advance(10);
    let urgent = task(&mut world, "{}", 7, "default");
    let same = task(&mut world, "{}", 5, "default");
    world.advance(12);
    let gold = task(&mut world, r#"{"tier": "gold"}"#, 0, "default");
    // Breaches after 60, 55, 55, 55 and 57 seconds.
    let all = [plain, call, urgent, same, gold];
    let wanted = vec![call, urgent, same, gold, plain];
    assert_eq!(line_up(&world, &all), wanted);
    world.routing.check();
    let restored = world.restored();
    restored.check();
    assert_eq!(restored.digest(), world.routing.digest());
    let worker = world.new_worker("Ann", "Available", "{}");
    // She takes one call and one other task at a time.
    let call_too: Vec<TaskSid> = wanted.iter().copied().filter(|task| *task != call).collect();
    let first = world.newest(call).sid;
    world.step(first, ReservationStep::Accept).expect("it is offered");
    let patch = TaskPatch {
        status: Some(TaskStatus::Completed),
        reason: Some("x".to_owned()),
        ..TaskPatch::default()
    };
    world.must(Command::UpdateTask { sid: call, if_match: IfMatch::Any, patch });
    assert_eq!(served(&mut world, worker, 4), call_too);
}

#[test]
fn a_task_changes_place_with_its_attributes_priority_and_start() {
    let (mut world, queue) = floor();
    set(&mut world, queue, tiers());
    let one = task(&mut world, "{}", 0, "default");
    world.advance(1);
    let two = task(&mut world, "{}", 0, "default");
    let update = |world: &mut World, sid, patch| {
        world.must(Command::UpdateTask { sid, if_match: IfMatch::Any, patch });
        world.routing.check();
    };
    assert_eq!(line_up(&world, &[one, two]), [one, two]);
    let gold = TaskPatch { attributes: Some(attrs(r#"{"tier": "gold"}"#)), ..TaskPatch::default() };
    update(&mut world, two, gold);
    assert_eq!(line_up(&world, &[one, two]), [two, one]);
    let plain = TaskPatch { attributes: Some(attrs("{}")), ..TaskPatch::default() };
    update(&mut world, two, plain);
    assert_eq!(line_up(&world, &[one, two]), [one, two]);
    update(&mut world, two, TaskPatch { priority: Some(9), ..TaskPatch::default() });
    assert_eq!(line_up(&world, &[one, two]), [two, one]);
    let start = Some(world.now + Millis::secs(-100));
    update(&mut world, one, TaskPatch { virtual_start_at: start, ..TaskPatch::default() });
    assert_eq!(line_up(&world, &[one, two]), [one, two]);
}

#[test]
fn another_ordering_sorts_what_waits_and_task_order_stays_what_it_was() {
    let (mut world, queue) = floor();
    let patch = TaskQueuePatch { task_order: Some(TaskOrder::Lifo), ..TaskQueuePatch::default() };
    world.must(Command::UpdateTaskQueue { sid: queue, patch });
    let one = task(&mut world, "{}", 0, "default");
    world.advance(1);
    let two = task(&mut world, "{}", 0, "default");
    world.advance(1);
    let three = task(&mut world, r#"{"tier": "gold"}"#, 0, "default");
    let all = [one, two, three];
    assert_eq!(line_up(&world, &all), [three, two, one]);
    let by_deadline = set(&mut world, queue, tiers());
    assert_eq!((by_deadline.version, by_deadline.rule.starvation_bound_s()), (1, Some(50)));
    assert_eq!(line_up(&world, &all), [three, one, two]);
    world.routing.check();
    let slower = json!({"by": "deadline", "service_level_s": 60});
    set(&mut world, queue, slower.clone());
    assert_eq!(line_up(&world, &all), [one, two, three]);
    assert_eq!(set(&mut world, queue, slower).version, 2, "nothing changed");
    set(&mut world, queue, json!({"by": "task_order"}));
    assert_eq!(line_up(&world, &all), [three, two, one]);
    world.routing.check();
    assert_eq!(world.replayed().digest(), world.routing.digest());
}

/// A worker of several queues takes the task that breaches first, whichever queue it is in; FIFO
/// tasks with a priority come before, those without as if they breached when they began.
#[test]
fn queues_that_share_a_worker_are_one_order() {
    let (mut world, first) = floor();
    let (second, fifo) = (world.new_queue("Second", "1==1"), world.new_queue("Fifo", "1==1"));
    set(&mut world, first, json!({"by": "deadline", "service_level_s": 60}));
    set(&mut world, second, json!({"by": "deadline", "service_level_s": 20}));
    let mut put = |queue: TaskQueueSid, priority| {
        world.advance(10);
        world.new_task_of(NewTask {
            routing_target: Some(queue.sid()),
            priority: Some(priority),
            ..NewTask::default()
        })
    };
    let slow = put(first, 9);
    let fast = put(second, 0);
    let plain = put(fifo, 0);
    let raised = put(fifo, 1);
    let late = put(fifo, 0);
    // At 10, 20, 30, 40 and 50 seconds: breaches at 70 and 40.
    let worker = world.new_worker("Ann", "Available", "{}");
    assert_eq!(served(&mut world, worker, 5), [raised, plain, fast, late, slow]);
}

/// The bound that the documentation states: no task waits behind one that began more than the
/// largest difference of service levels after it. And it is reached: it could not be smaller.
#[test]
fn nobody_waits_longer_than_the_stated_bound() {
    let (mut world, queue) = floor();
    let bound = set(&mut world, queue, tiers()).rule.starvation_bound_s().expect("by deadline");
    let bound = Millis::secs(bound.into());
    let worker = world.new_worker("Ann", "Available", "{}");
    let mut dice = 11_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let mut waiting: BTreeMap<TaskSid, Timestamp> = BTreeMap::new();
    let (mut worst, mut count) = (Millis(0), 0);
    let mut known = 0;
    for _ in 0..2_000 {
        world.advance(roll(4) as i64);
        if roll(5) < 2 || waiting.len() < 20 {
            let attributes = if roll(3) == 0 { r#"{"tier": "gold"}"# } else { "{}" };
            let priority = roll(8) as u32;
            task(&mut world, attributes, priority, "default");
        } else {
            let open = world.routing.ask(&Question::OpenReservations(worker), world.now);
            let Ok(Answer::Reservations(open)) = open else { panic!("{open:?}") };
            for (reservation, _) in open {
                if reservation.status == ReservationStatus::Pending {
                    world.accept(reservation.task);
                }
                let status = TaskStatus::Completed;
                world.set_status(reservation.task, status).expect("it was accepted");
            }
        }
        for change in &world.journal[known..] {
            match change {
                Change::TaskCreated(task) => _ = waiting.insert(task.sid, task.virtual_start_at),
                Change::TaskOffered { task, .. } => {
                    let started = waiting.remove(task).expect("it waited");
                    for since in waiting.values() {
                        worst = worst.max(started - *since);
                    }
                    count += 1;
                }
                Change::TaskReturned { task, .. } => {
                    let task = world.routing.ask(&Question::Place(*task), world.now);
                    panic!("nobody lets an offer go by: {task:?}");
                }
                _ => {}
            }
        }
        known = world.journal.len();
        if world.activity("Available") != world.worker(worker).activity {
            world.go(worker, "Available");
        }
    }
    assert!(count > 300, "{count} offers");
    assert!(worst <= bound, "a task was overtaken by one that began {worst:?} after it");
    assert!(worst.0 > bound.0 / 2, "the run does not come near the bound: {worst:?}");
}

#[test]
fn errors_name_the_field_and_the_reason() {
    let (mut world, queue) = floor();
    let class = |class: Value| json!({"by": "deadline", "service_level_s": 9, "classes": [class]});
    let told = [
        (json!({}), "by is required"),
        (json!({"by": "age"}), "by must be deadline or task_order"),
        (json!({"by": "task_order", "service_level_s": 3}), "service_level_s is not known here"),
        (json!({"by": "deadline"}), "service_level_s is required"),
        (
            json!({"by": "deadline", "service_level_s": 0}),
            "service_level_s must be a whole number between 1 and 1209600",
        ),
        (class(json!({"service_level_s": 5})), "classes[0] must say priority_at_least, channels"),
        (class(json!({"priority_at_least": 5})), "classes[0].service_level_s is required"),
        (
            class(json!({"service_level_s": 5, "channels": ["fax"]})),
            "classes[0].channels[0] names 'fax'",
        ),
        (class(json!({"service_level_s": 5, "expression": "a =="})), "classes[0].expression: "),
        (
            class(json!({"service_level_s": 5, "expression": "taskrouter.currentHour == '09'"})),
            "classes[0].expression must not ask for the time",
        ),
    ];
    for (body, wanted) in told {
        let set = Command::SetOrdering { queue, if_match: IfMatch::Any, body };
        let got = world.run(&set).expect_err(wanted).to_string();
        assert!(got.contains(wanted), "{got} / {wanted}");
    }
    let body = json!({"by": "deadline", "service_level_s": 5, "classes":
        [{"channels": ["video"], "service_level_s": 5}]});
    let stale = Command::SetOrdering { queue, if_match: IfMatch::Version(1), body: body.clone() };
    assert_eq!(world.run(&stale), Err(Rejection::Stale { current: 0 }));
    set(&mut world, queue, body);
    let refused = world.run(&Command::DeleteTaskChannel(ChannelRef::Name("video".to_owned())));
    assert!(matches!(refused, Err(Rejection::InUse { .. })), "{refused:?}");
}

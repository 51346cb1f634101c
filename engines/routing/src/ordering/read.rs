//! An ordering as it comes: checked whole before anything changes.

use super::{OrderingRule, ServiceClass};
use crate::{
    json::{Fields, wrong},
    limits::{NAME_CHARS_MAX, PRIORITY_MAX, SERVICE_CLASSES_MAX, SERVICE_LEVEL_S_MAX},
    rejection::Rejection,
};
use expr::{Expression, Place};
use serde_json::Value;

const PARAMETER: &str = "Ordering";
const KNOWN: &[&str] = &["by", "service_level_s", "classes"];
const OF_CLASS: &[&str] =
    &["name", "service_level_s", "priority_at_least", "channels", "expression"];

/// The ordering of a body; the error names the field and the reason.
pub(crate) fn read(
    body: &Value,
    is_channel: &dyn Fn(&str) -> bool,
) -> Result<OrderingRule, Rejection> {
    let fields = Fields::of(PARAMETER, "", body, KNOWN)?;
    match fields.required_text("by")? {
        "task_order" => {
            Fields::of(PARAMETER, "", body, &["by"])?;
            Ok(OrderingRule::TaskOrder)
        }
        "deadline" => {
            let service_level_s = service_level(&fields)?;
            let list = fields.list("classes")?.unwrap_or_default();
            if list.len() > SERVICE_CLASSES_MAX {
                let why = format!("has more than the {SERVICE_CLASSES_MAX} classes allowed");
                return Err(fields.wrong("classes", &why));
            }
            let classes = list.iter().enumerate().map(|(index, value)| {
                let fields = Fields::of(PARAMETER, format!("classes[{index}]"), value, OF_CLASS)?;
                class(&fields, is_channel)
            });
            let classes = classes.collect::<Result<_, _>>()?;
            Ok(OrderingRule::Deadline { service_level_s, classes })
        }
        _ => Err(fields.wrong("by", "must be deadline or task_order")),
    }
}

fn service_level(fields: &Fields<'_>) -> Result<u32, Rejection> {
    let seconds = fields.number("service_level_s", 1..=SERVICE_LEVEL_S_MAX)?;
    seconds.ok_or_else(|| fields.wrong("service_level_s", "is required"))
}

fn class(
    fields: &Fields<'_>,
    is_channel: &dyn Fn(&str) -> bool,
) -> Result<ServiceClass, Rejection> {
    let name = fields.text("name")?;
    if name.is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        let why = format!("has more than the {NAME_CHARS_MAX} characters allowed");
        return Err(fields.wrong("name", &why));
    }
    let channels = fields.texts("channels")?;
    for (at, text) in channels.iter().flatten() {
        if !is_channel(text) {
            let shown: String = text.chars().take(NAME_CHARS_MAX).collect();
            let why = format!("names '{shown}', which is no task channel of this workspace");
            return Err(wrong(PARAMETER, at, &why));
        }
    }
    let expression = fields.text("expression")?;
    if let Some(text) = expression {
        check_expression(fields, text)?;
    }
    let class = ServiceClass {
        name: name.map(str::to_owned),
        service_level_s: service_level(fields)?,
        priority_at_least: fields.number("priority_at_least", 0..=PRIORITY_MAX)?,
        channels: channels.map(|all| all.into_iter().map(|(_, text)| text.to_owned()).collect()),
        expression: expression.map(str::to_owned),
    };
    let is_anything =
        class.priority_at_least.is_none() && class.channels.is_none() && class.expression.is_none();
    match is_anything {
        true => Err(fields.wrong("", "must say priority_at_least, channels or expression")),
        false => Ok(class),
    }
}

/// The class of a waiting task changes with the task, never with the time.
fn check_expression(fields: &Fields<'_>, text: &str) -> Result<(), Rejection> {
    let expression =
        Expression::compile(text, Place::Filter).map_err(|error| Rejection::Malformed {
            parameter: PARAMETER,
            message: format!("{}: {}", fields.at("expression"), error.message),
            position: Some(error.position),
        })?;
    let uses = expression.uses();
    match uses.time || uses.schedules {
        true => Err(fields.wrong("expression", "must not ask for the time or for a schedule")),
        false => Ok(()),
    }
}

//! Rules as they come: checked whole before anything changes.

use super::{CapacityCondition, CapacityRule};
use crate::{
    json::{Fields, wrong},
    limits::{
        CAPACITY_MAX, CAPACITY_RULE_CHANNELS_MAX, CAPACITY_RULES_MAX, CAPACITY_WEIGHT_MAX,
        NAME_CHARS_MAX,
    },
    rejection::Rejection,
};
use expr::{Expression, Place};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PARAMETER: &str = "Capacity";
const KNOWN: &[&str] = &["name", "channels", "limit", "weights", "while", "workers", "blocks"];

/// The rules of a body `{"rules": […]}`; the error names the rule, its field and the reason.
pub(crate) fn read(
    body: &Value,
    is_channel: &dyn Fn(&str) -> bool,
) -> Result<Vec<CapacityRule>, Rejection> {
    let fields = Fields::of(PARAMETER, "", body, &["rules"])?;
    let list = fields.list("rules")?.ok_or_else(|| fields.wrong("rules", "is required"))?;
    if list.len() > CAPACITY_RULES_MAX {
        let why = format!("has {} rules, more than the {CAPACITY_RULES_MAX} allowed", list.len());
        return Err(fields.wrong("rules", &why));
    }
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let fields = Fields::of(PARAMETER, format!("rules[{index}]"), value, KNOWN)?;
        let rule = rule(&fields, is_channel)?;
        if !names.insert(rule.name.clone()) {
            return Err(fields.wrong("name", "is the name of another rule too"));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(fields: &Fields<'_>, is_channel: &dyn Fn(&str) -> bool) -> Result<CapacityRule, Rejection> {
    let name = fields.required_text("name")?;
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
        let why = format!("must have between 1 and {NAME_CHARS_MAX} characters");
        return Err(fields.wrong("name", &why));
    }
    let required = |field: &str| fields.wrong(field, "is required");
    let channels = channels(fields, "channels", is_channel)?.ok_or_else(|| required("channels"))?;
    let limit = fields.number("limit", 0..=CAPACITY_MAX)?.ok_or_else(|| required("limit"))?;
    let workers = fields.text("workers")?;
    if let Some(text) = workers {
        Expression::compile(text, Place::Queue).map_err(|error| Rejection::Malformed {
            parameter: PARAMETER,
            message: format!("{}: {}", fields.at("workers"), error.message),
            position: Some(error.position),
        })?;
    }
    Ok(CapacityRule {
        name: name.to_owned(),
        weights: weights(fields, &channels)?,
        channels,
        limit,
        condition: condition(fields, is_channel)?,
        workers: workers.map(str::to_owned),
        blocks: self::channels(fields, "blocks", is_channel)?,
    })
}

fn channels(
    fields: &Fields<'_>,
    name: &str,
    is_channel: &dyn Fn(&str) -> bool,
) -> Result<Option<Vec<String>>, Rejection> {
    let Some(texts) = fields.texts(name)? else { return Ok(None) };
    if texts.is_empty() || texts.len() > CAPACITY_RULE_CHANNELS_MAX {
        let why = format!("must name between 1 and {CAPACITY_RULE_CHANNELS_MAX} task channels");
        return Err(fields.wrong(name, &why));
    }
    let mut seen = BTreeSet::new();
    for (at, text) in &texts {
        if !is_channel(text) {
            let shown: String = text.chars().take(NAME_CHARS_MAX).collect();
            let why = format!("names '{shown}', which is no task channel of this workspace");
            return Err(wrong(PARAMETER, at, &why));
        }
        if !seen.insert(*text) {
            return Err(wrong(PARAMETER, at, "is there twice"));
        }
    }
    Ok(Some(texts.into_iter().map(|(_, text)| text.to_owned()).collect()))
}

fn weights(fields: &Fields<'_>, channels: &[String]) -> Result<BTreeMap<String, u32>, Rejection> {
    let Some(value) = fields.get("weights") else { return Ok(BTreeMap::new()) };
    let known: Vec<&str> = channels.iter().map(String::as_str).collect();
    let weights = Fields::of(PARAMETER, fields.at("weights"), value, &known)?;
    let read = |name: &String| -> Result<Option<(String, u32)>, Rejection> {
        let weight = weights.number(name, 0..=CAPACITY_WEIGHT_MAX)?;
        Ok(weight.map(|weight| (name.clone(), weight)))
    };
    channels.iter().filter_map(|name| read(name).transpose()).collect()
}

fn condition(
    fields: &Fields<'_>,
    is_channel: &dyn Fn(&str) -> bool,
) -> Result<Option<CapacityCondition>, Rejection> {
    let Some(value) = fields.get("while") else { return Ok(None) };
    let fields = Fields::of(PARAMETER, fields.at("while"), value, &["channels", "at_least"])?;
    let channels = channels(&fields, "channels", is_channel)?;
    Ok(Some(CapacityCondition {
        channels: channels.ok_or_else(|| fields.wrong("channels", "is required"))?,
        at_least: fields.number("at_least", 1..=CAPACITY_MAX)?.unwrap_or(1),
    }))
}

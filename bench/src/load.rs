//! What the load looks like: workers with skills, languages, regions and levels, and tasks that ask
//! for them. The same mix as the PostgreSQL peer's, so that the two can stand side by side.

use serde_json::json;

/// Reproducible random numbers.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit as u64) as usize
    }
}

/// Channels with their capacity for each worker.
pub(crate) const CHANNELS: [(&str, u32); 3] = [("voice", 1), ("chat", 4), ("sms", 8)];

/// The queue's workflow: what the peer does in SQL. A task may pin the region.
pub(crate) const MATCH: &str =
    "task.skill IN worker.skills AND task.lang IN worker.langs AND worker.level >= task.level";

/// What one worker offers.
#[derive(Clone)]
pub(crate) struct Offer {
    skills: Vec<usize>,
    langs: Vec<usize>,
    region: usize,
    level: usize,
}

impl Offer {
    pub(crate) fn random(dice: &mut Dice) -> Offer {
        let some = |dice: &mut Dice, count: usize, of: usize| -> Vec<usize> {
            let mut picked: Vec<usize> = (0..count).map(|_| dice.below(of)).collect();
            picked.sort_unstable();
            picked.dedup();
            picked
        };
        Offer {
            skills: some(dice, 3, 10),
            langs: some(dice, 2, 5),
            region: dice.below(4),
            level: 1 + dice.below(5),
        }
    }

    pub(crate) fn attributes(&self) -> String {
        let skills: Vec<String> = self.skills.iter().map(|s| format!("s{s}")).collect();
        let langs: Vec<String> = self.langs.iter().map(|l| format!("l{l}")).collect();
        json!({
            "skills": skills, "langs": langs, "region": format!("r{}", self.region),
            "level": self.level,
        })
        .to_string()
    }
}

/// One task: its channel, priority and attributes. At least one worker fits it.
pub(crate) fn task(dice: &mut Dice, offers: &[Offer]) -> (&'static str, usize, String) {
    let offer = &offers[dice.below(offers.len())];
    let skill = offer.skills[dice.below(offer.skills.len())];
    let lang = offer.langs[dice.below(offer.langs.len())];
    let channel = ["voice", "chat", "chat", "sms"][dice.below(4)];
    let pinned = match dice.below(3) {
        0 => format!(r#","region":"r{}""#, offer.region),
        _ => String::new(),
    };
    let level = (1 + dice.below(2)).min(offer.level);
    let attributes = format!(r#"{{"skill":"s{skill}","lang":"l{lang}","level":{level}{pinned}}}"#);
    (channel, dice.below(10), attributes)
}

/// Attributes of 400 bytes.
pub(crate) fn long_attributes(number: usize) -> String {
    let start = format!(r#"{{"number":{number},"name":"Sample Visitor","text":""#);
    let rest = 400 - start.len() - 2;
    format!(r#"{start}{}"}}"#, "x".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_attributes_have_400_bytes_and_are_json() {
        for number in [0, 12_345, 9_999_999] {
            let text = long_attributes(number);
            assert_eq!(text.len(), 400);
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn every_task_fits_a_worker() {
        let mut dice = Dice::new(1);
        let offers: Vec<Offer> = (0..20).map(|_| Offer::random(&mut dice)).collect();
        for _ in 0..100 {
            let (_, _, attributes) = task(&mut dice, &offers);
            let task: serde_json::Value = serde_json::from_str(&attributes).unwrap();
            let fits = offers.iter().any(|offer| {
                let worker: serde_json::Value = serde_json::from_str(&offer.attributes()).unwrap();
                let has =
                    |list: &str, item: &str| worker[list].as_array().unwrap().contains(&task[item]);
                has("skills", "skill")
                    && has("langs", "lang")
                    && worker["level"].as_u64() >= task["level"].as_u64()
                    && (task["region"].is_null() || task["region"] == worker["region"])
            });
            assert!(fits, "{attributes}");
        }
    }
}

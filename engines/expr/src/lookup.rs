//! Tests that an index from values to workers can answer.
//!
//! * For every worker: a test that has a [`Lookup`] holds exactly if one of the lookup's keys is
//!   among [`scalars_at`] its path.
//! * Keys follow `==`: 1, 1.0 and the string "1" find each other, the strings "1" and "1.0" do
//!   not. A missing attribute has the key of null.

use crate::{
    Path, WorkerTest,
    decimal::Decimal,
    tree::{Comparison, Operand, Operator},
    value::{Constant, Scalar},
};
use serde_json::Value;

/// What to look up for a [`WorkerTest`].
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    path: &'a Path,
    stands: Stands,
    scalars: &'a [Scalar],
}

/// An entry of an index over the values at one path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScalarKey {
    stands: Stands,
    reading: Reading,
}

/// Whether the value is what stands at the path, or one element of the array there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stands {
    Alone,
    InArray,
}

/// A value in one of the ways in which it can be equal to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Reading {
    Null,
    Bool(bool),
    /// A number, in the one spelling of [`Scalar`].
    Number(Scalar),
    Text(Box<str>),
    /// The number that a string spells.
    NumberInText(Scalar),
}

impl ScalarKey {
    /// Whether all workers with this key have the same value there, in the eyes of every
    /// comparison: it stands alone and is not a number found in a text.
    pub fn is_the_value(&self) -> bool {
        self.stands == Stands::Alone && !matches!(self.reading, Reading::NumberInText(_))
    }
}

impl WorkerTest {
    /// The lookup that answers this test, for "attribute == constant", "attribute IN constants"
    /// and "constant IN attribute".
    pub fn lookup(&self) -> Option<Lookup<'_>> {
        let Comparison { left, operator, right } = &*self.0;
        match (left, operator, right) {
            (
                Operand::Worker(path),
                Operator::Equal,
                Operand::Constant(Constant::Scalar(scalar)),
            ) => Some(Lookup { path, stands: Stands::Alone, scalars: one(scalar) }),
            (Operand::Worker(path), Operator::In, Operand::Constant(Constant::List(scalars))) => {
                Some(Lookup { path, stands: Stands::Alone, scalars })
            }
            (Operand::Constant(Constant::Scalar(scalar)), Operator::In, Operand::Worker(path)) => {
                Some(Lookup { path, stands: Stands::InArray, scalars: one(scalar) })
            }
            _ => None,
        }
    }
}

fn one(scalar: &Scalar) -> &[Scalar] {
    std::slice::from_ref(scalar)
}

impl<'a> Lookup<'a> {
    /// Where the values of the index come from.
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// The entries whose workers, taken together, are those for which the test holds.
    pub fn keys(&self) -> Vec<ScalarKey> {
        let mut keys = Vec::with_capacity(2 * self.scalars.len());
        for scalar in self.scalars {
            let (as_is, also) = match scalar {
                Scalar::Null => (Reading::Null, None),
                Scalar::Bool(b) => (Reading::Bool(*b), None),
                Scalar::Int(_) | Scalar::Decimal(_) => {
                    let in_text = Reading::NumberInText(scalar.clone());
                    (Reading::Number(scalar.clone()), Some(in_text))
                }
                Scalar::Text(text) => {
                    (Reading::Text(text.clone()), number_in(text).map(Reading::Number))
                }
            };
            keys.extend([Some(as_is), also].into_iter().flatten());
        }
        sorted(self.stands, keys)
    }
}

/// The entries of one worker in an index over `path`: sorted, each once.
pub fn scalars_at(path: &Path, worker: &Value) -> Vec<ScalarKey> {
    match path.find(worker) {
        None => sorted(Stands::Alone, vec![Reading::Null]),
        Some(Value::Array(elements)) => {
            sorted(Stands::InArray, elements.iter().flat_map(readings).collect())
        }
        Some(value) => sorted(Stands::Alone, readings(value).collect()),
    }
}

/// The ways in which a worker's value can be found: none for an array or an object.
fn readings(value: &Value) -> impl Iterator<Item = Reading> + use<> {
    let (as_is, also) = match Scalar::of(value) {
        None => (None, None),
        Some(Scalar::Null) => (Some(Reading::Null), None),
        Some(Scalar::Bool(b)) => (Some(Reading::Bool(b)), None),
        Some(number @ (Scalar::Int(_) | Scalar::Decimal(_))) => {
            (Some(Reading::Number(number)), None)
        }
        Some(Scalar::Text(text)) => {
            let number = number_in(&text).map(Reading::NumberInText);
            (Some(Reading::Text(text)), number)
        }
    };
    as_is.into_iter().chain(also)
}

fn number_in(text: &str) -> Option<Scalar> {
    Decimal::from_plain(text).map(Scalar::number)
}

fn sorted(stands: Stands, readings: Vec<Reading>) -> Vec<ScalarKey> {
    let mut keys: Vec<_> =
        readings.into_iter().map(|reading| ScalarKey { stands, reading }).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

//! Rules: expressions over a person's attributes.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::value::Number;
use super::{Value, parse};

/// A longer rule is refused: a list of that many values is an attribute of its own.
pub(super) const LONGEST: usize = 16 * 1024;

/// An expression over `user.<attribute>`, parsed once. Two are the same if they are written the same.
#[derive(Clone)]
pub struct Rule {
    text: Arc<str>,
    pub(super) test: Arc<Test>,
    pub(super) attributes: Arc<BTreeSet<Box<str>>>,
}

/// What is wrong with a rule, and in which part of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// What was found.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Where, in bytes of the rule.
    pub at: Range<usize>,
}

impl Rule {
    /// Parses minijinja's expression language, as far as rules have it.
    ///
    /// # Errors
    /// It does not parse, or uses what rules do not have.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let test = parse::parse(text)?;
        let mut attributes = BTreeSet::new();
        test.name(&mut attributes);
        Ok(Self { text: text.into(), test: Arc::new(test), attributes: Arc::new(attributes) })
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The attributes that it names: whoever misses one of them does not match.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|name| &**name)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Rule {}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rule").field(&self.text).finish()
    }
}

/// What a rule asks.
#[derive(Debug)]
pub(super) enum Test {
    /// Every one of them.
    All(Vec<Test>),
    /// At least one of them.
    Any(Vec<Test>),
    /// Not that.
    Not(Box<Test>),
    /// One attribute.
    Asked(Asked),
}

/// One attribute, and what is asked of it.
#[derive(Debug)]
pub(super) struct Asked {
    pub attribute: Box<str>,
    pub ask: Ask,
}

/// What can be asked of one value.
#[derive(Debug)]
pub(super) enum Ask {
    /// It is `true`.
    Holds,
    /// It is this value.
    Is(Value),
    /// It is not this value.
    IsNot(Value),
    /// It is one of these.
    In(Vec<Value>),
    /// It is none of these.
    NotIn(Vec<Value>),
    /// It is a list, and this is in it.
    Has(Value),
    /// It is a list, and this is not in it.
    HasNot(Value),
    /// It is a number, less or greater.
    Order(Order, Number),
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    fn name(&self, attributes: &mut BTreeSet<Box<str>>) {
        match self {
            Self::All(tests) | Self::Any(tests) => {
                tests.iter().for_each(|test| test.name(attributes));
            }
            Self::Not(test) => test.name(attributes),
            Self::Asked(asked) => {
                attributes.insert(asked.attribute.clone());
            }
        }
    }
}

impl Ask {
    /// What it says of a value; `None` where the value is of another type than what it asks about:
    /// that is never true, whatever stands around it.
    pub fn of(&self, value: &Value) -> Option<bool> {
        match self {
            Self::Holds => match value {
                Value::Truth(truth) => Some(*truth),
                _ => None,
            },
            Self::Is(other) => same(value, other),
            Self::IsNot(other) => same(value, other).map(|is| !is),
            Self::In(others) => among(value, others),
            Self::NotIn(others) => among(value, others).map(|is| !is),
            Self::Has(item) => has(value, item),
            Self::HasNot(item) => has(value, item).map(|is| !is),
            Self::Order(order, than) => match value {
                Value::Number(number) => {
                    let compared = number.compare(*than);
                    Some(match order {
                        Order::Less => compared.is_lt(),
                        Order::LessOrEqual => compared.is_le(),
                        Order::Greater => compared.is_gt(),
                        Order::GreaterOrEqual => compared.is_ge(),
                    })
                }
                _ => None,
            },
        }
    }

    /// What an attribute must be to be asked so.
    pub fn wants(&self) -> &'static str {
        match self {
            Self::Holds => "true or false",
            Self::Is(value) | Self::IsNot(value) => value.kind(),
            Self::In(values) | Self::NotIn(values) => values.first().map_or("text", Value::kind),
            Self::Has(_) | Self::HasNot(_) => "a list",
            Self::Order(..) => "a number",
        }
    }
}

fn same(a: &Value, b: &Value) -> Option<bool> {
    (std::mem::discriminant(a) == std::mem::discriminant(b) && !matches!(a, Value::Other))
        .then(|| a == b)
}

/// The values of a rule's list are of one type.
fn among(value: &Value, others: &[Value]) -> Option<bool> {
    let first = others.first()?;
    same(value, first)?;
    Some(others.contains(value))
}

/// Of a list with values of another type, an item of which cannot be told to be this one or not,
/// nothing is said.
fn has(value: &Value, item: &Value) -> Option<bool> {
    let Value::List(items) = value else { return None };
    if !items.iter().all(|one| same(one, item).is_some()) {
        return None;
    }
    Some(items.contains(item))
}
